import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface ProcessSpec {
  readonly name: string
  readonly role: 'global' | 'zone' | 'zone-gateway' | 'gateway' | 'sidecar' | 'application' | 'cloud'
  /** '' for global, and for a cloud. */
  readonly zone: string
  /** Absent = Node. */
  readonly program?: string
  readonly args: readonly string[]
  /** Beside what the supervisor gives to all. */
  readonly env?: Readonly<Record<string, string>>
  /** It ended, and nobody asked it to. What has this is not started again: whoever started it decides. */
  readonly onExit?: () => void
}

export interface RunningProcess {
  readonly name: string
  readonly role: ProcessSpec['role']
  readonly zone: string
  /** 0 while it is down. */
  readonly pid: number
}

/** A machine that runs everything at once has little memory for each: a small young generation saves about 15 MB a process. */
const nodeFlags = ['--max-semi-space-size=2']

interface Entry {
  readonly spec: ProcessSpec
  child: ChildProcess | null
  restart: NodeJS.Timeout | null
}

/** Keeps processes running: one that dies is started again after `restartAfterMs` (null = never). Output goes to `logDir/<name>.log`. */
export class Supervisor {
  readonly #entries = new Map<string, Entry>()
  readonly #logDir: string
  readonly #cwd: string
  readonly #env: NodeJS.ProcessEnv
  restartAfterMs: number | null
  #stopping = false
  onChange: () => void = () => {}

  /** @param options `env`: undefined takes a variable away */
  constructor(options: { logDir: string; cwd: string; env?: NodeJS.ProcessEnv; restartAfterMs: number | null }) {
    this.#logDir = options.logDir
    this.#cwd = options.cwd
    this.#env = { ...process.env, ...options.env }
    this.restartAfterMs = options.restartAfterMs
  }

  async start(spec: ProcessSpec): Promise<void> {
    await mkdir(this.#logDir, { recursive: true })
    if (this.#stopping) return
    const entry: Entry = this.#entries.get(spec.name) ?? { spec, child: null, restart: null }
    this.#entries.set(spec.name, entry)
    this.#spawn(entry)
  }

  processes(): RunningProcess[] {
    return [...this.#entries.values()].map(({ spec, child }) => ({
      name: spec.name,
      role: spec.role,
      zone: spec.zone,
      pid: child?.pid ?? 0,
    }))
  }

  isRunning(name: string): boolean {
    return Boolean(this.#entries.get(name)?.child)
  }

  /** Sends a signal; false when the process is not running. */
  kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): boolean {
    return this.#entries.get(name)?.child?.kill(signal) ?? false
  }

  /** Starts a process that is down, without waiting for its turn. */
  revive(name: string): void {
    const entry = this.#entries.get(name)
    if (!entry || entry.child) return
    if (entry.restart) clearTimeout(entry.restart)
    this.#spawn(entry)
  }

  /** Ends one, for good. */
  async end(name: string): Promise<void> {
    const entry = this.#entries.get(name)
    if (!entry) return
    this.#entries.delete(name)
    if (entry.restart) clearTimeout(entry.restart)
    await end(entry.child)
  }

  /** Ends everything: proxies first, so that they can drain; then applications, zones, global. What has not ended after 5 s is killed. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const entry of this.#entries.values()) if (entry.restart) clearTimeout(entry.restart)
    const order: ProcessSpec['role'][][] = [
      ['gateway', 'sidecar', 'zone-gateway'],
      ['application', 'zone'],
      ['global', 'cloud'],
    ]
    for (const roles of order) {
      await Promise.all([...this.#entries.values()].filter(entry => roles.includes(entry.spec.role)).map(entry => end(entry.child)))
    }
  }

  #spawn(entry: Entry): void {
    const { spec } = entry
    const log = openSync(join(this.#logDir, `${spec.name}.log`), 'a')
    const args = spec.program === undefined ? [...nodeFlags, ...spec.args] : spec.args
    const env = { ...this.#env, ...spec.env }
    const child = spawn(spec.program ?? process.execPath, args, { cwd: this.#cwd, env, stdio: ['ignore', log, log] })
    closeSync(log)
    entry.child = child
    entry.restart = null
    child.on('error', () => {})
    child.on('exit', () => {
      if (entry.child !== child) return
      entry.child = null
      const isWanted = !this.#stopping && this.#entries.get(spec.name) === entry
      if (isWanted && spec.onExit) spec.onExit()
      else if (isWanted && this.restartAfterMs !== null) entry.restart = setTimeout(() => this.#spawn(entry), this.restartAfterMs)
      this.onChange()
    })
    this.onChange()
  }
}

async function end(child: ChildProcess | null): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  await exited
  clearTimeout(timer)
}
