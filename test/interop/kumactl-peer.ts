import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
const GET_MS = 120_000
const RUN_MS = 30_000

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** An unmodified kumactl with a home of its own. */
export class Kumactl {
  readonly #program: string
  readonly #home: string

  private constructor(program: string, home: string) {
    this.#program = program
    this.#home = home
  }

  /** Gets the program where it is not there yet; a text says why it cannot be had. */
  static async get(): Promise<Kumactl | string> {
    const script = join(process.env.SKERRY_PEERS ?? resolve(root, '../shared/peers'), 'kuma.sh')
    if (!existsSync(script)) return `kumactl cannot be had: there is no ${script} (SKERRY_PEERS names the folder with the scripts)`
    const got = await execute('bash', [script], { ...process.env, PEERS_DIR: process.env.PEERS_DIR ?? join(root, '.peers') }, GET_MS)
    const program = got.out.split('\n').find(line => line.endsWith('/kumactl'))
    if (got.code !== 0 || program === undefined) return `kumactl cannot be had: ${script} ended with ${got.code}: ${got.err.slice(-500)}`
    return new Kumactl(program, await mkdtemp(join(tmpdir(), 'skerry-kumactl-')))
  }

  run(...args: string[]): Promise<Ran> {
    return execute(this.#program, args, { PATH: process.env.PATH, HOME: this.#home }, RUN_MS)
  }

  /** As `run`, with a text on its standard input (`apply -f -`). */
  feed(text: string, ...args: string[]): Promise<Ran> {
    return execute(this.#program, args, { PATH: process.env.PATH, HOME: this.#home }, RUN_MS, text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#home, { recursive: true, force: true })
  }
}

function execute(program: string, args: readonly string[], env: NodeJS.ProcessEnv, timeout: number, input?: string): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(program, args, { env, timeout, maxBuffer: 50_000_000 }, (error, out, err) =>
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, out, err }),
    )
    child.stdin?.end(input)
  })
}
