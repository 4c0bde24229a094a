import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import type { HttpHandler, ListenerTable, SniHandler, TcpHandler, WeightedRef } from '../compile/table.ts'
import { PermissionCheck } from '../stack/permissions.ts'
import { type Client, ListenerStats, type Runtime, type Service } from '../stack/runtime.ts'
import { TcpProxy } from '../stack/tcp-proxy.ts'
import { Wire } from '../transport/wire.ts'
import { bind } from './bind.ts'
import { HttpConnection } from './http-connection.ts'
import { Http2Connection } from './http2-connection.ts'
import { isLoopback } from './loopback.ts'
import type { Proof } from './proof.ts'
import { SniConnection } from './sni-connection.ts'

const HANDSHAKE_MS = 10_000
const noOwner = { onBytes() {}, onEnd() {}, onDrained() {}, onGone() {} }

/** One open port – or, of an internal one, a name that other listeners pass connections to – and its connections. Its table is swapped under them as long as address and kind of accepting stay. */
export class Listener {
  readonly stats: ListenerStats
  readonly #runtime: Runtime
  #table: ListenerTable
  #server: Server | TlsServer | null = null
  readonly #http = new Set<HttpConnection | Http2Connection>()
  readonly #tcp = new Map<TcpProxy, PermissionCheck>()
  readonly #undecided = new Set<SniConnection>()
  readonly #service: Service<never>
  #isOpen = false
  /** Of an internal one: its TLS context is to be made anew before the next connection. */
  #isOutdated = false
  #isLeaving = false
  #wake: (() => void) | null = null

  constructor(table: ListenerTable, runtime: Runtime, stats = new ListenerStats()) {
    this.#table = table
    this.#runtime = runtime
    this.stats = stats
    const listener = this
    this.#service = {
      name: table.name,
      kind: table.accept.kind === 'mtls' ? 'mtls' : 'plain',
      get handler() {
        return listener.#table.handler as never
      },
      stats,
    }
  }

  get table(): ListenerTable {
    return this.#table
  }

  get connections(): number {
    return this.#http.size + this.#tcp.size + this.#undecided.size
  }

  /** Requests and tunnels under way. */
  get busy(): number {
    let busy = this.#undecided.size
    // What another listener has taken over is that one's to count.
    for (const proxy of this.#tcp.keys()) if (!proxy.isHandedOver) busy++
    for (const connection of this.#http) if (connection.isBusy) busy++
    return busy
  }

  /** Whether `table` can be swapped in without opening another port. */
  canBecome(table: ListenerTable): boolean {
    const { address, port, accept, handler } = this.#table
    return (
      address === table.address &&
      port === table.port &&
      accept.kind === table.accept.kind &&
      handler.kind === table.handler.kind &&
      tlsOf(this.#table) === tlsOf(table)
    )
  }

  async open(): Promise<void> {
    this.#isOpen = true
    // Its TLS context, which is the costly part, is made with its first connection: of hundreds most rest.
    if (this.#table.isInternal) return
    const server = this.#makeServer()
    await bind(server, this.#table)
    // Errors of accepting, such as too many open files: the port stays open and goes on when it can.
    server.on('error', this.#runtime.faults)
    this.#server = server
  }

  /** A connection that another listener of this proxy has read the first bytes of: its TLS, if it is any, ends here. False: it is closing. */
  take(socket: Socket, early: readonly Buffer[]): boolean {
    if (!this.#isOpen) return false
    if (this.#server === null) this.#server = this.#makeServer()
    else if (this.#isOutdated) (this.#server as TlsServer).setSecureContext(this.#serverContext())
    this.#isOutdated = false
    for (const bytes of early.toReversed()) socket.unshift(bytes)
    this.#server.emit('connection', socket)
    return true
  }

  #serverContext() {
    const { accept } = this.#table
    return this.#runtime.tls.serverContext(accept.kind === 'mtls' ? accept.spiffeId : undefined)
  }

  #makeServer(): Server | TlsServer {
    const { accept } = this.#table
    const options = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }
    let server: Server | TlsServer
    if (accept.kind === 'mtls') {
      server = createTlsServer(
        {
          ...options,
          ...this.#serverContext(),
          requestCert: true,
          rejectUnauthorized: true,
          handshakeTimeout: HANDSHAKE_MS,
          ...(accept.alpn.length === 0 ? {} : { ALPNProtocols: [...accept.alpn] }),
        },
        socket => this.#guard(() => this.#acceptSecure(socket), socket),
      )
      server.on('tlsClientError', (_error, socket) => {
        this.stats.refused++
        socket.destroy()
      })
    } else server = createServer(options, socket => this.#guard(() => this.#acceptPlain(socket), socket))
    return server
  }

  /** New certificate or trust. Connections made before keep theirs. */
  renewContext(): void {
    if (this.#table.isInternal) this.#isOutdated = true
    else if (this.#table.accept.kind === 'mtls') (this.#server as TlsServer | null)?.setSecureContext(this.#serverContext())
  }

  /** Takes effect with the next request of every live connection. */
  swap(table: ListenerTable): void {
    this.#table = table
    const { handler } = table
    if (handler.kind !== 'tcp') return
    // A TCP connection has no next request: who may no longer be here goes now.
    for (const [proxy, check] of [...this.#tcp]) if (!check.permits(handler.permissions)) proxy.close('no longer permitted')
  }

  /** No new connections from now on. */
  stopAccepting(): void {
    this.#isOpen = false
    this.#server?.close()
    this.#server = null
  }

  /** Connections end after their current request; resolves when all are gone, after `drainMs` by force. */
  async close(drainMs: number): Promise<void> {
    this.stopAccepting()
    this.#isLeaving = true
    for (const connection of this.#http) connection.leave()
    for (const connection of [...this.#undecided]) connection.close()
    if (this.connections > 0 && drainMs > 0) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
        const timer = this.#runtime.clock.setTimeout(resolve, drainMs)
        const done = this.#wake
        this.#wake = () => {
          timer.cancel()
          done()
        }
      })
    }
    this.destroy()
  }

  destroy(): void {
    this.stopAccepting()
    for (const connection of [...this.#http]) connection.destroy()
    for (const proxy of [...this.#tcp.keys()]) proxy.close('listener closed')
    for (const connection of [...this.#undecided]) connection.close()
  }

  #acceptPlain(socket: Socket): void {
    const address = socket.remoteAddress ?? ''
    const client: Client = { address, scheme: 'http', peer: null, isTrusted: isLoopback(address) }
    this.#serve(this.#wire(socket, false), client, null)
  }

  #acceptSecure(socket: TLSSocket): void {
    const { tls } = this.#runtime
    const { verdict, chain } = tls.judge(socket)
    if (verdict.kind === 'refused') {
      this.stats.refused++
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    const client: Client = { address: socket.remoteAddress ?? '', scheme: 'https', peer: verdict.peer.uri, isTrusted: true }
    const proof = { chain, generation: tls.generation, notAfterMs: verdict.peer.notAfterMs }
    if (socket.alpnProtocol === 'h2' && this.#table.handler.kind === 'http') {
      this.stats.opened++
      this.#serveHttp2(socket, client, proof)
    } else this.#serve(this.#wire(socket, true), client, proof)
  }

  #serveHttp2(socket: Socket, client: Client, proof: Proof | null): void {
    const service: Service<HttpHandler> = this.#service
    const connection = new Http2Connection(socket, { client, proof, service, runtime: this.#runtime, onGone: gone => this.#gone(gone) })
    this.#http.add(connection)
    if (this.#isLeaving) connection.leave()
  }

  #gone(connection: HttpConnection | Http2Connection): void {
    this.#http.delete(connection)
    this.#changed()
  }

  #serve(wire: Wire, client: Client, proof: Proof | null): void {
    this.stats.opened++
    const { handler } = this.#table
    const runtime = this.#runtime
    switch (handler.kind) {
      case 'http': {
        const service: Service<HttpHandler> = this.#service
        const connection = new HttpConnection(wire, {
          client,
          proof,
          service,
          runtime,
          onHttp2: (socket, from) => {
            this.#http.delete(from)
            this.#serveHttp2(socket, client, proof)
          },
          onGone: gone => this.#gone(gone),
        })
        this.#http.add(connection)
        if (this.#isLeaving) connection.leave()
        return
      }
      case 'tcp':
        this.#tunnel(wire, client, handler, handler.clusters, '', null)
        return
      case 'sni': {
        const connection = new SniConnection(wire, {
          handler: () => this.#table.handler as SniHandler,
          wheel: runtime.wheel,
          onKnown: (known, sni, clusters, early) => {
            this.#undecided.delete(connection)
            this.#tunnel(known, client, null, clusters, sni, early)
          },
          onRefused: () => {
            this.stats.refused++
            this.#undecided.delete(connection)
            this.#changed()
          },
        })
        this.#undecided.add(connection)
      }
    }
  }

  #tunnel(
    wire: Wire,
    client: Client,
    handler: TcpHandler | null,
    clusters: readonly WeightedRef[],
    label: string,
    early: Buffer | null,
  ): void {
    const check = new PermissionCheck(client.peer)
    if (handler !== null && !check.permits(handler.permissions)) {
      this.stats.refused++
      wire.destroy()
      return
    }
    let isOver = false
    const proxy = new TcpProxy(wire, {
      client,
      service: this.#service,
      runtime: this.#runtime,
      clusters,
      label,
      early,
      onOver: over => {
        isOver = true
        this.#tcp.delete(over)
        this.#changed()
      },
    })
    if (!isOver) this.#tcp.set(proxy, check)
  }

  #wire(socket: Socket, encrypted: boolean): Wire {
    return new Wire(socket, { encrypted, sharesBuffer: false, faults: this.#runtime.faults }, noOwner)
  }

  #guard(action: () => void, socket: Socket): void {
    try {
      action()
    } catch (error) {
      this.#runtime.faults(error)
      socket.on('error', () => {})
      socket.destroy()
    }
  }

  #changed(): void {
    if (this.#wake === null || this.connections > 0) return
    this.#wake()
    this.#wake = null
  }
}

function tlsOf(table: ListenerTable): string {
  return table.accept.kind === 'mtls' ? `${table.accept.alpn.join()} ${table.accept.spiffeId ?? ''}` : ''
}
