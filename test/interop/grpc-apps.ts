import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { TestedProxy } from './envoy-mesh.ts'

const root = resolve(import.meta.dirname, '../..')
const peers = process.env.SKERRY_PEERS ?? resolve(root, '../shared/peers')
const cache = process.env.PEERS_DIR ?? join(root, '.peers')

/** A Python with grpcio, fetched if need be; null = there is none to be had here. */
export async function grpcPython(): Promise<string | null> {
  return fetched(join(cache, 'grpc-python', 'bin', 'python'), 'grpc-python.sh')
}

/** A program in Go that asks a server for its health by xDS; null = there is none to be had here. */
export async function grpcGo(): Promise<string | null> {
  return fetched(join(cache, 'bin', 'grpc-go-xds'), 'grpc-go.sh')
}

async function fetched(file: string, script: string): Promise<string | null> {
  if (existsSync(file)) return file
  if (!existsSync(join(peers, script))) return null
  try {
    await promisify(execFile)('bash', [join(peers, script)], { env: { ...process.env, PEERS_DIR: cache }, timeout: 300_000 })
  } catch {
    return null
  }
  return existsSync(file) ? file : null
}

export interface Said {
  readonly code: string
  readonly text: string
}

export interface Asking {
  readonly say?: string
  readonly method?: 'say' | 'whisper'
  readonly timeoutMs?: number
  readonly headers?: Record<string, string>
}

/** How to start the application, by the language that it is written in. */
export type Language = { readonly name: string; readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> }

/** In Node a server enforces no permissions unless it is told to: without that it refuses to serve at all. */
export const inNode: Language = {
  name: '@grpc/grpc-js-xds',
  command: [process.execPath, join(import.meta.dirname, 'grpc-app.ts')],
  env: { GRPC_XDS_EXPERIMENTAL_RBAC: 'true' },
}

export function inPython(python: string): Language {
  return { name: 'grpcio', command: [python, join(import.meta.dirname, 'grpc_app.py')], env: {} }
}

/** The file that tells a gRPC application beside this proxy where everything is. */
export function bootstrapOf(proxy: TestedProxy): string {
  return join(proxy.running.directory, 'grpc', 'bootstrap.json')
}

/** An application without a proxy, in a process of its own. */
export class GrpcApp {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (said: Said) => void>()
  #asked = 0
  #log = ''

  /** Serves as `name` on `address` if that is given; calls in any case. */
  static async start(language: Language, bootstrap: string, serve?: { address: string; name: string }): Promise<GrpcApp> {
    const [program = '', ...args] = [...language.command, ...(serve ? ['serve', serve.address, serve.name] : [])]
    const env = { ...process.env, ...language.env, GRPC_XDS_BOOTSTRAP: bootstrap, NODE_OPTIONS: '' }
    const app = new GrpcApp(spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] }))
    return app
  }

  private constructor(child: ChildProcess) {
    this.#child = child
    createInterface({ input: child.stdout! }).on('line', line => {
      const { id, ...said } = JSON.parse(line) as Said & { id: number }
      this.#waiting.get(id)?.(said)
      this.#waiting.delete(id)
    })
    child.stderr!.on('data', part => {
      this.#log = (this.#log + part).slice(-4000)
    })
    child.on('exit', () => {
      for (const done of this.#waiting.values()) done({ code: 'GONE', text: this.#log })
    })
  }

  /** What it wrote on stderr, the end of it. */
  get log(): string {
    return this.#log
  }

  call(target: string, { say = 'hello', ...more }: Asking = {}): Promise<Said> {
    const id = ++this.#asked
    return new Promise(resolve => {
      this.#waiting.set(id, resolve)
      this.#child.stdin!.write(`${JSON.stringify({ id, target, say, ...more })}\n`)
    })
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await ended
  }
}
