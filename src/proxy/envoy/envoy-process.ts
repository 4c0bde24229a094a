import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Backoff } from '../../std/backoff.ts'
import { type Clock, sleep } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'

export interface EnvoyProcessOptions {
  readonly path: string
  readonly args: readonly string[]
  readonly clock: Clock
  readonly backoff: Backoff
  readonly log: Log
  /** Before each start. */
  readonly onStart: () => void
  /** It ended without having been told to. */
  readonly onCrash: (reason: string) => void
}

/** Longer than this, and an end has nothing to do with the start. */
const steadyAfterMs = 10_000
/** How long it may take to end when it is told to. */
const endWithinMs = 2000

/** Keeps one Envoy running: starts it again when it ends, later each time if it does so at once. Its log goes into ours. */
export class EnvoyProcess {
  readonly #options: EnvoyProcessOptions
  readonly #stopping = new AbortController()
  #child: ChildProcess | null = null
  #running: Promise<void> | null = null

  constructor(options: EnvoyProcessOptions) {
    this.#options = options
  }

  /** 0 while it is down. */
  get pid(): number {
    return this.#child?.pid ?? 0
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends it, by force if it takes too long. */
  async close(): Promise<void> {
    this.#stopping.abort()
    const child = this.#child
    child?.kill('SIGTERM')
    const force = this.#options.clock.setTimeout(() => child?.kill('SIGKILL'), endWithinMs)
    await this.#running
    force.cancel()
  }

  async #run(): Promise<void> {
    const { clock, backoff, log, onStart, onCrash } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      onStart()
      const startedAt = clock.monotonic()
      const reason = await this.#once()
      if (signal.aborted) return
      if (clock.monotonic() - startedAt > steadyAfterMs) backoff.reset()
      const retryInMs = Math.round(backoff.nextMs())
      log.error('Envoy ended', { reason, retryInMs })
      onCrash(reason)
      await sleep(clock, retryInMs, signal)
    }
  }

  /** Resolves with how it ended. */
  async #once(): Promise<string> {
    const { path, args, log } = this.#options
    // In a process group of its own: a Ctrl-C in the terminal is for us, who tell callers first.
    const child = spawn(path, args, { stdio: ['ignore', 'inherit', 'pipe'], detached: true })
    this.#child = child
    createInterface({ input: child.stderr! }).on('line', line => logLine(line, log))
    try {
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
      return signal === null ? `exit code ${code}` : signal
    } catch (error) {
      return (error as Error).message
    } finally {
      this.#child = null
    }
  }
}

/** Envoy writes `<level> <component> <text>`, as `--log-format` says; more lines of one message come without. */
export const logFormat = '%l %n %v'

function logLine(line: string, log: Log): void {
  const match = /^(trace|debug|info|warning|error|critical) (\S+) (.*)$/.exec(line)
  const [level, component, text] = match ? match.slice(1) : ['info', undefined, line]
  const fields = { ...(component ? { component } : {}), text }
  if (level === 'error' || level === 'critical') log.error('Envoy', fields)
  else if (level === 'warning') log.warn('Envoy', fields)
  else if (level === 'info') log.info('Envoy', fields)
  else log.debug('Envoy', fields)
}
