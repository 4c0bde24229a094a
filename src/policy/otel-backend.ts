import type { MeshOpenTelemetryBackend } from '../model/kinds/mesh-open-telemetry-backend.ts'
import type { OtelBackendRef } from '../model/otel-backend-ref.ts'
import { matchesLabels } from '../model/target-ref.ts'

/** A collector that speaks OTLP. */
export interface OtelEndpointPlan {
  readonly address: string
  readonly port: number
  readonly protocol: 'grpc' | 'http'
  /** For HTTP: what stands before `/v1/traces` and its like. */
  readonly path: string
}

/** null = the reference names nothing, which whoever resolves has reported. */
export type ResolveOtelBackend = (ref: OtelBackendRef | undefined) => OtelEndpointPlan | null

/** The first by name of those that have the labels; null = there is none. Without an address it is the collector of the proxy's machine. */
export function findOtelBackend(backends: readonly MeshOpenTelemetryBackend[], ref: OtelBackendRef | undefined): OtelEndpointPlan | null {
  if (!ref) return null
  const found = backends.filter(backend => matchesLabels(backend, ref.labels)).sort((a, b) => (a.name < b.name ? -1 : 1))[0]
  if (!found) return null
  const { endpoint = {}, protocol } = found.spec
  return {
    address: endpoint.address ?? '127.0.0.1',
    port: endpoint.port ?? (protocol === 'http' ? 4318 : 4317),
    protocol: protocol === 'http' ? 'http' : 'grpc',
    path: endpoint.path ?? '',
  }
}
