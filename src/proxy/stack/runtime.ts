import type { Socket } from 'node:net'
import type { Clock } from '../../std/clock.ts'
import type { Random } from '../../std/random.ts'
import type { HttpHandler, TcpHandler } from '../compile/table.ts'
import type { Slab } from '../transport/slab.ts'
import type { TlsMaterial } from '../transport/tls-material.ts'
import type { TimerWheel } from '../transport/wheel.ts'
import type { Faults } from '../transport/wire.ts'
import type { Cluster } from '../upstream/cluster.ts'
import type { AccessRecord } from './access-log.ts'
import type { HostsWanted } from './hosts-wanted.ts'

/** What every request's way shares. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly wheel: TimerWheel
  readonly slab: Slab
  readonly tls: TlsMaterial
  readonly faults: Faults
  readonly clusters: ReadonlyMap<string, Cluster>
  /** A listener of this proxy that connections are passed to by name. */
  readonly internalListener: (name: string) => InternalListener | undefined
  readonly hostsWanted: HostsWanted
  readonly accessLog: ((record: AccessRecord) => void) | null
  /** The application beside this proxy did not take a connection. */
  readonly onLocalFailure: (cluster: string) => void
  isDraining: boolean
}

/** Takes a connection over, with what was read of it; false = it takes none any more. */
export interface InternalListener {
  take(socket: Socket, early: readonly Buffer[]): boolean
}

/** A listener as its requests see it. */
export interface Service<Handler = HttpHandler | TcpHandler> {
  readonly name: string
  /** `mtls`: callers are proxies of the mesh, and understand `x-skerry-refused`. */
  readonly kind: 'plain' | 'mtls'
  /** Swapped under live connections. */
  readonly handler: Handler
  readonly stats: ListenerStats
}

export class ListenerStats {
  /** Requests by status class; 0 = broken off. */
  readonly classes = [0, 0, 0, 0, 0, 0]
  /** Connections opened and closed, and those that were refused before a first byte: wrong or no certificate, no permission, no such name. */
  opened = 0
  refused = 0
}

/** The other end of a connection that was accepted. */
export interface Client {
  readonly address: string
  readonly scheme: 'http' | 'https'
  /** SPIFFE ID proven by mTLS. */
  readonly peer: string | null
  readonly isTrusted: boolean
}
