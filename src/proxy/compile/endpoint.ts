import { HealthStatus } from '../../gen/envoy/config/core/v3/health_check_pb.js'
import type { LbEndpoint, LocalityLbEndpoints } from '../../gen/envoy/config/endpoint/v3/endpoint_components_pb.js'
import { type ClusterLoadAssignment, ClusterLoadAssignmentSchema } from '../../gen/envoy/config/endpoint/v3/endpoint_pb.js'
import { type Compiled, compileResource, type Reasons } from './compiled.ts'
import type { EndpointTable, HostConfig } from './table.ts'
import { hostAndPort } from './values.ts'

/** Envoy's: a priority is full until less than 1/1.4 of it is healthy. */
const defaultOverprovisioning = 140
/** Envoy's limit. */
const maxPriority = 128

export interface EndpointOptions {
  /** The cluster that these are for; the resource may have another name. */
  readonly cluster: string
  /** The cluster has `locality_weighted_lb_config`: only then do the weights of localities count. */
  readonly localityWeighted: boolean
}

export function compileEndpoints(bytes: Uint8Array, options: EndpointOptions): Compiled<EndpointTable> {
  return compileResource(ClusterLoadAssignmentSchema, bytes, (assignment, reasons) => endpointTable(assignment, options, '', reasons))
}

/** Also for what stands inside a cluster (`load_assignment`, `path` says so). */
export function endpointTable(assignment: ClusterLoadAssignment, options: EndpointOptions, path: string, reasons: Reasons): EndpointTable {
  const groups: LocalityLbEndpoints[][] = []
  for (const [index, group] of assignment.endpoints.entries()) {
    if (group.priority > maxPriority) reasons.add(`${path}endpoints[${index}].priority`, `must be at most ${maxPriority}`)
    else {
      while (groups.length <= group.priority) groups.push([])
      groups[group.priority]!.push(group)
    }
  }
  const indexes = new Map(assignment.endpoints.map((group, index) => [group, index]))
  const priorities = groups.map(priority => {
    // One group needs no share of its own: its hosts keep their own weights.
    const shared = options.localityWeighted && priority.length > 1
    return priority.flatMap(group => hostsOf(group, shared, `${path}endpoints[${indexes.get(group)}]`, reasons))
  })
  return {
    cluster: options.cluster,
    overprovisioning: (assignment.policy?.overprovisioningFactor ?? defaultOverprovisioning) / 100,
    priorities,
  }
}

/** A locality's weight is its share of the priority; it is divided among its hosts by theirs. */
function hostsOf(group: LocalityLbEndpoints, shared: boolean, path: string, reasons: Reasons): HostConfig[] {
  const zone = group.locality?.zone ?? ''
  const hosts = group.lbEndpoints.map((endpoint, index) => hostOf(endpoint, zone, `${path}.lb_endpoints[${index}]`, reasons))
  if (!shared) return hosts
  const share = group.loadBalancingWeight ?? 0
  // Envoy sends nothing to a locality without a weight.
  if (share === 0) return []
  const total = hosts.reduce((sum, host) => sum + host.weight, 0)
  return hosts.map(host => ({ ...host, weight: (host.weight / total) * share }))
}

function hostOf(endpoint: LbEndpoint, zone: string, path: string, reasons: Reasons): HostConfig {
  const place = endpoint.hostIdentifier.case === 'endpoint' ? endpoint.hostIdentifier.value.address : undefined
  const inside = place?.address.case === 'envoyInternalAddress' ? place.address.value.addressNameSpecifier : undefined
  const listener = inside?.case === 'serverListenerName' ? inside.value : undefined
  const { address, port } =
    listener === undefined ? hostAndPort(place, `${path}.endpoint.address`, reasons) : { address: listener, port: 0 }
  const name = endpoint.metadata?.filterMetadata.skerry?.name
  return {
    address,
    port,
    zone,
    weight: endpoint.loadBalancingWeight ?? 1,
    state: stateOf(endpoint.healthStatus, path, reasons),
    name: typeof name === 'string' ? name : `${address}:${port}`,
    ...(listener === undefined ? {} : { listener }),
  }
}

function stateOf(status: HealthStatus, path: string, reasons: Reasons): HostConfig['state'] {
  switch (status) {
    case HealthStatus.UNKNOWN:
    case HealthStatus.HEALTHY:
      return 'healthy'
    case HealthStatus.DRAINING:
      return 'draining'
    case HealthStatus.UNHEALTHY:
    case HealthStatus.TIMEOUT:
      return 'unhealthy'
    default:
      reasons.add(`${path}.health_status`, `${HealthStatus[status] ?? status} is not supported by this proxy`)
      return 'unhealthy'
  }
}
