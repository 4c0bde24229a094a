import { HealthStatus } from '../gen/envoy/config/core/v3/health_check_pb.js'
import type { Endpoint, EndpointGroup, EndpointSet } from '../policy/plan.ts'
import { BackwardWriter } from './backward-writer.ts'

/**
 * A ClusterLoadAssignment. Written by hand, because nothing is encoded as often (every change of an instance, for every service that has
 * it), and by the general encoder it costs ten times as much; a test holds the two equal byte for byte. Field numbers:
 * https://github.com/envoyproxy/envoy/blob/main/api/envoy/config/endpoint/v3/endpoint_components.proto
 */
export function encodeEndpoints(clusterName: string, set: EndpointSet): Uint8Array {
  let endpoints = 0
  for (const group of set.groups) endpoints += group.endpoints.length
  const writer = new BackwardWriter(128 + endpoints * 80)

  const policy = writer.open()
  writer.wrapped(3, set.overprovisioning)
  writer.close(4, policy)
  for (let i = set.groups.length - 1; i >= 0; i--) writeGroup(writer, set.groups[i]!)
  writer.string(1, clusterName)
  return writer.finish()
}

function writeGroup(writer: BackwardWriter, group: EndpointGroup): void {
  const opened = writer.open()
  if (group.priority !== 0) writer.number(5, group.priority)
  writer.wrapped(3, positive(group.weight))
  for (let i = group.endpoints.length - 1; i >= 0; i--) writeEndpoint(writer, group.endpoints[i]!)
  const locality = writer.open()
  if (group.subZone !== '') writer.string(3, group.subZone)
  if (group.zone !== '') writer.string(2, group.zone)
  writer.close(1, locality)
  writer.close(2, opened)
}

function writeEndpoint(writer: BackwardWriter, endpoint: Endpoint): void {
  const opened = writer.open()
  writer.wrapped(4, positive(endpoint.weight))
  if (endpoint.name !== '') writeName(writer, endpoint.name)
  writer.number(2, healthOf[endpoint.state])
  const host = writer.open()
  const address = writer.open()
  if (endpoint.listener === undefined) {
    const socketAddress = writer.open()
    writer.number(3, endpoint.port)
    writer.string(2, endpoint.address)
    writer.close(1, socketAddress)
  } else {
    const internal = writer.open()
    writer.string(1, endpoint.listener)
    writer.close(3, internal)
  }
  writer.close(1, address)
  writer.close(1, host)
  writer.close(2, opened)
}

/** `metadata.filter_metadata.skerry.name`, a map in a Struct. */
function writeName(writer: BackwardWriter, name: string): void {
  const metadata = writer.open()
  const entry = writer.open()
  const struct = writer.open()
  const field = writer.open()
  const value = writer.open()
  writer.string(3, name)
  writer.close(2, value)
  writer.string(1, 'name')
  writer.close(1, field)
  writer.close(2, struct)
  writer.string(1, 'skerry')
  writer.close(1, entry)
  writer.close(3, metadata)
}

/** Weights are whole and at least 1. */
function positive(weight: number): number {
  return Math.max(1, Math.min(0xffffffff, Math.round(weight)))
}

const healthOf = {
  healthy: HealthStatus.HEALTHY,
  draining: HealthStatus.DRAINING,
  unhealthy: HealthStatus.UNHEALTHY,
} as const
