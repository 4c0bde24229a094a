import type { Lambda } from '../model/kinds/dataplane.ts'
import type { AccessLogPlan } from './mesh-access-log.ts'
import type { LimitsPlan, OutlierPlan } from './mesh-circuit-breaker.ts'
import type { FaultPlan } from './mesh-fault-injection.ts'
import type { HealthCheckPlan } from './mesh-health-check.ts'
import type { BalancerPlan, HashPolicyPlan } from './mesh-load-balancing-strategy.ts'
import type { MetricPlan } from './mesh-metric.ts'
import type { PassthroughPlan } from './mesh-passthrough.ts'
import type { ProxyPatchPlan } from './mesh-proxy-patch.ts'
import type { RateLimitPlan } from './mesh-rate-limit.ts'
import type { RetryPlan } from './mesh-retry.ts'
import type { ConnectionTimeouts, RequestTimeouts, TimeoutPlan } from './mesh-timeout.ts'
import type { MeshTlsPlan, TlsVersionsPlan } from './mesh-tls.ts'
import type { TracePlan } from './mesh-trace.ts'
import type { Setting } from './settings.ts'

/**
 * What one proxy shall do, in our own words. Pure data: golden files pin it, `inspect` shows it, `envoy/` translates it.
 * Lists of endpoints are not in it (`EndpointSet`): they change a thousand times more often than the rest, and are shared by all
 * callers that see a service in the same way.
 */

/** Where a value comes from: a policy's KRI with the rule in it (`kri_mt_default___slow_#0`), or `default` for what Skerry does when no policy
 *  says anything. */
export type Origin = string

/** What is in force, in the words of each policy kind, with who said so. The plan beside it says the same in values that proxies use. */
export type Settings = Readonly<Record<string, readonly Setting[]>>

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
  /** null = nothing is traced. */
  readonly trace: TracePlan | null
  /** null = metrics are shown to nobody. */
  readonly metrics: MetricPlan | null
  readonly passthrough: PassthroughPlan
  /** Changes to what is made for an Envoy. */
  readonly patches: readonly ProxyPatchPlan[]
  /** Of the proxy as a whole. */
  readonly settings: Settings
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

export type ListenerPlan = InboundPlan | AgentlessPlan | OutboundPlan | HttpProxyPlan | GatewayPlan | ZoneIngressPlan

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
  readonly tls: MeshTlsPlan
  readonly timeouts: TimeoutPlan
  /** First match wins. */
  readonly rateLimits: readonly InboundRulePlan<RateLimitPlan>[]
  /** First match wins. */
  readonly faults: readonly InboundRulePlan<readonly FaultPlan[]>[]
  readonly accessLogs: readonly AccessLogPlan[]
  readonly settings: Settings
}

/**
 * On a zone gateway: mTLS from peers → instances of a workload that have no proxy, in whose name the gateway answers. It has no port:
 * chains of the gateway's ZoneIngressPlan lead to it, by its name and inside the proxy. Instances under the same policies share one.
 */
export interface AgentlessPlan extends Omit<InboundPlan, 'kind' | 'address' | 'port'> {
  readonly kind: 'agentless'
  /** Whose certificate it presents: the SPIFFE ID of the workload. */
  readonly spiffeId: string
  /** Of the workload, not of the gateway; null = nothing is traced. */
  readonly trace: TracePlan | null
  /** Another instance is tried when one takes no connection. */
  readonly retry: RetryPlan | null
  /** The function that is invoked, if its cluster is one. */
  readonly lambda: Lambda | null
}

/** What holds for some of the callers. */
export interface InboundRulePlan<T> {
  /** null = for all. */
  readonly match: IdMatch | null
  readonly value: T
  readonly origin: Origin
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
  | ({ readonly protocol: 'tcp' } & TcpTargetPlan)

/** Where connections go that are not looked into. */
export interface TcpTargetPlan {
  readonly clusters: readonly WeightedCluster[]
  /** A connection that carries nothing for so long is closed; 0 = never. ms */
  readonly idleMs: number
  /** How many hosts a connection is tried on. */
  readonly connectAttempts: number
  readonly rateLimit: RateLimitPlan | null
  readonly accessLogs: readonly AccessLogPlan[]
  readonly settings: Settings
}

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
  /** For protocol `tcp`; null = there is nowhere to go. */
  readonly tcp: TcpTargetPlan | null
  readonly timeouts: TimeoutPlan
  readonly accessLogs: readonly AccessLogPlan[]
  readonly settings: Settings
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
  readonly rateLimit: RateLimitPlan | null
  readonly faults: readonly FaultPlan[]
  readonly accessLogs: readonly AccessLogPlan[]
  readonly settings: Settings
}

export interface RoutePlan {
  readonly name: string
  readonly match: RouteMatch
  readonly action: RouteAction
  readonly requestHeaders: HeaderChanges
  readonly responseHeaders: HeaderChanges
  /** Of the MeshHTTPRoute. */
  readonly origin: Origin
  /** Of what holds for requests that take this route. */
  readonly settings: Settings
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
      readonly timeouts: RequestTimeouts
      readonly retry: RetryPlan
      readonly hashPolicies: readonly HashPolicyPlan[]
      /** Copies of requests; their answers are thrown away. */
      readonly mirrors: readonly { readonly cluster: string; readonly percent: number }[]
      readonly rewrite?: {
        readonly prefix?: string
        readonly fullPath?: string
        readonly host?: string
        /** The Host that the endpoint has. */
        readonly hostOfBackend?: boolean
      }
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

export type ClusterPlan = ServiceClusterPlan | LocalClusterPlan | LambdaClusterPlan

/** An AWS Lambda function: requests become invocations. */
export interface LambdaClusterPlan {
  readonly kind: 'lambda'
  readonly name: string
  readonly lambda: Lambda
  readonly timeouts: ConnectionTimeouts
  readonly limits: LimitsPlan
}

/** The application beside the proxy. */
export interface LocalClusterPlan {
  readonly kind: 'local'
  readonly name: string
  readonly address: string
  readonly port: number
  readonly protocol: 'http' | 'tcp'
  /** Does it speak HTTP/2 and nothing else? */
  readonly http2: boolean
  readonly timeouts: ConnectionTimeouts
  readonly limits: LimitsPlan
}

/** A service of the mesh; its endpoints come as the EndpointSet of `endpoints`. */
export interface ServiceClusterPlan {
  readonly kind: 'service'
  /** The KRI of the service's port; on a zone gateway `ingress_<KRI>`. */
  readonly name: string
  readonly endpoints: EndpointSetRef
  readonly protocol: 'http' | 'tcp'
  /** Does it speak HTTP/2 and nothing else? */
  readonly http2: boolean
  /** null: in plain text to workloads without a proxy, or bytes passed on as they are (a zone gateway's clusters). */
  readonly tls: { readonly sni: string; readonly allowedIds: readonly string[]; readonly versions: TlsVersionsPlan } | null
  readonly timeouts: ConnectionTimeouts
  readonly outlier: OutlierPlan
  readonly limits: LimitsPlan
  readonly healthCheck: HealthCheckPlan | null
  readonly balancer: BalancerPlan
  readonly slowStartMs: number
  /** Below this share of healthy hosts (of all priorities) health is ignored. 0–100. */
  readonly panicPercent: number
  readonly settings: Settings
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
  /** The service's key in the view: kind and stored name. For scope `agentless`: `agentless/<workload>`. */
  readonly service: string
  /** The port's name. For scope `agentless`: the listener's. */
  readonly section: string
  /** `local`: only this zone's instances (what a zone gateway offers). `all`: other zones' too, by their gateways. `agentless`: the
   *  instances without a proxy behind one listener of a zone gateway. */
  readonly scope: 'local' | 'all' | 'agentless'
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
  /** Priorities and the factor as Kuma makes them, gaps and all; docs/decisions/failover-tiers.md. */
  readonly exact: boolean
}

export interface FailoverRule {
  /** Its place among all rules, those for other callers included. */
  readonly index: number
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
  /** Its zone seems to be dead, for this reason: it comes last, whatever policies say. */
  readonly demoted?: string
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
  /** A listener of the same proxy, reached by its name: address and port are those of nothing ('' and 0). */
  readonly listener?: string
}
