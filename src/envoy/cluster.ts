import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  type Cluster_SlowStartConfigSchema,
  ClusterSchema,
  Cluster_DiscoveryType as DiscoveryType,
  Cluster_LbPolicy as LbPolicy,
} from '../gen/envoy/config/cluster/v3/cluster_pb.js'
import type { OutlierDetectionSchema } from '../gen/envoy/config/cluster/v3/outlier_detection_pb.js'
import { HttpProtocolOptionsSchema } from '../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
import type { ClusterPlan, LimitsPlan, LocalClusterPlan, OutlierPlan, ServiceClusterPlan } from '../policy/plan.ts'
import type { ClientKind } from './client-kind.ts'
import { duration, overAds, packed, socketAddress } from './messages.ts'
import { upstreamTls } from './tls.ts'

type Cluster = MessageInitShape<typeof ClusterSchema>

export function encodeCluster(plan: ClusterPlan, client: ClientKind = 'skerry'): Uint8Array {
  return toBinary(ClusterSchema, create(ClusterSchema, plan.kind === 'local' ? localCluster(plan) : serviceCluster(plan, client)))
}

/** One fixed address. Without ejection: there is nowhere else to go. */
function localCluster(plan: LocalClusterPlan): Cluster {
  return {
    name: plan.name,
    clusterDiscoveryType: { case: 'type', value: DiscoveryType.STATIC },
    connectTimeout: duration(plan.connectTimeoutMs),
    loadAssignment: {
      clusterName: plan.name,
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address: socketAddress(plan.address, plan.port) } } }] }],
    },
  }
}

function serviceCluster(plan: ServiceClusterPlan, client: ClientKind): Cluster {
  const outlier = outlierDetection(plan.outlier)
  return {
    name: plan.name,
    clusterDiscoveryType: { case: 'type', value: DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: overAds },
    connectTimeout: duration(plan.connectTimeoutMs),
    circuitBreakers: { thresholds: [thresholds(plan.limits)] },
    ...(outlier ? { outlierDetection: outlier } : {}),
    ...balancer(plan),
    commonLbConfig: {
      healthyPanicThreshold: { value: plan.panicPercent },
      // Without it the groups' weights would be ignored.
      localityConfigSpecifier: { case: 'localityWeightedLbConfig', value: {} },
    },
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': packed(HttpProtocolOptionsSchema, {
        commonHttpProtocolOptions: { idleTimeout: duration(plan.idleTimeoutMs) },
        upstreamProtocolOptions: {
          case: 'explicitHttpConfig',
          value: { protocolConfig: { case: 'httpProtocolOptions', value: {} } },
        },
      }),
    },
    ...(plan.tls ? { transportSocket: upstreamTls(plan.tls.sni, plan.tls.allowedIds, client) } : {}),
  }
}

function balancer({ balancer, slowStartMs }: ServiceClusterPlan): Pick<Cluster, 'lbPolicy' | 'lbConfig'> {
  const slowStart: { slowStartConfig?: MessageInitShape<typeof Cluster_SlowStartConfigSchema> } =
    slowStartMs > 0 ? { slowStartConfig: { slowStartWindow: duration(slowStartMs) } } : {}
  switch (balancer.type) {
    case 'RoundRobin':
      return { lbPolicy: LbPolicy.ROUND_ROBIN, lbConfig: { case: 'roundRobinLbConfig', value: slowStart } }
    case 'LeastRequest': {
      const choiceCount = Math.max(2, balancer.choiceCount ?? 2)
      return { lbPolicy: LbPolicy.LEAST_REQUEST, lbConfig: { case: 'leastRequestLbConfig', value: { choiceCount, ...slowStart } } }
    }
    case 'Random':
      return { lbPolicy: LbPolicy.RANDOM }
  }
}

/** Envoy judges by statistics too unless told not to, and by gateway errors only when told to. undefined = nothing ejects. */
function outlierDetection(plan: OutlierPlan): MessageInitShape<typeof OutlierDetectionSchema> | undefined {
  const { consecutiveLocal, consecutiveGateway, consecutive5xx } = plan
  if (consecutiveLocal === 0 && consecutiveGateway === 0 && consecutive5xx === 0) return undefined
  return {
    splitExternalLocalOriginErrors: true,
    ...detector('consecutiveLocalOriginFailure', 'enforcingConsecutiveLocalOriginFailure', consecutiveLocal),
    ...detector('consecutiveGatewayFailure', 'enforcingConsecutiveGatewayFailure', consecutiveGateway),
    ...detector('consecutive5xx', 'enforcingConsecutive5xx', consecutive5xx),
    enforcingSuccessRate: 0,
    enforcingLocalOriginSuccessRate: 0,
    interval: duration(plan.intervalMs),
    baseEjectionTime: duration(plan.baseEjectionMs),
    maxEjectionTime: duration(plan.maxEjectionMs),
    maxEjectionPercent: plan.maxEjectionPercent,
  }
}

function detector(count: string, enforcing: string, value: number): Record<string, number> {
  return value === 0 ? { [enforcing]: 0 } : { [count]: value, [enforcing]: 100 }
}

function thresholds(limits: LimitsPlan) {
  const { maxConnections, maxPendingRequests, maxRequests, maxRetries } = limits
  return { maxConnections, maxPendingRequests, maxRequests, maxRetries }
}
