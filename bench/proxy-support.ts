import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import type { IdentityMaterial, ListenerTable } from '../src/proxy/compile/table.ts'
import { createDataPlane } from '../src/proxy/data.ts'
import { aCluster, aHost, aListener, anInbound, endpointsOf, routesTo, tlsTo } from '../src/proxy/testing.ts'
import { systemClock } from '../src/std/clock.ts'
import { createLog } from '../src/std/log.ts'
import { systemRandom } from '../src/std/random.ts'

/** The processes of the proxy's bench: an application, proxies, and who sends requests. Each is a fork of this file. */
export type Role =
  | { readonly kind: 'application'; readonly port: number; readonly bodyBytes: number }
  | { readonly kind: 'load'; readonly port: number; readonly connections: number; readonly ms: number; readonly answerBytes: number }
  | {
      readonly kind: 'proxy'
      readonly listen: number
      readonly to: number
      readonly side: 'plain' | 'client' | 'server'
      readonly tls?: ProxyTls
    }

export interface ProxyTls {
  readonly identity: IdentityMaterial
  readonly trust: Readonly<Record<string, readonly string[]>>
  readonly peer: string
}

/** A forked process that does its part until it is ended. */
export class Peer implements AsyncDisposable {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(role: Role): Promise<Peer> {
    const child = fork(import.meta.filename, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    child.send(role)
    await once(child, 'message')
    return new Peer(child)
  }

  /** CPU time of all its threads so far, µs. */
  async cpu(): Promise<number> {
    return (await this.#ask('cpu')) as number
  }

  /** For `load`: sends for its time, answers with how many answers came. */
  async run(): Promise<number> {
    return (await this.#ask('run')) as number
  }

  async #ask(question: string): Promise<unknown> {
    this.#child.send(question)
    const [answer] = await once(this.#child, 'message')
    return answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill()
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }
}

export const answerOf = (bodyBytes: number): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${bodyBytes}\r\n\r\n${'x'.repeat(bodyBytes)}`

const request = Buffer.from('GET /orders/42?details=1 HTTP/1.1\r\nhost: orders.mesh\r\nuser-agent: bench\r\naccept: */*\r\n\r\n')

async function application({ port, bodyBytes }: Extract<Role, { kind: 'application' }>): Promise<void> {
  const answer = Buffer.from(answerOf(bodyBytes))
  const server = createServer({ noDelay: true }, socket => {
    let matched = 0
    socket.on('error', () => {})
    socket.on('data', bytes => {
      // Ends of heads: requests without bodies.
      for (const byte of bytes) {
        matched = byte === (matched % 2 === 0 ? 13 : 10) ? matched + 1 : byte === 13 ? 1 : 0
        if (matched === 4) {
          matched = 0
          socket.write(answer)
        }
      }
    })
  })
  await once(server.listen(port, '127.0.0.1'), 'listening')
}

function load({ port, connections, ms, answerBytes }: Extract<Role, { kind: 'load' }>): Promise<number> {
  return new Promise(resolve => {
    let answers = 0
    let isOver = false
    const sockets = Array.from({ length: connections }, () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      let left = answerBytes
      socket.on('error', () => {})
      socket.on('connect', () => socket.write(request))
      socket.on('data', bytes => {
        left -= bytes.length
        if (left > 0) return
        answers++
        left = answerBytes
        if (!isOver) socket.write(request)
      })
      return socket
    })
    setTimeout(() => {
      isOver = true
      for (const socket of sockets) socket.destroy()
      resolve(answers)
    }, ms)
  })
}

async function proxy({ listen, to, side, tls }: Extract<Role, { kind: 'proxy' }>): Promise<void> {
  const plane = createDataPlane({ clock: systemClock, random: systemRandom, log: createLog({ level: 'warn' }) })
  if (tls) {
    plane.setIdentity(tls.identity)
    plane.setTrust(new Map(Object.entries(tls.trust)))
  }
  plane.setCluster(aCluster('to', side === 'client' ? { tls: tlsTo('sni.to', tls!.peer) } : {}))
  plane.setEndpoints(endpointsOf('to', [aHost(to)]))
  const listener: ListenerTable = side === 'server' ? anInbound('in', listen, 'to') : aListener('in', listen, routesTo('to'))
  await plane.setListener(listener)
}

/** The second of two processors does the load and the application's work, as far as the machine lets us choose. */
export const processors = availableParallelism()

if (process.argv[1] === import.meta.filename && process.send) {
  let role: Role | null = null
  process.on('message', async message => {
    if (role === null) {
      role = message as Role
      if (role.kind === 'application') await application(role)
      if (role.kind === 'proxy') await proxy(role)
      process.send!('ready')
    } else if (message === 'cpu') {
      const { user, system } = process.cpuUsage()
      process.send!(user + system)
    } else if (role.kind === 'load') process.send!(await load(role))
  })
}
