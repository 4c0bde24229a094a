import { createRegistry, type DescMessage, fromBinary, toJson } from '@bufbuild/protobuf'
import { ClusterSchema } from '../gen/envoy/config/cluster/v3/cluster_pb.js'
import { ClusterLoadAssignmentSchema } from '../gen/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../gen/envoy/config/listener/v3/listener_pb.js'
import { VirtualHostSchema } from '../gen/envoy/config/route/v3/route_components_pb.js'
import { RouteConfigurationSchema } from '../gen/envoy/config/route/v3/route_pb.js'
import { SecretSchema } from '../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { CDS, EDS, LDS, RDS, SDS, VHDS } from '../xds/resource-types.ts'
import { extensions } from './compile/honoured.ts'
import type { AcceptedResource } from './control.ts'

const types: ReadonlyMap<string, readonly [name: string, schema: DescMessage]> = new Map([
  [LDS, ['listeners', ListenerSchema]],
  [RDS, ['routes', RouteConfigurationSchema]],
  [VHDS, ['virtual_hosts', VirtualHostSchema]],
  [CDS, ['clusters', ClusterSchema]],
  [EDS, ['endpoints', ClusterLoadAssignmentSchema]],
  [SDS, ['secrets', SecretSchema]],
])

/** What was accepted, in Envoy's JSON, by type and name. Holds no secret: the only secrets that come by xDS are bundles of public certificates. */
export function dumpResources(resources: readonly AcceptedResource[]): Record<string, Record<string, unknown>> {
  const registry = createRegistry(...extensions.values())
  const dump: Record<string, Record<string, unknown>> = {}
  for (const { typeUrl, name, version, value } of resources) {
    const type = types.get(typeUrl)
    if (!type) continue
    dump[type[0]] ??= {}
    dump[type[0]]![name] = { version, resource: toJson(type[1], fromBinary(type[1], value), { registry, useProtoFieldName: true }) }
  }
  return dump
}
