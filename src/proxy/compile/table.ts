import type { Lambda } from '../../model/kinds/dataplane.ts'

/**
 * What the data path reads: plain, immutable, made by `compile/` from xDS, swapped in whole per item. Nothing in here is looked up by
 * string on a request's way except what the request itself brings (host, path, header names).
 */

export interface ListenerTable {
  readonly name: string
  readonly address: string
  /** 0 is never used here, but for one that is internal: xDS names the port. */
  readonly port: number
  /** Has no port: what reaches it comes from another listener of this proxy, by its name. */
  readonly isInternal?: true
  /** What accepts connections; over mTLS as the proxy itself, or (`spiffeId`) as a workload in whose name it answers. A change of `accept` re-binds or replaces the TLS context; a change of `handler` is swapped under live connections. */
  readonly accept:
    | { readonly kind: 'plain' }
    | { readonly kind: 'mtls'; readonly alpn: readonly string[]; readonly spiffeId?: string }
    | { readonly kind: 'sni' }
  readonly handler: HttpHandler | TcpHandler | SniHandler
}

export interface HttpHandler {
  readonly kind: 'http'
  readonly permissions: Permissions | null
  readonly routes: RouteTable
}

export interface TcpHandler {
  readonly kind: 'tcp'
  readonly permissions: Permissions | null
  readonly clusters: readonly WeightedRef[]
}

/** By SNI, lower case, exact; no match closes the connection. */
export interface SniHandler {
  readonly kind: 'sni'
  readonly chains: ReadonlyMap<string, readonly WeightedRef[]>
}

/** `deny` first, then one of `allow` must match. Matching is on the peer's whole SPIFFE ID. */
export interface Permissions {
  readonly deny: readonly IdRule[]
  readonly allow: readonly IdRule[]
}
export type IdRule = { readonly type: 'exact' | 'prefix'; readonly value: string } | { readonly type: 'any' }

export interface RouteTable {
  readonly name: string
  /** Host without port, lower case → virtual host. */
  readonly exact: ReadonlyMap<string, VirtualHost>
  /** `*.example.com`, longest first; stored as `.example.com`. */
  readonly suffixes: readonly { readonly suffix: string; readonly host: VirtualHost }[]
  readonly any: VirtualHost | null
  /** true: hosts that are not here may be asked for by name; the answer (a virtual host or "no such host") comes later. */
  readonly onDemand: boolean
}

export interface VirtualHost {
  readonly name: string
  readonly routes: readonly Route[]
  readonly responseHeaders: HeaderEdits
}

export interface Route {
  readonly name: string
  readonly path: { readonly kind: 'exact' | 'prefix'; readonly value: string } | { readonly kind: 'regex'; readonly value: RegExp }
  /** Methods it is for; null = all. */
  readonly methods: ReadonlySet<string> | null
  readonly headers: readonly HeaderRule[]
  readonly query: readonly { readonly name: string; readonly kind: 'exact' | 'regex'; readonly value: string | RegExp }[]
  readonly requestHeaders: HeaderEdits
  readonly responseHeaders: HeaderEdits
  readonly action: Action
}

export interface HeaderRule {
  /** Lower case. */
  readonly name: string
  readonly kind: 'exact' | 'prefix' | 'regex' | 'present' | 'absent'
  readonly value: string | RegExp
  readonly invert: boolean
}

export interface HeaderEdits {
  readonly set: readonly { readonly name: string; readonly value: string }[]
  readonly add: readonly { readonly name: string; readonly value: string }[]
  /** Lower case. */
  readonly remove: readonly string[]
}

export type Action =
  | {
      readonly kind: 'forward'
      readonly clusters: readonly WeightedRef[]
      readonly timeoutMs: number | null
      readonly retry: RetryRule | null
      readonly rewrite: { readonly prefix?: string; readonly fullPath?: string; readonly host?: string } | null
    }
  | {
      readonly kind: 'redirect'
      readonly scheme?: string
      readonly host?: string
      readonly port?: number
      readonly path?: string
      readonly prefix?: string
      readonly status: number
    }
  | { readonly kind: 'respond'; readonly status: number; readonly body: Uint8Array }

export interface WeightedRef {
  readonly cluster: string
  readonly weight: number
}

export interface RetryRule {
  /** Tries after the first. */
  readonly attempts: number
  readonly connectFailure: boolean
  readonly refused: boolean
  readonly reset: boolean
  readonly gatewayError: boolean
  readonly serverError: boolean
  /** Response statuses that are tried again. */
  readonly statuses: ReadonlySet<number>
  /** Statuses of gRPC that are, given in a response without a message. */
  readonly grpcStatuses: ReadonlySet<number>
  readonly perTryTimeoutMs: number | null
  readonly backOffBaseMs: number
  readonly backOffMaxMs: number
}

export interface ClusterTable {
  readonly name: string
  readonly connectTimeoutMs: number
  readonly idleTimeoutMs: number
  /** Its hosts speak HTTP/2, in the clear too: nobody is asked first. */
  readonly http2: boolean
  /** Requests become invocations of this function; absent = they are sent to a host. */
  readonly lambda?: Lambda
  readonly tls: {
    readonly sni: string /** exact URI SANs; empty = nobody */
    readonly allowedIds: ReadonlySet<string>
    readonly alpn: readonly string[]
  } | null
  readonly balancer: { readonly kind: 'round-robin' | 'least-request' | 'random'; readonly choices: number }
  readonly slowStartMs: number
  readonly panicPercent: number
  readonly outlier: {
    readonly consecutiveLocal: number
    readonly consecutiveGateway: number
    readonly consecutive5xx: number
    readonly intervalMs: number
    readonly baseEjectionMs: number
    readonly maxEjectionMs: number
    readonly maxEjectionPercent: number
  } | null
  readonly limits: {
    readonly maxConnections: number
    readonly maxPending: number
    readonly maxRequests: number
    readonly maxRetries: number
  }
}

export interface EndpointTable {
  readonly cluster: string
  /** 1.4 = Envoy's default. */
  readonly overprovisioning: number
  /** Index = priority; contiguous. */
  readonly priorities: readonly (readonly HostConfig[])[]
}

export interface HostConfig {
  readonly address: string
  readonly port: number
  readonly zone: string
  readonly weight: number
  readonly state: 'healthy' | 'draining' | 'unhealthy'
  readonly name: string
  /** An internal listener of this proxy, which is its address. */
  readonly listener?: string
}

/** The proxy's identity, as the agent obtained it. */
export interface IdentityMaterial {
  readonly chainPem: string
  readonly keyPem: string
  readonly spiffeId: string
}

/** Trust domain (lower case) → PEM certificates. A peer is validated only with the bundle of the trust domain that its own URI SAN names. */
export type TrustTable = ReadonlyMap<string, readonly string[]>

/** What `data.ts` offers to `control.ts`. All calls are synchronous swaps, except binding. */
export interface DataPlane {
  /** Adds or replaces. Resolves when bound and accepting, rejects with the reason when it cannot be (address in use). */
  setListener(listener: ListenerTable): Promise<void>
  /** Stops accepting at once; live connections end after their current request, at the latest after `drainMs`. */
  removeListener(name: string, drainMs: number): Promise<void>
  setCluster(cluster: ClusterTable): void
  removeCluster(name: string): void
  setEndpoints(endpoints: EndpointTable): void
  setIdentity(identity: IdentityMaterial): void
  /** That of a workload in whose name it answers, by SPIFFE ID; null = it no longer does. */
  setWorkloadIdentity(spiffeId: string, identity: IdentityMaterial | null): void
  setTrust(trust: TrustTable): void
  /** For on-demand hosts: called once per host that a request asked for; the request waits (bounded) until `setRoutes` brings it or `hostMissing` says no. */
  onHostWanted: (routeTable: string, host: string) => void
  /** Replaces the routes of every listener that uses this table, under live connections. */
  setRoutes(routes: RouteTable): void
  hostMissing(routeTable: string, host: string): void
  /** Answers new requests with `x-skerry-refused: draining`, closes idle connections, resolves when nothing is in flight or after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>
  /** Counters and gauges by name with labels in Prometheus text form. */
  counters(): ReadonlyMap<string, number>
  close(): Promise<void>
}
