import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { CircuitBreakers_ThresholdsSchema } from '../gen/envoy/config/cluster/v3/circuit_breaker_pb.js'
import {
  type Cluster_SlowStartConfigSchema,
  ClusterSchema,
  Cluster_DiscoveryType as DiscoveryType,
  Cluster_RingHashLbConfig_HashFunction as HashFunction,
  Cluster_LbPolicy as LbPolicy,
} from '../gen/envoy/config/cluster/v3/cluster_pb.js'
import type { OutlierDetectionSchema } from '../gen/envoy/config/cluster/v3/outlier_detection_pb.js'
import { HttpProtocolOptionsSchema } from '../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
import type { LimitsPlan, OutlierPlan } from '../policy/mesh-circuit-breaker.ts'
import type { BalancerPlan } from '../policy/mesh-load-balancing-strategy.ts'
import type { ClusterPlan, LocalClusterPlan, ServiceClusterPlan } from '../policy/plan.ts'
import type { ClientKind } from './client-kind.ts'
import { healthCheck } from './health-check.ts'
import { lambdaCluster } from './lambda.ts'
import { duration, overAds, packed, socketAddress } from './messages.ts'
import { upstreamTls } from './tls.ts'

type Cluster = MessageInitShape<typeof ClusterSchema>

export function encodeCluster(plan: ClusterPlan, client: ClientKind = 'skerry'): Uint8Array {
  return toBinary(ClusterSchema, create(ClusterSchema, clusterOf(plan, client)))
}

function clusterOf(plan: ClusterPlan, client: ClientKind): Cluster {
  switch (plan.kind) {
    case 'local':
      return localCluster(plan, client)
    case 'service':
      return serviceCluster(plan, client)
    case 'lambda':
      return lambdaCluster(plan, client, {
        connectTimeout: duration(plan.timeouts.connectMs),
        circuitBreakers: { thresholds: [thresholds(plan.limits, client)] },
      })
  }
}

const http2Options = { case: 'http2ProtocolOptions' as const, value: {} }
const http2Only = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': packed(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: { case: 'explicitHttpConfig', value: { protocolConfig: http2Options } },
  }),
}

/** One fixed address. Without ejection: there is nowhere else to go. */
function localCluster(plan: LocalClusterPlan, client: ClientKind): Cluster {
  return {
    name: plan.name,
    clusterDiscoveryType: { case: 'type', value: DiscoveryType.STATIC },
    connectTimeout: duration(plan.timeouts.connectMs),
    ...(client === 'envoy' ? { circuitBreakers: { thresholds: [thresholds(plan.limits, client)] } } : {}),
    ...(plan.http2 ? { typedExtensionProtocolOptions: http2Only } : {}),
    loadAssignment: {
      clusterName: plan.name,
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address: socketAddress(plan.address, plan.port) } } }] }],
    },
  }
}

function serviceCluster(plan: ServiceClusterPlan, client: ClientKind): Cluster {
  const outlier = outlierDetection(plan.outlier, client)
  return {
    name: plan.name,
    clusterDiscoveryType: { case: 'type', value: DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: overAds },
    connectTimeout: duration(plan.timeouts.connectMs),
    circuitBreakers: { thresholds: [thresholds(plan.limits, client)] },
    ...(outlier ? { outlierDetection: outlier } : {}),
    ...(plan.healthCheck && client === 'envoy' ? { healthChecks: [healthCheck(plan.healthCheck)] } : {}),
    ...balancer(plan, client),
    commonLbConfig: {
      healthyPanicThreshold: { value: plan.panicPercent },
      // Without it the groups' weights would be ignored.
      localityConfigSpecifier: { case: 'localityWeightedLbConfig', value: {} },
    },
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': packed(HttpProtocolOptionsSchema, {
        commonHttpProtocolOptions: {
          idleTimeout: duration(plan.timeouts.idleMs),
          ...(plan.timeouts.maxAgeMs > 0 && client === 'envoy' ? { maxConnectionDuration: duration(plan.timeouts.maxAgeMs) } : {}),
        },
        upstreamProtocolOptions: {
          case: 'explicitHttpConfig',
          value: { protocolConfig: plan.http2 ? http2Options : { case: 'httpProtocolOptions', value: {} } },
        },
      }),
    },
    ...(plan.tls
      ? { transportSocket: upstreamTls(plan.tls.sni, plan.tls.allowedIds, client, { versions: plan.tls.versions, http2: plan.http2 }) }
      : {}),
  }
}

function balancer({ balancer, slowStartMs }: ServiceClusterPlan, client: ClientKind): Pick<Cluster, 'lbPolicy' | 'lbConfig'> {
  const slowStart: { slowStartConfig?: MessageInitShape<typeof Cluster_SlowStartConfigSchema> } =
    slowStartMs > 0 ? { slowStartConfig: { slowStartWindow: duration(slowStartMs) } } : {}
  switch (balancer.type) {
    case 'RoundRobin':
      return { lbPolicy: LbPolicy.ROUND_ROBIN, lbConfig: { case: 'roundRobinLbConfig', value: slowStart } }
    case 'LeastRequest': {
      const choiceCount = Math.max(2, balancer.choiceCount)
      return { lbPolicy: LbPolicy.LEAST_REQUEST, lbConfig: { case: 'leastRequestLbConfig', value: { choiceCount, ...slowStart } } }
    }
    case 'Random':
      return { lbPolicy: LbPolicy.RANDOM }
    case 'RingHash':
    case 'Maglev':
      // Consistent hashing is not in the built-in proxy: it spreads by load, and `inspect` says so.
      return client === 'skerry' ? { lbPolicy: LbPolicy.LEAST_REQUEST } : hashing(balancer)
  }
}

function hashing(balancer: Extract<BalancerPlan, { type: 'RingHash' | 'Maglev' }>): Pick<Cluster, 'lbPolicy' | 'lbConfig'> {
  if (balancer.type === 'Maglev') {
    const size = balancer.tableSize === null ? {} : { tableSize: BigInt(balancer.tableSize) }
    return { lbPolicy: LbPolicy.MAGLEV, lbConfig: { case: 'maglevLbConfig', value: size } }
  }
  const { hashFunction, minRingSize, maxRingSize } = balancer
  return {
    lbPolicy: LbPolicy.RING_HASH,
    lbConfig: {
      case: 'ringHashLbConfig',
      value: {
        hashFunction: hashFunction === 'MurmurHash2' ? HashFunction.MURMUR_HASH_2 : HashFunction.XX_HASH,
        ...(minRingSize === null ? {} : { minimumRingSize: BigInt(minRingSize) }),
        ...(maxRingSize === null ? {} : { maximumRingSize: BigInt(maxRingSize) }),
      },
    },
  }
}

/** Envoy judges by statistics too unless told not to, and by gateway errors only when told to. undefined = nothing ejects. */
function outlierDetection(plan: OutlierPlan, client: ClientKind): MessageInitShape<typeof OutlierDetectionSchema> | undefined {
  const { consecutiveLocal, consecutiveGateway, consecutive5xx } = plan
  const byStatistics = client === 'envoy' && (plan.successRate !== null || plan.failurePercentage !== null)
  if (consecutiveLocal === 0 && consecutiveGateway === 0 && consecutive5xx === 0 && !byStatistics) return undefined
  return {
    splitExternalLocalOriginErrors: plan.splitsLocal || client === 'skerry',
    ...detector('consecutiveLocalOriginFailure', 'enforcingConsecutiveLocalOriginFailure', consecutiveLocal),
    ...detector('consecutiveGatewayFailure', 'enforcingConsecutiveGatewayFailure', consecutiveGateway),
    ...detector('consecutive5xx', 'enforcingConsecutive5xx', consecutive5xx),
    ...statistics(plan, client),
    interval: duration(plan.intervalMs),
    baseEjectionTime: duration(plan.baseEjectionMs),
    maxEjectionTime: duration(plan.maxEjectionMs),
    maxEjectionPercent: plan.maxEjectionPercent,
  }
}

/** Of the whole cluster: a success rate far below the mean, or a fixed share of failures. */
function statistics({ successRate, failurePercentage }: OutlierPlan, client: ClientKind) {
  if (client === 'skerry') return { enforcingSuccessRate: 0, enforcingLocalOriginSuccessRate: 0 }
  return {
    enforcingSuccessRate: successRate ? 100 : 0,
    enforcingLocalOriginSuccessRate: successRate ? 100 : 0,
    ...(successRate
      ? {
          successRateMinimumHosts: successRate.minimumHosts,
          successRateRequestVolume: successRate.requestVolume,
          successRateStdevFactor: Math.round(successRate.deviations * 1000),
        }
      : {}),
    ...(failurePercentage
      ? {
          enforcingFailurePercentage: 100,
          enforcingFailurePercentageLocalOrigin: 100,
          failurePercentageMinimumHosts: failurePercentage.minimumHosts,
          failurePercentageRequestVolume: failurePercentage.requestVolume,
          failurePercentageThreshold: failurePercentage.percent,
        }
      : {}),
  }
}

function detector(count: string, enforcing: string, value: number): Record<string, number> {
  return value === 0 ? { [enforcing]: 0 } : { [count]: value, [enforcing]: 100 }
}

/** Envoy has limits of its own where none is set; the highest number there is stands for none. */
function thresholds(limits: LimitsPlan, client: ClientKind): MessageInitShape<typeof CircuitBreakers_ThresholdsSchema> {
  const value = (limit: number | null) => limit ?? 4294967295
  return {
    maxConnections: value(limits.maxConnections),
    maxPendingRequests: value(limits.maxPendingRequests),
    maxRequests: value(limits.maxRequests),
    maxRetries: value(limits.maxRetries),
    ...(limits.maxConnectionPools === null || client === 'skerry' ? {} : { maxConnectionPools: limits.maxConnectionPools }),
  }
}
