import { systemClock } from '../std/clock.ts'
import { createLog } from '../std/log.ts'
import { formatProblems } from '../std/options.ts'
import { readOptions } from '../std/read-options.ts'
import { announcePorts, reportStartError, untilSignal } from '../std/run-program.ts'
import { options } from './config.ts'
import { startGlobal } from './global-cp.ts'

/** `skerry global run`. Resolves to an exit code when it was told to stop. */
export async function runGlobal(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const config = await readOptions(options, argv, env)
  if (config.kind === 'invalid') {
    process.stderr.write(`${formatProblems(config.problems)}\n`)
    return 64
  }
  const { values } = config
  const log = createLog({ level: values.logLevel as 'info', name: 'global' })
  const stopped = untilSignal()
  let global: Awaited<ReturnType<typeof startGlobal>>
  try {
    global = await startGlobal(values, { clock: systemClock, log })
  } catch (error) {
    return reportStartError(error)
  }
  await announcePorts(values.data, `global\n  admin token in ${global.adminToken.file}`, global.ports)
  log.info('ready')
  const reason = await Promise.race([stopped, global.failed])
  log.info('stopping', { reason: reason instanceof Error ? reason.message : reason })
  await global[Symbol.asyncDispose]()
  return reason instanceof Error ? 74 : 0
}
