import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import type { GrpcServer } from './grpc-server.ts'
import { listen } from './listen.ts'
import { type Log, silentLog } from './log.ts'
import type { Address } from './option-value.ts'

export interface TlsFrontOptions {
  readonly address: Address
  /** What the user gave the address with (`--xds`), for the error when it is taken. */
  readonly flag: string
  readonly certificate: ServerCertificate
  /** ALPN h2. The front closes it. */
  readonly grpc: GrpcServer
  /** ALPN http/1.1 or none. */
  readonly http: RequestListener
  /** Connections at a time, of any kind; more are closed unheard. */
  readonly maxConnections?: number
  readonly handshakeTimeoutMs?: number
  readonly log?: Log
}

/** PEM, the leaf first. */
export interface ServerCertificate {
  readonly certPem: string
  readonly keyPem: string
}

/** One TLS port for gRPC and plain HTTP: ALPN decides. */
export class TlsFront {
  readonly #tls: TlsServer
  readonly #http: HttpServer
  readonly #grpc: GrpcServer
  readonly #sockets = new Set<Socket>()
  #address: Address
  #closed: Promise<void> | undefined

  private constructor(options: TlsFrontOptions) {
    const log = options.log ?? silentLog
    this.#address = options.address
    this.#grpc = options.grpc
    this.#http = createHttpServer({ requestTimeout: 60_000, headersTimeout: 10_000, keepAliveTimeout: 15_000 }, options.http)
    this.#tls = createTlsServer({
      ...context(options.certificate),
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: options.handshakeTimeoutMs ?? 10_000,
      noDelay: true,
    })
    this.#tls.maxConnections = options.maxConnections ?? 20_000
    this.#tls.on('tlsClientError', (error, socket) => {
      log.debug('TLS handshake failed', { peer: socket.remoteAddress, error })
      socket.destroy()
    })
    this.#tls.on('drop', dropped => log.warn('too many connections', { peer: dropped?.remoteAddress }))
    // Also those that never finish their handshake.
    this.#tls.on('connection', socket => this.#track(socket))
    this.#tls.on('secureConnection', socket => this.#accept(socket))
    // It never listens itself, but only this starts its watch over slow headers and requests.
    this.#http.emit('listening')
  }

  /** @throws PortTakenError */
  static async start(options: TlsFrontOptions): Promise<TlsFront> {
    const front = new TlsFront(options)
    try {
      front.#address = await listen(front.#tls, options.address, options.flag)
    } catch (error) {
      front.#http.close()
      throw error
    }
    return front
  }

  /** As bound: with port 0 asked for, the one that was free. */
  get address(): Address {
    return this.#address
  }

  /** For new connections; open ones go on. */
  setCertificate(certificate: ServerCertificate): void {
    this.#tls.setSecureContext(context(certificate))
  }

  /** Stops accepting, ends calls in good order (UNAVAILABLE) and idle connections at once, everything after `graceMs`. */
  close(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(options.graceMs ?? 1000)
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close({ graceMs: 0 })
  }

  #accept(socket: TLSSocket): void {
    this.#track(socket)
    // Both servers handle what concerns them; a reset between two requests concerns nobody.
    socket.on('error', () => {})
    if (socket.alpnProtocol === 'h2') this.#grpc.inject(socket)
    else this.#http.emit('connection', socket)
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }

  async #close(graceMs: number): Promise<void> {
    const ended = new Promise<void>(resolve => this.#tls.close(() => resolve()))
    this.#grpc.close()
    this.#http.closeIdleConnections()
    this.#http.close()
    const grace = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy()
    }, graceMs)
    await ended
    clearTimeout(grace)
  }
}

function context(certificate: ServerCertificate) {
  // Envoy's clients speak TLS 1.2 unless told otherwise.
  return { cert: certificate.certPem, key: certificate.keyPem, minVersion: 'TLSv1.2' as const }
}
