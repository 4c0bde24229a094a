import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const skerry = resolve(import.meta.dirname, '../../bin/skerry.js')
const START_MS = 30_000
const STOP_MS = 10_000

/** `skerry …` in a process of its own, with a folder that goes when it ends. */
export class SkerryProcess {
  readonly folder: string
  readonly #child: ChildProcess
  #said = ''

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child
    this.folder = folder
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => (this.#said = (this.#said + data).slice(-4000)))
  }

  /** `args` may name files in the folder. */
  static async start(args: (folder: string) => readonly string[] | Promise<readonly string[]>): Promise<SkerryProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'skerry-test-'))
    const child = spawn(process.execPath, [skerry, ...(await args(folder))], { stdio: ['ignore', 'pipe', 'pipe'] })
    return new SkerryProcess(child, folder)
  }

  /** The end of what it printed. */
  get said(): string {
    return this.#said
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasEnded) {
      const ended = new Promise(resolve => this.#child.once('exit', resolve))
      this.#child.kill('SIGTERM')
      const patience = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(patience)
    }
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** A control plane with everything in memory, on ports of its own choice. */
export class ControlPlaneProcess {
  readonly url: string
  /** The admin's. */
  readonly token: string
  /** HOST:PORT by name: `api`, and `xds` or `sync`. */
  readonly ports: Readonly<Record<string, string>>
  readonly #process: SkerryProcess

  private constructor(process: SkerryProcess, ports: Readonly<Record<string, string>>, token: string) {
    this.#process = process
    this.ports = ports
    this.url = `http://${ports.api}`
    this.token = token
  }

  /** `args` after `skerry zone run` or `skerry global run`. Throws with what the program said when it does not come up. */
  static async start(role: 'zone' | 'global', args: readonly string[] = []): Promise<ControlPlaneProcess> {
    const listen = ['--api', '127.0.0.1:0', role === 'zone' ? '--xds' : '--sync', '127.0.0.1:0']
    await using opening = new AsyncDisposableStack()
    const started = opening.use(
      await SkerryProcess.start(folder => [role, 'run', '--store', 'memory', '--data', folder, ...listen, ...args]),
    )
    const ports = await untilReady(started, role)
    const token = (await readFile(join(started.folder, 'admin.token'), 'utf8')).trim()
    opening.move()
    return new ControlPlaneProcess(started, ports, token)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]()
  }
}

async function untilReady(started: SkerryProcess, role: string): Promise<Record<string, string>> {
  const began = Date.now()
  for (;;) {
    const ports = await readPorts(started.folder)
    if (ports && (await answers(ports.api!))) return ports
    if (started.hasEnded || Date.now() - began > START_MS) throw new Error(`skerry ${role} run did not come up: ${started.said}`)
    await new Promise(wait => setTimeout(wait, 50))
  }
}

async function readPorts(folder: string): Promise<Record<string, string> | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'ports.json'), 'utf8')) as Record<string, string>
  } catch {
    return undefined
  }
}

async function answers(address: string): Promise<boolean> {
  try {
    return (await fetch(`http://${address}/readyz`)).ok
  } catch {
    return false
  }
}
