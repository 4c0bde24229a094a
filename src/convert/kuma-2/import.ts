import { kinds } from '../../model/kinds/index.ts'
import type { ObjectReport } from '../report.ts'
import { convertDataplane } from './dataplane.ts'
import { convertExternalService } from './external-service.ts'
import { convertGateway, convertGatewayInstance } from './gateway.ts'
import { convertGatewayRoute } from './gateway-route.ts'
import { convertInbound, convertOutbound } from './legacy-policy.ts'
import { convertMesh } from './mesh.ts'
import { convertBackendUser } from './observability.ts'
import { type ImportedResource, Output } from './output.ts'
import { convertPolicy } from './policy.ts'
import { convertProxyTemplate } from './proxy-template.ts'
import { convertRoute } from './route.ts'
import { convertMeshService, convertSame, convertSecret } from './same-kind.ts'
import { addServices } from './services.ts'
import type { Source } from './source.ts'
import { convertLegacyPermission, convertTrafficPermission } from './traffic-permission.ts'
import { convertTrafficRoute } from './traffic-route.ts'
import { convertVirtualOutbound } from './virtual-outbound.ts'
import { readWorld, type World, type WorldOptions } from './world.ts'
import { convertZoneProxy } from './zone-proxy.ts'

export interface Imported {
  /** In the order in which they should be applied. */
  readonly resources: readonly ImportedResource[]
  /** One for each object, in their order. */
  readonly reports: readonly ObjectReport[]
}

type Convert = (source: Source, world: World, out: Output) => void

/** What becomes of each type of Kuma 2. */
const converters: Readonly<Record<string, Convert>> = {
  Mesh: convertMesh,
  Zone: convertSame,
  Dataplane: convertDataplane,
  ZoneIngress: convertZoneProxy,
  ZoneEgress: convertZoneProxy,
  ExternalService: convertExternalService,
  Secret: convertSecret,
  GlobalSecret: convertSecret,
  MeshService: convertMeshService,
  MeshMultiZoneService: convertSame,
  MeshExternalService: convertSame,
  HostnameGenerator: convertSame,
  MeshIdentity: convertSame,
  MeshTrust: convertSame,
  MeshOpenTelemetryBackend: convertSame,
  MeshZoneAddress: convertSame,
  MeshGateway: convertGateway,
  MeshGatewayInstance: convertGatewayInstance,
  MeshGatewayRoute: convertGatewayRoute,
  MeshHTTPRoute: convertRoute,
  MeshTCPRoute: convertRoute,
  MeshTrafficPermission: convertTrafficPermission,
  MeshTLS: convertPolicy,
  MeshLoadBalancingStrategy: convertPolicy,
  MeshPassthrough: convertPolicy,
  MeshAccessLog: convertPolicy,
  MeshTrace: convertPolicy,
  MeshFaultInjection: convertPolicy,
  MeshRateLimit: convertPolicy,
  MeshTimeout: convertPolicy,
  MeshHealthCheck: convertPolicy,
  MeshCircuitBreaker: convertPolicy,
  MeshRetry: convertPolicy,
  MeshMetric: convertPolicy,
  MeshProxyPatch: convertPolicy,
  TrafficPermission: convertLegacyPermission,
  TrafficRoute: convertTrafficRoute,
  Timeout: convertOutbound,
  CircuitBreaker: convertOutbound,
  HealthCheck: convertOutbound,
  Retry: convertOutbound,
  FaultInjection: convertInbound,
  RateLimit: convertInbound,
  TrafficLog: convertBackendUser,
  TrafficTrace: convertBackendUser,
  ProxyTemplate: convertProxyTemplate,
  VirtualOutbound: convertVirtualOutbound,
}

/** What control planes write about what they see. */
const insight = /Insight$|Overview$|^Workload$/

/** Types of Kuma 2 that something becomes of. */
export const importedTypes: readonly string[] = Object.keys(converters)

/**
 * Objects of Kuma 2 as resources of Skerry, and what became of every field of theirs. Every resource passes Skerry's own validation. All
 * objects of a mesh should come together: what one of them means often rests on another one.
 */
export function importKuma2(sources: readonly Source[], options: WorldOptions = {}): Imported {
  const world = readWorld(sources, options)
  const out = new Output()
  for (const source of sources) convert(source, world, out)
  const dataplanes = sources.filter(({ type }) => type === 'Dataplane')
  for (const [first] of Map.groupBy(dataplanes, ({ mesh }) => mesh).values()) addServices(first!, world, out)
  const order = new Map(kinds.map(({ kind }, index) => [kind, index]))
  return {
    resources: out.resources().toSorted((a, b) => order.get(a.body.type)! - order.get(b.body.type)!),
    reports: sources.map(({ type, mesh, name, root }) => ({ type, mesh, name, fields: root.report() })),
  }
}

function convert(source: Source, world: World, out: Output): void {
  const converter = Object.hasOwn(converters, source.type) ? converters[source.type] : undefined
  if (converter !== undefined) converter(source, world, out)
  else if (insight.test(source.type)) source.root.keep('control planes write it')
  else source.root.drop(`Skerry has nothing like a ${source.type}`)
}
