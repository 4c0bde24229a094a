// Plain JavaScript that runs on Node 20: it finds the Node that the programs need, then starts one of them.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const wantedMajor = 24
const checkout = dirname(dirname(fileURLToPath(import.meta.url)))

/** Runs a TypeScript program of this checkout (and its `main()`, if it exports one), on this Node if it is new enough, else on the one that `npm ci` installed. */
export async function launch(program) {
  endWithNpm()
  if (Number(process.versions.node.split('.')[0]) < wantedMajor) return runAgainOnWantedNode()
  enableCompileCache()
  const { main } = await import(new URL(program, import.meta.url).href)
  await main?.()
}

function runAgainOnWantedNode() {
  const node = join(checkout, 'node_modules', 'node', 'bin', 'node')
  if (!existsSync(node)) {
    process.stderr.write(
      `error: Skerry needs Node ${wantedMajor}, this is ${process.version}, and the one that comes with the project is not installed\n` +
        `fix: npm ci (with install scripts allowed), in ${checkout}\ncode: SKERRY_NODE_TOO_OLD\n`,
    )
    process.exitCode = 69
    return
  }
  const child = spawn(node, [...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']) process.on(signal, () => child.kill(signal))
  // A terminal sends Ctrl-C to the whole foreground group: the child has it already, and a second one would mean "at once".
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  process.on('SIGINT', () => onTerminal || child.kill('SIGINT'))
  child.on('error', error => {
    process.stderr.write(`error: cannot run ${node}: ${error.message}\nfix: rm -rf node_modules && npm ci\ncode: SKERRY_NODE_TOO_OLD\n`)
    process.exitCode = 69
  })
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code ?? 1
    } else {
      // End as the child did, so that whoever waits for us sees the same.
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    }
  })
}

/**
 * `npm start` and `npx skerry` run us under a shell. That shell ends without a word to us when npm is told to stop (`kill %1`), and what npm was
 * told was meant for us.
 */
function endWithNpm() {
  const script = (process.env.npm_lifecycle_script ?? '').split(/[\s/"']+/)
  const name = basename(process.argv[1] ?? '', '.js')
  if (!script.includes(name) && !script.includes(`${name}.js`)) return
  const shell = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 500)
  watch.unref()
}

/** Halves the start. The checkout first (fresh clones share nothing); where it is read-only, the user's own cache. */
function enableCompileCache() {
  if (process.env.NODE_COMPILE_CACHE || process.env.NODE_DISABLE_COMPILE_CACHE) return
  const userCache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  for (const directory of [join(checkout, '.cache', 'compile'), join(userCache, 'skerry', 'compile')]) {
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      const { status } = nodeModule.enableCompileCache(directory)
      if (status === nodeModule.constants.compileCacheStatus.ENABLED || status === nodeModule.constants.compileCacheStatus.ALREADY_ENABLED)
        return
    } catch {
      // Not writable: the next one, or no cache at all.
    }
  }
}
