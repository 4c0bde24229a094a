import { resolve } from 'node:path'
import { findMinistack, howToGetIt } from './cloud/ministack.ts'
import { DemoMesh } from './mesh.ts'

const usage = `npm start -- [--with-fake-cloud] [--restart-after SECONDS|never] [--data DIR]

Starts a two-cloud mesh on this machine: a global control plane, zones aws-1 and azure-1, and a small shop.
  --restart-after  when to start a process again that died (default 10; 0 = at once; never)
  --data           where it keeps everything (default .skerry)
  --with-fake-cloud
                   also an AWS account on this machine, with ECS tasks and a Lambda function that zone aws-1 discovers;
                   needs ministack, from Python's packages: ${howToGetIt}
`

const flags = parse(process.argv.slice(2))
// Who asks for it means to see it: better to say at once what is missing than to start without.
const ministack = flags.withFakeCloud ? await findMinistack(process.env) : null
if (flags.withFakeCloud && ministack === null) {
  process.stderr.write(`error: --with-fake-cloud needs ministack, which is neither in .peers (or $PEERS_DIR), nor on the PATH, nor a module of python3
fix: ${howToGetIt}
     or, so that nothing else is touched:  python3 -m venv .peers/ministack && .peers/ministack/bin/${howToGetIt}
     or start without --with-fake-cloud
`)
  process.exit(69)
}
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
  ...(ministack ? { fakeCloud: { command: ministack, interval: '5s' } } : {}),
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
${
  ministack
    ? `
In the fake AWS account (${mesh.urls.cloud}), discovered by zone aws-1 and called through its gateway:
  curl ${mesh.urls.shop}recommendations            # one of two ECS tasks
  curl ${mesh.urls.shop}greeting                   # a Lambda function
  npx skerry discovery list
  npm run --silent cloud -- scale recommendations 3
  npm run --silent cloud -- weather down            # its API fails; the shop goes on (empty: it lies; fine: as before)
`
    : ''
}
Ctrl-C stops everything.`)

await interrupted
say('\nstopping …')
await mesh.stop()
process.exit(0)

function parse(args: readonly string[]): { dataDir: string; restartAfterMs: number | null; withFakeCloud: boolean } {
  let dataDir = resolve('.skerry')
  let restartAfterMs: number | null = 10_000
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage)
    process.exit(0)
  }
  const withFakeCloud = args.includes('--with-fake-cloud')
  args = args.filter(arg => arg !== '--with-fake-cloud')
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
  return { dataDir, restartAfterMs, withFakeCloud }
}
