/**
 * What one proxy shall do, in our own words. Pure data: golden files pin it, `inspect` shows it, `envoy/` translates it.
 * Lists of endpoints are not in it (`EndpointSet`): they change a thousand times more often than the rest, and are shared by all
 * callers that see a service in the same way.
 */

/** Where a value comes from: a resource's KRI, or `default` for what Skerry does when no policy says anything. */
export type Origin = string

export interface ProxyPlan {
  readonly mesh: string
  readonly name: string
  readonly zone: string
  readonly role: 'sidecar' | 'gateway' | 'zone-gateway'
  readonly labels: Readonly<Record<string, string>>
  /** null: no MeshIdentity selects this proxy. It then has no mTLS, neither in nor out, and gets no peer. */
  readonly spiffeId: string | null
  /** Bundles by trust domain that this proxy validates peers with. */
  readonly trust: readonly TrustPlan[]
  readonly listeners: readonly ListenerPlan[]
  readonly clusters: readonly ClusterPlan[]
  /** Virtual hosts of the `http_proxy` listener that this proxy has asked for, each under the host it asked with. */
  readonly onDemand: readonly VirtualHostPlan[]
  readonly warnings: readonly PlanWarning[]
}

export interface TrustPlan {
  readonly trustDomain: string
  /** PEM certificates. */
  readonly bundles: readonly string[]
}

export interface PlanWarning {
  /** The resource concerned, a KRI. */
  readonly resource: string
  readonly reason: string
}

export type ListenerPlan = InboundPlan | OutboundPlan | HttpProxyPlan | GatewayPlan | ZoneIngressPlan

/** mTLS from peers → the application beside the proxy. */
export interface InboundPlan {
  readonly kind: 'inbound'
  /** `self_inbound_dp_<port name>` */
  readonly name: string
  readonly address: string
  readonly port: number
  readonly protocol: 'http' | 'tcp'
  /** Name of a `local` cluster. */
  readonly cluster: string
  readonly permissions: PermissionPlan
}

/** The application beside the proxy → one service, on a loopback port of its own. */
export interface OutboundPlan {
  readonly kind: 'outbound'
  /** The KRI of the service's port. */
  readonly name: string
  readonly address: string
  readonly port: number
  readonly target: OutboundTarget
}

export type OutboundTarget =
  | { readonly protocol: 'http'; readonly virtualHost: VirtualHostPlan }
  | { readonly protocol: 'tcp'; readonly clusters: readonly WeightedCluster[] }

/** The application beside the proxy → any service by its host name; hosts are asked for on first use. */
export interface HttpProxyPlan {
  readonly kind: 'http-proxy'
  /** `http_proxy` */
  readonly name: string
  readonly address: string
  readonly port: number
}

/** North-south: clients outside the mesh → services. */
export interface GatewayPlan {
  readonly kind: 'gateway'
  /** `gateway_<MeshGateway name>_<port>` */
  readonly name: string
  readonly address: string
  readonly port: number
  readonly protocol: 'http' | 'tcp'
  readonly virtualHosts: readonly VirtualHostPlan[]
  /** For protocol `tcp`. */
  readonly clusters: readonly WeightedCluster[]
}

/** TLS from proxies of other zones → a local service, by SNI, passed through unopened. */
export interface ZoneIngressPlan {
  readonly kind: 'zone-ingress'
  readonly name: string
  readonly address: string
  readonly port: number
  readonly chains: readonly { readonly sni: string; readonly cluster: string }[]
}

export interface VirtualHostPlan {
  readonly name: string
  /** `*` for all. */
  readonly domains: readonly string[]
  /** First match wins. */
  readonly routes: readonly RoutePlan[]
}

export interface RoutePlan {
  readonly name: string
  readonly match: RouteMatch
  readonly action: RouteAction
  readonly requestHeaders: HeaderChanges
  readonly responseHeaders: HeaderChanges
  readonly origin: Origin
}

export interface RouteMatch {
  readonly path:
    | { readonly type: 'Exact'; readonly value: string }
    | { readonly type: 'PathPrefix'; readonly value: string }
    | { readonly type: 'RegularExpression'; readonly value: string }
  readonly method?: string
  readonly headers: readonly {
    readonly name: string
    readonly type: 'Exact' | 'RegularExpression' | 'Present' | 'Absent' | 'Prefix'
    readonly value: string
  }[]
  readonly queryParams: readonly { readonly name: string; readonly type: 'Exact' | 'RegularExpression'; readonly value: string }[]
}

export interface HeaderChanges {
  readonly set: readonly { readonly name: string; readonly value: string }[]
  readonly add: readonly { readonly name: string; readonly value: string }[]
  readonly remove: readonly string[]
}

export const noHeaderChanges: HeaderChanges = Object.freeze({ set: [], add: [], remove: [] })

export type RouteAction =
  | {
      readonly kind: 'forward'
      readonly clusters: readonly WeightedCluster[]
      /** The whole request, tries included; null = no limit. */
      readonly timeoutMs: number | null
      readonly retry: RetryPlan
      readonly rewrite?: { readonly prefix?: string; readonly fullPath?: string; readonly host?: string }
    }
  | {
      readonly kind: 'redirect'
      readonly scheme?: string
      readonly host?: string
      readonly port?: number
      readonly path?: string
      readonly prefix?: string
      readonly status: 301 | 302 | 303 | 307 | 308
    }
  | { readonly kind: 'respond'; readonly status: number; readonly body: string }

export interface WeightedCluster {
  readonly cluster: string
  readonly weight: number
}

/** A try that failed goes to a host that was not tried, and to a priority that was not tried when that one is exhausted. */
export interface RetryPlan {
  readonly attempts: number
  /** For methods that are safe to repeat (GET HEAD OPTIONS PUT DELETE TRACE). Envoy's words: `connect-failure`, `refused-stream`, `reset`, `gateway-error`, `5xx`, `retriable-headers`. */
  readonly on: readonly string[]
  /** For all other methods: only what proves that the application never saw the request. */
  readonly onUnsafe: readonly string[]
  readonly perTryTimeoutMs: number | null
  readonly backOffBaseMs: number
  readonly backOffMaxMs: number
  readonly origin: Origin
}

export type ClusterPlan = ServiceClusterPlan | LocalClusterPlan

/** The application beside the proxy. */
export interface LocalClusterPlan {
  readonly kind: 'local'
  readonly name: string
  readonly address: string
  readonly port: number
  readonly protocol: 'http' | 'tcp'
  readonly connectTimeoutMs: number
}

/** A service of the mesh; its endpoints come as the EndpointSet of `endpoints`. */
export interface ServiceClusterPlan {
  readonly kind: 'service'
  /** The KRI of the service's port; on a zone gateway `ingress_<KRI>`. */
  readonly name: string
  readonly endpoints: EndpointSetRef
  readonly protocol: 'http' | 'tcp'
  /** null: bytes are passed on as they are (a zone gateway's clusters). */
  readonly tls: { readonly sni: string; readonly allowedIds: readonly string[] } | null
  readonly connectTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly outlier: OutlierPlan
  readonly limits: LimitsPlan
  readonly balancer: { readonly type: 'RoundRobin' | 'LeastRequest' | 'Random'; readonly choiceCount?: number }
  readonly slowStartMs: number
  /** Below this share of healthy hosts (of all priorities) health is ignored. 0–100. */
  readonly panicPercent: number
  readonly origins: Readonly<Record<'connectTimeout' | 'outlier' | 'limits' | 'balancer' | 'locality', Origin>>
}

export interface OutlierPlan {
  /** Failures in a row to connect, of TLS, of a broken stream, or of `x-skerry-refused`; 0 = off. */
  readonly consecutiveLocal: number
  /** 502, 503, 504 in a row; 0 = off. */
  readonly consecutiveGateway: number
  /** 5xx in a row; 0 = off. */
  readonly consecutive5xx: number
  readonly intervalMs: number
  readonly baseEjectionMs: number
  readonly maxEjectionMs: number
  readonly maxEjectionPercent: number
}

export interface LimitsPlan {
  readonly maxConnections: number
  readonly maxPendingRequests: number
  readonly maxRequests: number
  readonly maxRetries: number
}

export interface PermissionPlan {
  /** Tried first. */
  readonly deny: readonly IdMatch[]
  /** Then one of these must match; none at all = nobody may enter. */
  readonly allow: readonly IdMatch[]
  readonly origins: readonly Origin[]
}

export type IdMatch = { readonly type: 'Exact' | 'Prefix'; readonly value: string } | { readonly type: 'Any' }

/** Names an EndpointSet: callers with equal refs share one. */
export interface EndpointSetRef {
  /** One line, unique for what follows. */
  readonly key: string
  /** The service's key in the view: kind and stored name. */
  readonly service: string
  /** The port's name. */
  readonly section: string
  /** `local`: only this zone's instances (what a zone gateway offers). `all`: other zones' too, by their gateways. */
  readonly scope: 'local' | 'all'
  readonly locality: LocalityPlan
}

/** How endpoints are ranked. https://kuma.io/docs/latest/policies/meshloadbalancingstrategy/ */
export interface LocalityPlan {
  /** true: all zones in one priority. */
  readonly ignoreZones: boolean
  /** Weights of the caller's own tag values among local endpoints; empty = all alike. */
  readonly affinity: readonly { readonly key: string; readonly value: string; readonly weight: number }[]
  /** null: other zones all in the priority after the local one. A list: only zones that a rule admits, ranked by the first that does. */
  readonly failover: readonly FailoverRule[] | null
  /** Envoy's overprovisioning factor, per cent. */
  readonly overprovisioning: number
}

export interface FailoverRule {
  readonly type: 'Any' | 'None' | 'Only' | 'AnyExcept'
  readonly zones: readonly string[]
}

/** Endpoints of a service's port, as callers with one and the same view of it see them. Priorities are contiguous from 0. */
export interface EndpointSet {
  readonly key: string
  readonly groups: readonly EndpointGroup[]
  /** Envoy's overprovisioning factor, per cent: 140 unless a failoverThreshold says otherwise. */
  readonly overprovisioning: number
}

export interface EndpointGroup {
  readonly priority: number
  readonly zone: string
  readonly subZone: string
  /** Relative to the other groups of this priority. */
  readonly weight: number
  readonly endpoints: readonly Endpoint[]
}

export interface Endpoint {
  readonly address: string
  readonly port: number
  readonly weight: number
  /** `draining`: gets no new request, may finish what it has. */
  readonly state: 'healthy' | 'draining' | 'unhealthy'
  /** For people and logs: the Dataplane's name, or the zone's. */
  readonly name: string
}
