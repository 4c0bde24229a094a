import type { MeshService } from '../model/kinds/mesh-service.ts'
import { kriOf } from '../model/kri.ts'
import { sniOf } from '../model/sni.ts'
import { defaultCircuitBreaker, defaultLoadBalancing, defaultLocality, defaultTimeouts, defaultTls, slowStartMs } from './defaults.ts'
import { endpointSetRef } from './endpoints.ts'
import { planCircuitBreaker } from './mesh-circuit-breaker.ts'
import { planHealthCheck } from './mesh-health-check.ts'
import { exactFailoverLabel, planBalancer, planLocality, ringContradiction } from './mesh-load-balancing-strategy.ts'
import { connectionSettings, planTimeouts } from './mesh-timeout.ts'
import { planMeshTls } from './mesh-tls.ts'
import type { ServiceClusterPlan, WeightedCluster } from './plan.ts'
import type { Planning } from './planning.ts'
import type { RuleConf } from './rules/policy.ts'
import type { ServicePort, ServiceView } from './service-index.ts'
import { effective, perConf, type Setting } from './settings.ts'
import type { MeshView } from './view.ts'

/** The cluster of a service's port, as this proxy calls it; made once, however many routes lead to it. */
export function serviceCluster(planning: Planning, service: ServiceView, port: ServicePort, weight = 1): WeightedCluster {
  const name = kriOf(service.resource, port.name)
  if (!planning.clusters.has(name)) planning.clusters.set(name, makeCluster(planning, service, port, name))
  return { cluster: name, weight }
}

/** As the application protocol says it; `http2` and `tls` are `http` and `tcp` to a policy. */
export function policyProtocol(port: ServicePort): 'tcp' | 'http' | 'grpc' {
  return port.appProtocol === 'grpc' ? 'grpc' : port.protocol
}

function makeCluster(planning: Planning, service: ServiceView, port: ServicePort, name: string): ServiceClusterPlan {
  const { view, dataplane } = planning
  const ruleOf = <K extends 'MeshTimeout' | 'MeshCircuitBreaker' | 'MeshHealthCheck' | 'MeshLoadBalancingStrategy'>(kind: K) =>
    planning.rules(kind).confFor(service.resource, port.name)
  const timeouts = effective(defaultTimeouts, ruleOf('MeshTimeout'))
  const breaker = effective(defaultCircuitBreaker, ruleOf('MeshCircuitBreaker'))
  const health = ruleOf('MeshHealthCheck')
  const balancing = ruleOf('MeshLoadBalancingStrategy')
  const strategy = effective(defaultLoadBalancing, balancing)
  planning.atOdds(balancing, ringContradiction(strategy.conf))
  const tls = effective(defaultTls, callerTls(planning))
  const locality = planLocality(strategy.conf, { zone: view.zone, labels: dataplane.labels }, isExact(balancing))
  const { limits, outlier, panicPercent } = planCircuitBreaker(breaker.conf)
  return {
    kind: 'service',
    name,
    endpoints: endpointSetRef(service.key, port.name, 'all', locality),
    protocol: port.protocol,
    http2: port.appProtocol === 'grpc' || port.appProtocol === 'http2',
    tls: { sni: sniOf(service.resource, port.name), allowedIds: allowedIds(view, service), versions: planMeshTls(tls.conf).tls },
    timeouts: planTimeouts(timeouts.conf).connection,
    outlier,
    limits,
    healthCheck: planHealthCheck(health?.conf ?? null, policyProtocol(port)),
    balancer: planBalancer(strategy.conf),
    slowStartMs,
    panicPercent,
    settings: {
      MeshTimeout: connectionSettings(timeouts.settings),
      MeshCircuitBreaker: breaker.settings,
      ...(health ? { MeshHealthCheck: effective({}, health).settings } : {}),
      MeshLoadBalancingStrategy: clusterSettings(strategy.settings),
      MeshTLS: tls.settings,
    },
  }
}

/** What is hashed is said of routes. */
const clusterSettings = perConf((settings: readonly Setting[]) => settings.filter(({ path }) => !path.startsWith('hashPolicies')))

/** What a zone gateway sends to a service of its zone: bytes, passed on as they are. No policy has a say in it, so it is the same for all. */
export function ingressCluster(planning: Planning, service: ServiceView, port: ServicePort): string {
  const name = `ingress_${kriOf(service.resource, port.name)}`
  const key = `${service.key} ${port.name} ${name}`
  let cluster = ingressClusters.get(key)
  if (!cluster) {
    cluster = makeIngressCluster(service, port, name)
    if (ingressClusters.size >= mostIngressClusters) ingressClusters.clear()
    ingressClusters.set(key, cluster)
  }
  planning.clusters.set(name, cluster)
  return name
}

/** Made once: a gateway has one for each port of its zone, and is planned again when one of them comes. */
const ingressClusters = new Map<string, ServiceClusterPlan>()
const mostIngressClusters = 20_000

function makeIngressCluster(service: ServiceView, port: ServicePort, name: string): ServiceClusterPlan {
  const timeouts = effective(defaultTimeouts, null)
  const breaker = effective(defaultCircuitBreaker, null)
  const { limits, outlier, panicPercent } = planCircuitBreaker(breaker.conf)
  const strategy = effective(defaultLoadBalancing, null)
  return {
    kind: 'service',
    name,
    endpoints: endpointSetRef(service.key, port.name, 'local', defaultLocality),
    protocol: 'tcp',
    http2: false,
    tls: null,
    timeouts: planTimeouts(timeouts.conf).connection,
    outlier,
    limits,
    healthCheck: null,
    balancer: planBalancer(strategy.conf),
    slowStartMs: 0,
    panicPercent,
    settings: {
      MeshTimeout: connectionSettings(timeouts.settings),
      MeshCircuitBreaker: breaker.settings,
      MeshLoadBalancingStrategy: strategy.settings,
    },
  }
}

/** A MeshTLS is written for what comes in, and says which TLS a proxy speaks when it calls as well; of one inbound alone it does not. */
function callerTls(planning: Planning) {
  return planning.rules('MeshTLS').inboundConfFor({ port: 0 })
}

function isExact(rule: RuleConf | null): boolean {
  return rule?.origins.some(({ policy }) => policy.labels[exactFailoverLabel] === 'kuma') ?? false
}

/** Who may answer for a service: every identity of every member. Nobody is trusted for a service that names none. */
function allowedIds(view: MeshView, service: ServiceView): string[] {
  const ids = view
    .membersOf(service)
    .flatMap(member => ((member.resource as MeshService).spec.identities ?? []).map(identity => identity.value))
  return [...new Set(ids)].sort()
}
