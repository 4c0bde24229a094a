import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  ClusterSchema,
  Cluster_DiscoveryType as DiscoveryType,
  Cluster_RingHashLbConfig_HashFunction as HashFunction,
  Cluster_LbPolicy as LbPolicy,
} from '../../gen/envoy/config/cluster/v3/cluster_pb.js'
import type { OutlierDetectionSchema } from '../../gen/envoy/config/cluster/v3/outlier_detection_pb.js'
import type { OutlierPlan } from '../../policy/mesh-circuit-breaker.ts'
import type { BalancerPlan } from '../../policy/mesh-load-balancing-strategy.ts'
import type { ServiceClusterPlan } from '../../policy/plan.ts'
import { duration, overAds } from '../messages.ts'
import { grpcUpstreamTls } from './tls.ts'

/** A bigger ring is refused. https://github.com/grpc/proposal/blob/master/A42-xds-ring-hash-lb-policy.md */
const largestRing = 8_388_608

/** A service in the words that gRPC has for one: no more of them, or it would refuse the cluster, or pass over what protects Envoy. */
export function encodeGrpcCluster(plan: ServiceClusterPlan): Uint8Array {
  const outlier = outlierDetection(plan.outlier)
  return toBinary(
    ClusterSchema,
    create(ClusterSchema, {
      name: plan.name,
      clusterDiscoveryType: { case: 'type', value: DiscoveryType.EDS },
      edsClusterConfig: { edsConfig: overAds },
      // Without a number of ours gRPC has one of its own, 1024. https://github.com/grpc/proposal/blob/master/A32-xds-circuit-breaking.md
      circuitBreakers: { thresholds: [{ maxRequests: plan.limits.maxRequests ?? 4294967295 }] },
      ...(outlier ? { outlierDetection: outlier } : {}),
      ...balancer(plan.balancer),
      ...(plan.tls ? { transportSocket: grpcUpstreamTls(plan.tls.sni, plan.tls.allowedIds) } : {}),
    }),
  )
}

/** What it does not know is spread in turn. */
function balancer(plan: BalancerPlan): Pick<MessageInitShape<typeof ClusterSchema>, 'lbPolicy' | 'lbConfig'> {
  if (plan.type !== 'RingHash') return { lbPolicy: LbPolicy.ROUND_ROBIN }
  const size = (value: number | null, field: 'minimumRingSize' | 'maximumRingSize') =>
    value === null ? {} : { [field]: BigInt(Math.min(value, largestRing)) }
  return {
    lbPolicy: LbPolicy.RING_HASH,
    lbConfig: {
      case: 'ringHashLbConfig',
      value: {
        hashFunction: HashFunction.XX_HASH,
        ...size(plan.minRingSize, 'minimumRingSize'),
        ...size(plan.maxRingSize, 'maximumRingSize'),
      },
    },
  }
}

/** By statistics only; undefined = nothing ejects. https://github.com/grpc/proposal/blob/master/A50-xds-outlier-detection.md */
function outlierDetection({
  successRate,
  failurePercentage,
  ...plan
}: OutlierPlan): MessageInitShape<typeof OutlierDetectionSchema> | undefined {
  if (successRate === null && failurePercentage === null) return undefined
  return {
    interval: duration(plan.intervalMs),
    baseEjectionTime: duration(plan.baseEjectionMs),
    maxEjectionTime: duration(plan.maxEjectionMs),
    maxEjectionPercent: plan.maxEjectionPercent,
    enforcingSuccessRate: successRate ? 100 : 0,
    ...(successRate
      ? {
          successRateMinimumHosts: successRate.minimumHosts,
          successRateRequestVolume: successRate.requestVolume,
          successRateStdevFactor: Math.round(successRate.deviations * 1000),
        }
      : {}),
    enforcingFailurePercentage: failurePercentage ? 100 : 0,
    ...(failurePercentage
      ? {
          failurePercentageMinimumHosts: failurePercentage.minimumHosts,
          failurePercentageRequestVolume: failurePercentage.requestVolume,
          failurePercentageThreshold: failurePercentage.percent,
        }
      : {}),
  }
}
