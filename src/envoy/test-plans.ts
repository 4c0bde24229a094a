import type {
  Endpoint,
  EndpointGroup,
  EndpointSet,
  InboundPlan,
  OutboundPlan,
  ProxyPlan,
  RetryPlan,
  RouteAction,
  RoutePlan,
  ServiceClusterPlan,
  TrustPlan,
  VirtualHostPlan,
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
  return { name: 'payments', domains: ['*'], routes: [aRoute()], ...over }
}

export function aRoute(over: Partial<RoutePlan> = {}): RoutePlan {
  return {
    name: 'default',
    match: { path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] },
    action: aForward(),
    requestHeaders: noHeaderChanges,
    responseHeaders: noHeaderChanges,
    origin: 'default',
    ...over,
  }
}

export function aForward(over: Partial<Extract<RouteAction, { kind: 'forward' }>> = {}): RouteAction {
  return { kind: 'forward', clusters: [{ cluster: 'payments', weight: 1 }], timeoutMs: null, retry: aRetry(), ...over }
}

export function aRetry(over: Partial<RetryPlan> = {}): RetryPlan {
  return {
    attempts: 3,
    on: ['connect-failure', 'refused-stream', 'reset', 'retriable-headers'],
    onUnsafe: ['connect-failure', 'refused-stream', 'retriable-headers'],
    perTryTimeoutMs: null,
    backOffBaseMs: 25,
    backOffMaxMs: 250,
    origin: 'default',
    ...over,
  }
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
      locality: { ignoreZones: false, affinity: [], failover: null, overprovisioning: 140 },
    },
    protocol: 'http',
    tls: { sni: 'sni.msvc.default.aws-1.payments.main', allowedIds: ['spiffe://default.aws-1.mesh.local/workload/payments'] },
    connectTimeoutMs: 1000,
    idleTimeoutMs: 3_600_000,
    outlier: {
      consecutiveLocal: 1,
      consecutiveGateway: 5,
      consecutive5xx: 0,
      intervalMs: 1000,
      baseEjectionMs: 1000,
      maxEjectionMs: 30_000,
      maxEjectionPercent: 100,
    },
    limits: { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 4096, maxRetries: 128 },
    balancer: { type: 'RoundRobin' },
    slowStartMs: 10_000,
    panicPercent: 0,
    origins: { connectTimeout: 'default', outlier: 'default', limits: 'default', balancer: 'default', locality: 'default' },
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
