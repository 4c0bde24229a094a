import { defaultCircuitBreaker, defaultRetries, defaultTimeouts, defaultTls } from '../policy/defaults.ts'
import { planCircuitBreaker } from '../policy/mesh-circuit-breaker.ts'
import type { RetryPlan } from '../policy/mesh-retry.ts'
import { planRetry } from '../policy/mesh-retry.ts'
import { planTimeouts } from '../policy/mesh-timeout.ts'
import { planMeshTls } from '../policy/mesh-tls.ts'
import type {
  Endpoint,
  EndpointGroup,
  EndpointSet,
  GatewayPlan,
  InboundPlan,
  LocalClusterPlan,
  OutboundPlan,
  OutboundTarget,
  ProxyPlan,
  RouteAction,
  RoutePlan,
  ServiceClusterPlan,
  TrustPlan,
  VirtualHostPlan,
  WeightedCluster,
} from '../policy/plan.ts'
import { noHeaderChanges } from '../policy/plan.ts'

/** Plans for tests, each a sane default with what the test is about put over it. */

export function aProxyPlan(over: Partial<ProxyPlan> = {}): ProxyPlan {
  return {
    mesh: 'default',
    name: 'web-1',
    zone: 'azure-1',
    role: 'sidecar',
    labels: {},
    spiffeId: 'spiffe://default.azure-1.mesh.local/workload/web',
    trust: [],
    listeners: [],
    clusters: [],
    onDemand: [],
    trace: null,
    metrics: null,
    passthrough: { mode: 'None', matches: [] },
    patches: [],
    settings: {},
    warnings: [],
    ...over,
  }
}

export function anInbound(over: Partial<InboundPlan> = {}): InboundPlan {
  return {
    kind: 'inbound',
    name: 'self_inbound_dp_main',
    address: '127.0.0.1',
    port: 15_001,
    protocol: 'http',
    cluster: 'self_inbound_dp_main',
    permissions: { deny: [], allow: [{ type: 'Prefix', value: 'spiffe://default.azure-1.mesh.local/' }], origins: [] },
    tls: planMeshTls(defaultTls),
    timeouts: planTimeouts(defaultTimeouts),
    rateLimits: [],
    faults: [],
    accessLogs: [],
    settings: {},
    ...over,
  }
}

export function anOutbound(over: Partial<OutboundPlan> = {}): OutboundPlan {
  return {
    kind: 'outbound',
    name: 'kri_msvc_default_aws-1__payments_main',
    address: '127.0.0.1',
    port: 10_001,
    target: { protocol: 'http', virtualHost: aVirtualHost() },
    ...over,
  }
}

export function aVirtualHost(over: Partial<VirtualHostPlan> = {}): VirtualHostPlan {
  return { name: 'payments', domains: ['*'], routes: [aRoute()], rateLimit: null, faults: [], accessLogs: [], settings: {}, ...over }
}

export function aRoute(over: Partial<RoutePlan> = {}): RoutePlan {
  return {
    name: 'default',
    match: { path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] },
    action: aForward(),
    requestHeaders: noHeaderChanges,
    responseHeaders: noHeaderChanges,
    origin: 'default',
    settings: {},
    ...over,
  }
}

export function aForward(over: Partial<Extract<RouteAction, { kind: 'forward' }>> = {}): RouteAction {
  return {
    kind: 'forward',
    clusters: [{ cluster: 'payments', weight: 1 }],
    timeouts: planTimeouts(defaultTimeouts).request,
    retry: aRetry(),
    hashPolicies: [],
    mirrors: [],
    ...over,
  }
}

export function aRetry(over: Partial<RetryPlan> = {}): RetryPlan {
  return { ...planRetry(defaultRetries, 'http', false), ...over }
}

export function aTcpTarget(clusters: readonly WeightedCluster[]): Extract<OutboundTarget, { protocol: 'tcp' }> {
  return { protocol: 'tcp', clusters, idleMs: 3_600_000, connectAttempts: 3, rateLimit: null, accessLogs: [], settings: {} }
}

export function aGateway(over: Partial<GatewayPlan> = {}): GatewayPlan {
  return {
    kind: 'gateway',
    name: 'gateway_edge_8080',
    address: '0.0.0.0',
    port: 8080,
    protocol: 'http',
    virtualHosts: [],
    tcp: null,
    timeouts: planTimeouts(defaultTimeouts),
    accessLogs: [],
    settings: {},
    ...over,
  }
}

/** The application beside the proxy. */
export function anApplication(port: number): LocalClusterPlan {
  return {
    kind: 'local',
    name: 'self_inbound_dp_main',
    address: '127.0.0.1',
    port,
    protocol: 'http',
    http2: false,
    timeouts: planTimeouts(defaultTimeouts).connection,
    limits: planCircuitBreaker(defaultCircuitBreaker).limits,
  }
}

export function aTls(sni: string, allowedIds: readonly string[]): NonNullable<ServiceClusterPlan['tls']> {
  return { sni, allowedIds, versions: planMeshTls(defaultTls).tls }
}

export function aServiceCluster(over: Partial<ServiceClusterPlan> = {}): ServiceClusterPlan {
  return {
    kind: 'service',
    name: 'payments',
    endpoints: {
      key: 'payments',
      service: 'MeshService/default/payments',
      section: 'main',
      scope: 'all',
      locality: { ignoreZones: false, affinity: [], failover: null, overprovisioning: 140, exact: false },
    },
    protocol: 'http',
    http2: false,
    tls: aTls('sni.msvc.default.aws-1.payments.main', ['spiffe://default.aws-1.mesh.local/workload/payments']),
    timeouts: planTimeouts(defaultTimeouts).connection,
    ...planCircuitBreaker(defaultCircuitBreaker),
    healthCheck: null,
    balancer: { type: 'RoundRobin' },
    slowStartMs: 10_000,
    settings: {},
    ...over,
  }
}

export function anEndpointSet(over: Partial<EndpointSet> = {}): EndpointSet {
  return { key: 'payments', groups: [anEndpointGroup()], overprovisioning: 140, ...over }
}

export function anEndpointGroup(over: Partial<EndpointGroup> = {}): EndpointGroup {
  return { priority: 0, zone: 'aws-1', subZone: '', weight: 1, endpoints: [anEndpoint()], ...over }
}

export function anEndpoint(over: Partial<Endpoint> = {}): Endpoint {
  return { address: '10.0.0.1', port: 15_001, weight: 1, state: 'healthy', name: 'payments-1', ...over }
}

export function aTrust(over: Partial<TrustPlan> = {}): TrustPlan {
  return { trustDomain: 'default.azure-1.mesh.local', bundles: [testCaPem], ...over }
}

/** A self-signed certificate whose key nobody has. */
export const testCaPem = `-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUOuQ0gh7qpc6W+U75/KrisGtWZ3gwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjExMDEwMzlaGA8yMTI2MTAyODEwMTAz
OVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABL4q
wwUmMeEbSlBpxbd+WpOZDeru0H6h1IZ72gquNksWqrCK6PNh2AA59ZjwGQIkyFFG
JRyhTPFOB2kCGOMtT5mjUzBRMB0GA1UdDgQWBBRR4wE+ZYudacGdWjRRYSGdUsgE
UTAfBgNVHSMEGDAWgBRR4wE+ZYudacGdWjRRYSGdUsgEUTAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIE+EDUNj9rev6tkqaXhosMz/iZkl9FCh3Xtj
kyzV1eICAiEA3bbNQHCYQWU/Yc+VvnO4wh294OYwVaLZFI9vY9WI0KA=
-----END CERTIFICATE-----
`
