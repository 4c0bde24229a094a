import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../std/clock.ts'
import { describeListenError, listen } from '../std/listen.ts'
import type { Log } from '../std/log.ts'
import type { Address } from '../std/option-value.ts'
import type { Random } from '../std/random.ts'
import { answer, type NameView } from './answer.ts'
import { readQuery } from './query.ts'
import { EDNS_PAYLOAD_BYTES, failure, writeRefusal, writeResponse } from './response.ts'

export interface DnsServerOptions {
  readonly address: Address
  /** What the user gave the address with, for the error. */
  readonly flag: string
  readonly view: NameView
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly limits?: Partial<DnsLimits>
}

export interface DnsLimits {
  readonly ttlSeconds: number
  readonly tcpConnections: number
  /** A TCP connection without a question for so long is closed. */
  readonly tcpIdleMs: number
  /** Questions on one TCP connection. */
  readonly tcpQuestions: number
}

const defaultLimits: DnsLimits = { ttlSeconds: 1, tcpConnections: 128, tcpIdleMs: 10_000, tcpQuestions: 10_000 }

const PLAIN_UDP_BYTES = 512
const MAX_TCP_BYTES = 65_535
/** With port 0 the port that UDP was given may be taken for TCP: then another one is tried. */
const PORT_ATTEMPTS = 10

/** Answers questions about the names of a view, over UDP and TCP on one port. It asks nobody else. */
export class DnsServer {
  readonly address: Address
  readonly #udp: DatagramSocket
  readonly #tcp: Server
  readonly #options: DnsServerOptions
  readonly #limits: DnsLimits
  readonly #connections = new Set<Socket>()

  /** Throws PortTakenError or ListenError. */
  static async start(options: DnsServerOptions): Promise<DnsServer> {
    for (let attempt = 1; ; attempt++) {
      const udp = await bindUdp(options)
      const tcp = createServer()
      const port = udp.address().port
      try {
        await listen(tcp, { host: options.address.host, port }, options.flag)
        return new DnsServer(options, udp, tcp)
      } catch (error) {
        await new Promise<void>(resolve => udp.close(resolve))
        if (options.address.port !== 0 || attempt === PORT_ATTEMPTS) throw error
      }
    }
  }

  private constructor(options: DnsServerOptions, udp: DatagramSocket, tcp: Server) {
    this.#options = options
    this.#limits = { ...defaultLimits, ...options.limits }
    this.#udp = udp
    this.#tcp = tcp
    this.address = { host: options.address.host, port: udp.address().port }
    udp.on('message', (message, { address, port }) => {
      const reply = this.#reply(message, 'udp')
      // Whoever asked may be gone: that is not our trouble.
      if (reply) udp.send(reply, port, address, () => {})
    })
    udp.on('error', error => options.log.warn('dns: udp failed', { error }))
    tcp.maxConnections = this.#limits.tcpConnections
    tcp.on('connection', socket => this.#serve(socket))
    tcp.on('error', error => options.log.warn('dns: tcp failed', { error }))
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy()
    await Promise.all([
      new Promise<void>(resolve => this.#udp.close(() => resolve())),
      new Promise<void>(resolve => this.#tcp.close(() => resolve())),
    ])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** null = nothing is to be answered. */
  #reply(message: Uint8Array, transport: 'udp' | 'tcp'): Buffer | null {
    const read = readQuery(message)
    if (read.kind === 'ignore') return null
    if (read.kind === 'refuse') return writeRefusal(read)
    const { query } = read
    const udpBytes = query.edns ? Math.min(Math.max(query.edns.payloadBytes, PLAIN_UDP_BYTES), EDNS_PAYLOAD_BYTES) : PLAIN_UDP_BYTES
    const limit = transport === 'udp' ? udpBytes : MAX_TCP_BYTES
    const { view, random, log } = this.#options
    try {
      const options = { ttlSeconds: this.#limits.ttlSeconds, rotation: random.next() }
      return writeResponse(query, answer(query, view, options), limit)
    } catch (error) {
      log.error('dns: a question could not be answered', { name: query.name, type: query.type, error })
      return writeResponse(query, failure, limit)
    }
  }

  /** Messages with their length before them, answered in order. https://www.rfc-editor.org/rfc/rfc7766 */
  #serve(socket: Socket): void {
    this.#connections.add(socket)
    let pending = Buffer.alloc(0)
    let questions = 0
    let idle = this.#idleTimer(socket)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      idle.cancel()
      this.#connections.delete(socket)
    })
    // Nobody makes us keep answers that are not read: the next question is taken when they are, and the idle timer ends it.
    const answerPending = () => {
      while (!socket.writableNeedDrain && pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const end = 2 + pending.readUInt16BE(0)
        const reply = this.#reply(pending.subarray(2, end), 'tcp')
        pending = pending.subarray(end)
        // What is no question is a client that does not speak DNS.
        if (!reply || ++questions > this.#limits.tcpQuestions) return void socket.destroy()
        idle.cancel()
        idle = this.#idleTimer(socket)
        const length = Buffer.alloc(2)
        length.writeUInt16BE(reply.length)
        socket.write(Buffer.concat([length, reply]))
      }
      if (socket.writableNeedDrain) socket.pause()
      else socket.resume()
    }
    socket.on('drain', answerPending)
    socket.on('data', chunk => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      answerPending()
    })
  }

  #idleTimer(socket: Socket) {
    return this.#options.clock.setTimeout(() => socket.destroy(), this.#limits.tcpIdleMs)
  }
}

function bindUdp({ address, flag }: DnsServerOptions): Promise<DatagramSocket> {
  const socket = createSocket({ type: address.host.includes(':') ? 'udp6' : 'udp4' })
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      socket.close()
      reject(describeListenError(error, address, flag))
    }
    socket.once('error', fail)
    socket.bind(address.port, address.host, () => {
      socket.off('error', fail)
      resolve(socket)
    })
  })
}
