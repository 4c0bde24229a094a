import type { WeightedRef } from '../compile/table.ts'
import { type DialOwner, dial } from '../transport/dial.ts'
import { Alarm } from '../transport/wheel.ts'
import { HELD_BY_LOOKUP, HELD_BY_SINK, type Wire, type WireOwner } from '../transport/wire.ts'
import type { Cluster } from '../upstream/cluster.ts'
import type { Host } from '../upstream/host.ts'
import type { TryRecord } from './access-log.ts'
import type { Client, Runtime, Service } from './runtime.ts'
import { pickWeighted } from './weighted.ts'

/** Hosts that one connection is tried on. No byte has left before the first of them takes it. */
const MAX_TRIES = 4

/** One TCP connection passed through: bytes both ways, each direction closed on its own, the faster side held back for the slower. */
export class TcpProxy implements WireOwner {
  readonly wire: Wire
  readonly #client: Client
  readonly #service: Service<unknown>
  readonly #runtime: Runtime
  readonly #onOver: (proxy: TcpProxy) => void
  readonly #startedMs: number
  readonly #label: string
  #cluster: Cluster | null = null
  #upstream: Wire | null = null
  #isConnected = false
  #host: Host | null = null
  #early: Buffer[] = []
  #hasEnded = false
  #bytes = 0
  #isOver = false
  /** A listener of this proxy serves it. */
  isHandedOver = false
  readonly #tried: Host[] = []
  readonly #tries: TryRecord[] = []

  constructor(
    wire: Wire,
    options: {
      readonly client: Client
      readonly service: Service<unknown>
      readonly runtime: Runtime
      readonly clusters: readonly WeightedRef[]
      /** For the access log: the SNI it came by. */
      readonly label: string
      /** Bytes that were read to find out where it goes. */
      readonly early: Buffer | null
      readonly onOver: (proxy: TcpProxy) => void
    },
  ) {
    this.wire = wire
    this.#client = options.client
    this.#service = options.service
    this.#runtime = options.runtime
    this.#onOver = options.onOver
    this.#label = options.label
    this.#startedMs = options.runtime.clock.monotonic()
    if (options.early !== null) this.#early.push(options.early)
    wire.owner = this
    // Until somebody takes them, the client's bytes stay with the kernel.
    wire.hold(HELD_BY_LOOKUP)
    const name = pickWeighted(options.clusters, this.#runtime.random)
    this.#cluster = (name === null ? undefined : this.#runtime.clusters.get(name)) ?? null
    if (this.#cluster === null) {
      this.close('no cluster')
      return
    }
    if (!this.#cluster.admits()) {
      this.#cluster.countFailure('overflow')
      this.#cluster = null
      this.close('overflow')
      return
    }
    this.#cluster.active++
    this.#try()
  }

  get client(): Client {
    return this.#client
  }

  close(outcome: string): void {
    if (this.#isOver) return
    this.wire.destroy()
    this.#upstream?.destroy()
    this.#over(outcome)
  }

  #over(outcome: string): void {
    this.#isOver = true
    this.#endTry(outcome)
    const cluster = this.#cluster
    if (cluster !== null) {
      cluster.active--
      cluster.stats.classes[this.#isConnected ? 2 : 0]!++
    }
    this.#service.stats.classes[this.#isConnected ? 2 : 0]!++
    const { accessLog, clock } = this.#runtime
    if (accessLog !== null) {
      const durationMs = clock.monotonic() - this.#startedMs
      accessLog({
        timeMs: clock.now() - durationMs,
        listener: this.#service.name,
        peer: this.#client.peer ?? this.#client.address,
        method: 'TCP',
        host: this.#label,
        path: '',
        status: 0,
        bytes: this.#bytes,
        durationMs,
        route: '',
        cluster: cluster?.name ?? '',
        tries: this.#tries,
      })
    }
    this.#onOver(this)
  }

  #try(): void {
    const cluster = this.#cluster!
    const host = this.#tried.length < MAX_TRIES ? cluster.choose(this.#tried) : null
    if (host === null || this.#tried.includes(host)) {
      this.close('no endpoint')
      return
    }
    this.#tried.push(host)
    this.#host = host
    host.active++
    const startedMs = this.#runtime.clock.monotonic()
    if (host.config.listener !== undefined) {
      this.#handOver(host, startedMs)
      return
    }
    const { wheel, tls, faults } = this.#runtime
    const alarm = new Alarm(() => upstream?.destroy())
    let upstream: Wire | null = null
    const failed = (error: Error | null) => {
      wheel.clear(alarm)
      cluster.report(host, 'local', startedMs)
      cluster.countFailure('connect')
      if (cluster.table.tls === null && this.#service.kind === 'mtls') this.#runtime.onLocalFailure(cluster.name)
      if (this.#isOver) return
      this.#upstream = null
      this.#endTry((error as NodeJS.ErrnoException | null)?.code ?? 'not connected')
      this.#try()
    }
    const owner: DialOwner = {
      onReady: () => {
        wheel.clear(alarm)
        cluster.report(host, 'success', startedMs)
        if (this.#isOver) upstream!.destroy()
        else this.#connected(upstream!)
      },
      onBytes() {},
      onEnd: () => upstream!.destroy(),
      onDrained() {},
      onGone: failed,
    }
    try {
      upstream = dial({ address: host.address, port: host.port, tls: cluster.table.tls }, tls, faults, owner)
    } catch (error) {
      failed(error as Error)
      return
    }
    this.#upstream = upstream
    wheel.set(alarm, cluster.table.connectTimeoutMs)
  }

  /** To a listener of this proxy: it takes the socket itself, and no byte is copied in between. */
  #handOver(host: Host, startedMs: number): void {
    const cluster = this.#cluster!
    const listener = this.#runtime.internalListener(host.config.listener!)
    const { wire } = this
    if (listener === undefined || wire.gone) {
      cluster.report(host, 'local', startedMs)
      cluster.countFailure('connect')
      this.#endTry('no such listener')
      this.#try()
      return
    }
    const socket = wire.surrender()
    socket.once('close', () => {
      if (!this.#isOver) this.#over('closed')
    })
    this.#isConnected = listener.take(socket, this.#early)
    this.isHandedOver = this.#isConnected
    this.#early = []
    cluster.report(host, this.#isConnected ? 'success' : 'local', startedMs)
    if (!this.#isConnected) socket.destroy()
  }

  #connected(upstream: Wire): void {
    this.#isConnected = true
    upstream.owner = {
      onBytes: (bytes, length) => {
        this.#bytes += length
        if (!this.#pass(upstream, this.wire, bytes, length)) upstream.hold(HELD_BY_SINK)
      },
      onEnd: () => this.wire.end(),
      onDrained: () => this.wire.release(HELD_BY_SINK),
      onGone: error => this.#lost(error),
    }
    for (const bytes of this.#early) upstream.send(bytes)
    this.#early = []
    if (this.#hasEnded) upstream.end()
    this.wire.release(HELD_BY_LOOKUP)
  }

  #pass(source: Wire, sink: Wire, bytes: Buffer, length: number): boolean {
    if (!source.sharesBuffer) return sink.send(length === bytes.length ? bytes : bytes.subarray(0, length))
    const { slab } = this.#runtime
    slab.clear()
    slab.put(bytes, 0, length)
    return sink.sendSlab(slab)
  }

  /** A reset on one side is one on the other. An orderly end leaves the other side time to take what is queued for it. */
  #lost(error: Error | null): void {
    if (this.#isOver) return
    if (error !== null) {
      this.wire.reset()
      this.#upstream?.reset()
      this.close((error as NodeJS.ErrnoException).code ?? error.message)
      return
    }
    const { wheel } = this.#runtime
    this.wire.finish(wheel)
    this.#upstream?.finish(wheel)
    this.#over('closed')
  }

  onBytes(bytes: Buffer, length: number): void {
    if (!this.#isConnected) this.#early.push(Buffer.from(bytes.subarray(0, length)))
    else if (!this.#pass(this.wire, this.#upstream!, bytes, length)) this.wire.hold(HELD_BY_SINK)
  }

  onEnd(): void {
    this.#hasEnded = true
    if (this.#isConnected) this.#upstream!.end()
  }

  onDrained(): void {
    this.#upstream?.release(HELD_BY_SINK)
  }

  onGone(error: Error | null): void {
    if (this.#isConnected) this.#lost(error)
    else this.close('client gone')
  }

  #endTry(outcome: string): void {
    const host = this.#host
    if (host === null) return
    this.#host = null
    host.active--
    this.#tries.push({ host: host.config.name || host.key, zone: host.config.zone, outcome })
  }
}
