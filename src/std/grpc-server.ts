import type { Duplex } from 'node:stream'
import { type ConnectionInjector, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import { GrpcStream, readMetadata, statusNumber } from './grpc-stream.ts'
import type { MessageStream, StreamStatus } from './message-stream.ts'

export interface GrpcServerOptions {
  /** Clients are asked for a sign of life this often (clients of ours ask the server twice as often, and a ping costs both sides) … */
  readonly keepaliveMs?: number
  /** … and cut off when none came for this long. */
  readonly keepaliveTimeoutMs?: number
  /** A client that returns names every resource that it holds: far more than grpc-js's own 4 MiB in a large mesh. */
  readonly maxReceiveBytes?: number
}

/** Accepts gRPC calls on connections that someone else accepted (`tls-front.ts`). */
export class GrpcServer {
  readonly #server: Server
  readonly #injector: ConnectionInjector
  readonly #streams = new Set<GrpcStream>()
  #closing: StreamStatus | undefined

  constructor(options: GrpcServerOptions = {}) {
    this.#server = new Server({
      'grpc.keepalive_time_ms': options.keepaliveMs ?? 20_000,
      'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs ?? 5_000,
      'grpc.max_receive_message_length': options.maxReceiveBytes ?? 64 * 1024 * 1024,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': 1000,
      // A connection without a call serves nobody.
      'grpc.max_connection_idle_ms': 60_000,
      'grpc-node.flow_control_window': 1024 * 1024,
      'grpc.enable_channelz': 0,
    })
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure())
  }

  /** A connection whose HTTP/2 preface has not been read yet. */
  inject(connection: Duplex): void {
    this.#injector.injectConnection(connection)
  }

  serve(path: string, handler: (stream: MessageStream) => void): void {
    const added = this.#server.register(path, (call: Call) => this.#accept(call, handler), identity, identity, 'bidi')
    if (!added) throw new Error(`${path} is served already`)
  }

  /** Ends every call with `status` and refuses new ones; connections end when their last call has. */
  close(status: StreamStatus = { code: 'UNAVAILABLE', message: 'shutting down: connect again' }): void {
    if (this.#closing) return
    this.#closing = status
    for (const stream of this.#streams) stream.end(status)
    this.#injector.drain(1000)
    this.#injector.destroy()
  }

  #accept(call: Call, handler: (stream: MessageStream) => void): void {
    const stream = new GrpcStream(call, {
      peer: call.getPeer(),
      metadata: readMetadata(call.metadata),
      end(status) {
        if (status.code === 'OK') call.end()
        // This is how grpc-js sends a status: its own listener of `error` ends the call.
        else call.emit('error', { code: statusNumber(status.code), details: status.message })
      },
    })
    // Without a listener of ours, an error on a broken connection would be thrown.
    call.on('error', () => {})
    call.on('end', () => stream.messages.end({ code: 'OK', message: '' }))
    call.on('close', () => {
      this.#streams.delete(stream)
      stream.finish(stream.ended ?? { code: 'CANCELLED', message: 'the other side went away' })
    })
    if (this.#closing) {
      stream.end(this.#closing)
      return
    }
    this.#streams.add(stream)
    handler(stream)
  }
}

/** Hands every call of `path` (`/package.Service/Method`) to `handler`. Before the server accepts connections. */
export function serveStreams(server: GrpcServer, path: string, handler: (stream: MessageStream) => void): void {
  server.serve(path, handler)
}

type Call = ServerDuplexStream<Buffer, Buffer>

function identity(bytes: Buffer): Buffer {
  return bytes
}
