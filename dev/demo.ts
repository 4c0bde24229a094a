import { resolve } from 'node:path'
import { DemoMesh } from './mesh.ts'

const usage = `npm start -- [--restart-after SECONDS|never] [--data DIR]

Starts a two-cloud mesh on this machine: a global control plane, zones aws-1 and azure-1, and a small shop.
  --restart-after  when to start a process again that died (default 10; 0 = at once; never)
  --data           where it keeps everything (default .skerry)
`

const flags = parse(process.argv.slice(2))
const started = Date.now()
const elapsed = () => `${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s`
const say = (line: string) => process.stdout.write(`${line}\n`)

// Under npm a terminal's Ctrl-C comes twice, from the terminal and from npm: the second must not cut the stopping short.
const interrupted = new Promise<void>(done => {
  process.on('SIGINT', () => done())
  process.on('SIGTERM', () => done())
  process.on('SIGHUP', () => done())
})

const mesh = await DemoMesh.open({
  dataDir: flags.dataDir,
  restartAfterMs: flags.restartAfterMs,
  progress: what => say(`${elapsed()}  ${what}`),
}).catch((error: Error) => {
  process.stderr.write(
    `error: the demo did not start: ${error.message}\nfix: give it a directory that you may write to, with npm start -- --data DIR\n`,
  )
  process.exit(1)
})
const outcome = await Promise.race([
  mesh.start().then(
    () => 'ready' as const,
    (error: Error) => error,
  ),
  interrupted.then(() => 'interrupted' as const),
])
if (outcome !== 'ready') {
  if (outcome instanceof Error) process.stderr.write(`error: the demo did not start: ${outcome.message.trim()}\n`)
  await mesh.stop()
  process.exit(outcome instanceof Error ? 1 : 130)
}

say(`${elapsed()}  ready

  The shop, through the gateway   ${mesh.urls.shop}
  Global API                      ${mesh.urls.api}
  Dashboard                       ${mesh.urls.dashboard}   (a placeholder for now)
  Admin token                     ${mesh.layout.adminTokenFile}

Try, in another terminal:
  curl ${mesh.urls.shop}
  npm run --silent kill -- aws-1      # everything in aws-1 dies; the shop goes on from azure-1
  npx skerry status

Ctrl-C stops everything.`)

await interrupted
say('\nstopping …')
await mesh.stop()
process.exit(0)

function parse(args: readonly string[]): { dataDir: string; restartAfterMs: number | null } {
  let dataDir = resolve('.skerry')
  let restartAfterMs: number | null = 10_000
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage)
    process.exit(0)
  }
  for (let i = 0; i < args.length; i += 2) {
    const value = args[i + 1]
    if (args[i] === '--data' && value) dataDir = resolve(value)
    else if (args[i] === '--restart-after' && value === 'never') restartAfterMs = null
    else if (args[i] === '--restart-after' && value && /^\d+(\.\d+)?s?$/.test(value)) restartAfterMs = Number.parseFloat(value) * 1000
    else {
      process.stderr.write(`${args[i]}${value ? ` ${value}` : ''}: not understood\n\n${usage}`)
      process.exit(64)
    }
  }
  return { dataDir, restartAfterMs }
}
