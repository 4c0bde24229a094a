import type { CircuitBreakers } from '../../gen/envoy/config/cluster/v3/circuit_breaker_pb.js'
import {
  type Cluster,
  type Cluster_SlowStartConfig,
  ClusterSchema,
  Cluster_DiscoveryType as DiscoveryType,
  Cluster_LbPolicy as LbPolicy,
} from '../../gen/envoy/config/cluster/v3/cluster_pb.js'
import type { OutlierDetection } from '../../gen/envoy/config/cluster/v3/outlier_detection_pb.js'
import { RoutingPriority } from '../../gen/envoy/config/core/v3/base_pb.js'
import { HttpProtocolOptionsSchema } from '../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
import type { Lambda } from '../../model/kinds/dataplane.ts'
import { type Compiled, compileResource, type Reasons } from './compiled.ts'
import { endpointTable } from './endpoint.ts'
import type { ClusterTable, EndpointTable } from './table.ts'
import { compileUpstreamTls } from './tls.ts'
import { durationMs, needAds, unpacked } from './values.ts'

export interface CompiledCluster {
  readonly table: ClusterTable
  /** Where its hosts come from: they stand in it, or have a resource of their own. */
  readonly hosts:
    | { readonly kind: 'static'; readonly endpoints: EndpointTable }
    | { readonly kind: 'eds'; readonly resource: string; readonly localityWeighted: boolean }
}

const httpOptionsName = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

export function compileCluster(bytes: Uint8Array): Compiled<CompiledCluster> {
  return compileResource(ClusterSchema, bytes, (cluster, reasons) => {
    if (cluster.name === '') reasons.add('name', 'must not be empty')
    const connectTimeoutMs = durationMs(cluster.connectTimeout) ?? 5000
    if (connectTimeoutMs <= 0) reasons.add('connect_timeout', 'must be above 0')
    const table: ClusterTable = {
      name: cluster.name,
      connectTimeoutMs,
      ...httpOptions(cluster, reasons),
      ...lambdaOf(cluster, reasons),
      tls: cluster.transportSocket ? compileUpstreamTls(cluster.transportSocket, 'transport_socket', reasons) : null,
      ...balancer(cluster, reasons),
      panicPercent: cluster.commonLbConfig?.healthyPanicThreshold?.value ?? 50,
      outlier: cluster.outlierDetection ? outlier(cluster.outlierDetection, reasons) : null,
      limits: limits(cluster.circuitBreakers, reasons),
    }
    return { table, hosts: hosts(cluster, reasons) }
  })
}

function hosts(cluster: Cluster, reasons: Reasons): CompiledCluster['hosts'] {
  const localityWeighted = cluster.commonLbConfig?.localityConfigSpecifier.case === 'localityWeightedLbConfig'
  const type = cluster.clusterDiscoveryType.case === 'type' ? cluster.clusterDiscoveryType.value : DiscoveryType.STATIC
  switch (type) {
    case DiscoveryType.EDS:
      needAds(cluster.edsClusterConfig?.edsConfig, 'eds_cluster_config.eds_config', reasons)
      if (cluster.loadAssignment) reasons.add('load_assignment', 'must not be set when type is EDS')
      return { kind: 'eds', resource: cluster.edsClusterConfig?.serviceName || cluster.name, localityWeighted }
    case DiscoveryType.LOGICAL_DNS:
    case DiscoveryType.STATIC: {
      if (type === DiscoveryType.LOGICAL_DNS && cluster.metadata?.filterMetadata.skerry?.lambda === undefined)
        reasons.add('type', 'LOGICAL_DNS is supported by this proxy only for a function: metadata skerry.lambda')
      if (cluster.edsClusterConfig) reasons.add('eds_cluster_config', 'must not be set when type is STATIC')
      if (cluster.loadAssignment === undefined) reasons.add('load_assignment', 'must be set when type is STATIC')
      const options = { cluster: cluster.name, localityWeighted }
      const endpoints = cluster.loadAssignment
        ? endpointTable(cluster.loadAssignment, options, 'load_assignment.', reasons)
        : { cluster: cluster.name, overprovisioning: 1.4, priorities: [] }
      return { kind: 'static', endpoints }
    }
    default:
      reasons.add('type', `${DiscoveryType[type] ?? type} is not supported by this proxy: use EDS or STATIC`)
      return { kind: 'eds', resource: cluster.name, localityWeighted }
  }
}

/** Which function its requests invoke, as the zone says in metadata that is for this proxy. */
function lambdaOf({ metadata }: Cluster, reasons: Reasons): { lambda?: Lambda } {
  const lambda = metadata?.filterMetadata.skerry?.lambda
  if (lambda === undefined) return {}
  const given = (typeof lambda === 'object' && lambda !== null && !Array.isArray(lambda) ? lambda : {}) as Record<string, unknown>
  const text = (field: string, isNeeded: boolean) => {
    const value = given[field]
    if (typeof value === 'string' || (value === undefined && !isNeeded)) return value
    reasons.add(`metadata.filter_metadata[skerry].lambda.${field}`, 'must be a text')
    return ''
  }
  const [endpoint, roleArn] = [text('endpoint', false), text('roleArn', false)]
  return {
    lambda: {
      arn: text('arn', true)!,
      region: text('region', true)!,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(roleArn === undefined ? {} : { roleArn }),
      payload: text('payload', true) === 'passthrough' ? 'passthrough' : 'http-2.0',
    },
  }
}

/** Envoy's default for idle connections is an hour. */
function httpOptions(cluster: Cluster, reasons: Reasons): Pick<ClusterTable, 'idleTimeoutMs' | 'http2'> {
  for (const name of Object.keys(cluster.typedExtensionProtocolOptions)) {
    if (name !== httpOptionsName) reasons.add(`typed_extension_protocol_options[${name}]`, 'is not supported by this proxy')
  }
  const options = unpacked(cluster.typedExtensionProtocolOptions[httpOptionsName], HttpProtocolOptionsSchema)
  const upstream = options?.upstreamProtocolOptions
  return {
    idleTimeoutMs: durationMs(options?.commonHttpProtocolOptions?.idleTimeout) ?? 3_600_000,
    http2: upstream?.case === 'explicitHttpConfig' && upstream.value.protocolConfig.case === 'http2ProtocolOptions',
  }
}

function balancer(cluster: Cluster, reasons: Reasons): Pick<ClusterTable, 'balancer' | 'slowStartMs'> {
  const config = cluster.lbConfig
  const need = (name: typeof config.case) => {
    if (config.case !== undefined && config.case !== name) reasons.add('lb_policy', 'does not fit the lb_config that is given')
  }
  switch (cluster.lbPolicy) {
    case LbPolicy.ROUND_ROBIN:
      need('roundRobinLbConfig')
      return {
        balancer: { kind: 'round-robin', choices: 0 },
        slowStartMs: config.case === 'roundRobinLbConfig' ? slowStart(config.value) : 0,
      }
    case LbPolicy.LEAST_REQUEST: {
      need('leastRequestLbConfig')
      if (config.case !== 'leastRequestLbConfig') return { balancer: { kind: 'least-request', choices: 2 }, slowStartMs: 0 }
      return { balancer: { kind: 'least-request', choices: config.value.choiceCount ?? 2 }, slowStartMs: slowStart(config.value) }
    }
    case LbPolicy.RANDOM:
      need(undefined)
      return { balancer: { kind: 'random', choices: 0 }, slowStartMs: 0 }
    default:
      reasons.add('lb_policy', `${LbPolicy[cluster.lbPolicy] ?? cluster.lbPolicy} is not supported by this proxy`)
      return { balancer: { kind: 'random', choices: 0 }, slowStartMs: 0 }
  }
}

function slowStart(config: { readonly slowStartConfig?: Cluster_SlowStartConfig | undefined }): number {
  return durationMs(config.slowStartConfig?.slowStartWindow) ?? 0
}

/** Defaults are Envoy's, and a detector that is off counts to 0.
 *  https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/outlier_detection.proto */
function outlier(detection: OutlierDetection, reasons: Reasons): ClusterTable['outlier'] {
  const count = (name: string, consecutive: number | undefined, enforcing: number | undefined, enforcedByDefault: number) => {
    const enforced = enforcing ?? enforcedByDefault
    if (enforced !== 0 && enforced !== 100) reasons.add(`outlier_detection.enforcing_${name}`, 'must be 0 or 100')
    return enforced === 0 ? 0 : (consecutive ?? 5)
  }
  if (!detection.splitExternalLocalOriginErrors) reasons.add('outlier_detection.split_external_local_origin_errors', 'must be true')
  if (detection.enforcingSuccessRate !== 0)
    reasons.add('outlier_detection.enforcing_success_rate', 'must be 0: this proxy does not eject by success rate')
  if (detection.enforcingLocalOriginSuccessRate !== 0)
    reasons.add('outlier_detection.enforcing_local_origin_success_rate', 'must be 0: this proxy does not eject by success rate')
  const baseEjectionMs = durationMs(detection.baseEjectionTime) ?? 30_000
  return {
    consecutiveLocal: count(
      'consecutive_local_origin_failure',
      detection.consecutiveLocalOriginFailure,
      detection.enforcingConsecutiveLocalOriginFailure,
      100,
    ),
    consecutiveGateway: count(
      'consecutive_gateway_failure',
      detection.consecutiveGatewayFailure,
      detection.enforcingConsecutiveGatewayFailure,
      0,
    ),
    consecutive5xx: count('consecutive_5xx', detection.consecutive5xx, detection.enforcingConsecutive5xx, 100),
    intervalMs: durationMs(detection.interval) ?? 10_000,
    baseEjectionMs,
    maxEjectionMs: durationMs(detection.maxEjectionTime) ?? Math.max(300_000, baseEjectionMs),
    maxEjectionPercent: detection.maxEjectionPercent ?? 10,
  }
}

function limits(breakers: CircuitBreakers | undefined, reasons: Reasons): ClusterTable['limits'] {
  const thresholds = breakers?.thresholds ?? []
  for (const [index, { priority }] of thresholds.entries()) {
    if (priority !== RoutingPriority.DEFAULT || index > 0)
      reasons.add(`circuit_breakers.thresholds[${index}]`, 'only one, for priority DEFAULT, is supported')
  }
  const [first] = thresholds
  return {
    maxConnections: first?.maxConnections ?? 1024,
    maxPending: first?.maxPendingRequests ?? 1024,
    maxRequests: first?.maxRequests ?? 1024,
    maxRetries: first?.maxRetries ?? 3,
  }
}
