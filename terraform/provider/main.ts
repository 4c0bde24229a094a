import { logToStderr } from '../sdk/serve/log.ts'
import { servePlugin } from '../sdk/serve/plugin.ts'
import { skerryHandlers } from './skerry-provider.ts'

// Not awaited here: the bundle is CommonJS, which knows no await outside of functions.
servePlugin(skerryHandlers(process.env, logToStderr), process.env).catch((error: Error) => {
  logToStderr('error', 'the provider could not start', { stack: error.stack })
  process.exitCode = 1
})
