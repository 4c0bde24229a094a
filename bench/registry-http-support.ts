import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An answer as far as benches look: what is not needed is not made. */
export interface RawAnswer {
  readonly status: number
  /** The head as it came. */
  readonly head: string
  readonly bytes: number
  /** performance.now() when its last byte was here. */
  readonly at: number
}

/**
 * One keep-alive connection that sends requests made beforehand and reads no more of answers than their length: a client of Node's own
 * would cost more than the server that is measured.
 */
export class RawConnection {
  readonly #socket: Socket
  #pending: Buffer = Buffer.alloc(0)
  readonly #awaited: { resolve: (answer: RawAnswer) => void; reject: (error: Error) => void }[] = []

  static async open(host: string, port: number): Promise<RawConnection> {
    const socket = connect(port, host)
    socket.setNoDelay(true)
    await once(socket, 'connect')
    return new RawConnection(socket)
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', chunk => this.#take(chunk))
    socket.on('error', error => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  send(request: Buffer | string): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      this.#awaited.push({ resolve, reject })
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    for (;;) {
      const end = this.#pending.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = this.#pending.toString('latin1', 0, end)
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
      if (this.#pending.length < end + 4 + length) return
      this.#pending = this.#pending.subarray(end + 4 + length)
      this.#awaited.shift()?.resolve({ status: Number(head.slice(9, 12)), head, bytes: length, at: performance.now() })
    }
  }

  #fail(error: Error): void {
    for (const { reject } of this.#awaited.splice(0)) reject(error)
  }
}

export interface BenchZone {
  readonly host: string
  readonly port: number
  readonly token: string
  readonly directory: string
  request(method: string, path: string, body?: unknown): Buffer
  open(): Promise<RawConnection>
  cpuMs(): Promise<number>
  rssMb(): Promise<number>
  [Symbol.asyncDispose](): Promise<void>
}

/** A zone control plane as a process of its own, its store on disk. `fsyncMs`: added to each fsync of it; needs a C compiler. */
export async function startZone({ fsyncMs = 0 }: { fsyncMs?: number } = {}): Promise<BenchZone> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-bench-'))
  const flags = process.env.BENCH_ZONE_FLAGS?.split(' ') ?? []
  const skerry = join(import.meta.dirname, '../bin/skerry.js')
  const options = ['--zone', 'bench', '--data', directory, '--api', '127.0.0.1:0', '--xds', '127.0.0.1:0', '--log-level', 'error']
  const preload = fsyncMs > 0 ? { LD_PRELOAD: await slowFsync(directory, fsyncMs) } : {}
  const child = spawn(process.execPath, [...flags, skerry, 'zone', 'run', ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...preload },
  })
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the zone ended with ${code}`)))
  ended.catch(() => {})
  const there = (name: string) => Promise.race([whenThere(join(directory, name)), ended])
  const ports = JSON.parse(await there('ports.json')) as { api: string }
  const token = (await there('admin.token')).trim()
  const [host = '', port = ''] = ports.api.split(':')
  return {
    host,
    port: Number(port),
    token,
    directory,
    request: (method, path, body) => {
      const payload = body === undefined ? '' : JSON.stringify(body)
      const content = body === undefined ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(payload)}\r\n`
      return Buffer.from(`${method} ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n${content}\r\n${payload}`)
    },
    open: () => RawConnection.open(host, Number(port)),
    cpuMs: () => cpuMs(child.pid!),
    rssMb: async () => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    async [Symbol.asyncDispose]() {
      child.kill()
      if (child.exitCode === null) await once(child, 'exit')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A library that makes each flush to the disk take longer, as slower disks do. */
async function slowFsync(directory: string, ms: number): Promise<string> {
  const source = join(directory, 'slow-fsync.c')
  const library = join(directory, 'slow-fsync.so')
  const wrap = (name: string) =>
    `int ${name}(int fd) { static int (*real)(int); if (!real) real = dlsym(RTLD_NEXT, "${name}"); struct timespec t = {0, ${ms * 1_000_000}}; nanosleep(&t, 0); return real(fd); }`
  await writeFile(source, `#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <time.h>\n${wrap('fsync')}\n${wrap('fdatasync')}\n`)
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl'])
  return library
}

export function hasCompiler(): boolean {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

async function whenThere(file: string): Promise<string> {
  for (let tries = 0; tries < 300; tries++) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text !== '') return text
    await pause(100)
  }
  throw new Error(`${file} did not come`)
}

/** User and system time of a process, all of its threads. */
async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
