import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { GrpcServer, serveStreams } from '../../std/grpc-server.ts'
import type { MessageStream } from '../../std/message-stream.ts'
import { SOTW_ADS_PATH } from '../../xds/ads-server.ts'
import { relay } from '../relay.ts'
import { AcceptedServers } from './accepted-servers.ts'

export interface AdsSocketOptions {
  /** Path of the unix socket, in a directory that only this user can enter. */
  readonly socket: string
  /** Opens a stream to the zone, as soon as it knows this workload. */
  readonly connect: (signal: AbortSignal) => Promise<MessageStream>
  /** The application serves on other ports than before. */
  readonly onPorts: () => void
}

/** The zone as a gRPC application sees it: a socket on its own machine, behind which the token and the CA are somebody else's care. */
export class AdsSocket {
  readonly #options: AdsSocketOptions
  readonly #grpc = new GrpcServer()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #lines = new Map<MessageStream, AcceptedServers>()
  #isFrozen = false

  constructor(options: AdsSocketOptions) {
    this.#options = options
    serveStreams(this.#grpc, SOTW_ADS_PATH, stream => void this.#carry(stream))
    this.#server = createServer(socket => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      this.#grpc.inject(socket)
    })
  }

  async listen(): Promise<void> {
    const { socket } = this.#options
    await rm(socket, { force: true })
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(socket, resolve)
    })
    await chmod(socket, 0o600)
  }

  /** Ports on which the application serves as the zone told it to. */
  get ports(): ReadonlySet<number> {
    return new Set([...this.#lines.values()].flatMap(({ ports }) => [...ports]))
  }

  /** No more configuration from the zone. */
  freeze(): void {
    this.#isFrozen = true
    for (const line of this.#lines.keys()) line.end({ code: 'UNAVAILABLE', message: 'the process beside this application stops' })
  }

  async close(): Promise<void> {
    this.#grpc.close()
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #carry(stream: MessageStream): Promise<void> {
    if (this.#isFrozen) return stream.end({ code: 'UNAVAILABLE', message: 'the process beside this application stops' })
    const { connect, onPorts } = this.#options
    const accepted = new AcceptedServers()
    this.#lines.set(stream, accepted)
    await relay(stream, connect, {
      onSent(message) {
        const before = accepted.ports
        accepted.onRequest(message)
        if (accepted.ports !== before) onPorts()
      },
      onReceived: message => accepted.onResponse(message),
    })
    this.#lines.delete(stream)
    onPorts()
  }
}
