import { durationMs } from '../model/duration.ts'
import type { MetricConf } from '../model/kinds/mesh-metric.ts'
import type { OtelEndpointPlan, ResolveOtelBackend } from './otel-backend.ts'

/** Which metrics a proxy shows, those of its application among them, and to whom. */
export interface MetricPlan {
  readonly profiles: readonly ('All' | 'Basic' | 'None')[]
  readonly exclude: readonly MetricSelector[]
  readonly include: readonly MetricSelector[]
  readonly includeUnused: boolean
  readonly applications: readonly {
    readonly name: string | null
    readonly address: string | null
    readonly port: number
    readonly path: string
  }[]
  readonly backends: readonly MetricBackendPlan[]
}

export interface MetricSelector {
  readonly type: 'Prefix' | 'Regex' | 'Exact' | 'Contains'
  readonly match: string
}

export type MetricBackendPlan =
  | {
      readonly type: 'prometheus'
      /** Which Prometheus is meant, of several; null = any. */
      readonly clientId: string | null
      readonly port: number
      readonly path: string
      readonly tls: 'Disabled' | 'ProvidedTLS' | 'ActiveMTLSBackend'
    }
  | { readonly type: 'otel'; readonly endpoint: OtelEndpointPlan; readonly refreshMs: number }

/** null = no metrics are shown to anybody. https://kuma.io/docs/latest/policies/meshmetric/ */
export function planMetrics(
  { sidecar = {}, applications = [], backends = [] }: MetricConf,
  resolve: ResolveOtelBackend,
): MetricPlan | null {
  const planned = backends.flatMap(backend => backendOf(backend, resolve))
  if (planned.length === 0) return null
  const { appendProfiles = [], exclude = [], include = [] } = sidecar.profiles ?? {}
  return {
    profiles: appendProfiles.length > 0 ? appendProfiles.map(({ name }) => name) : ['All'],
    exclude,
    include,
    includeUnused: sidecar.includeUnused ?? false,
    applications: applications.map(({ name, address, port, path }) => ({
      name: name ?? null,
      address: address ?? null,
      port,
      path: path ?? '/metrics',
    })),
    backends: planned,
  }
}

function backendOf(backend: NonNullable<MetricConf['backends']>[number], resolve: ResolveOtelBackend): MetricBackendPlan[] {
  if (backend.type === 'Prometheus') {
    const { clientId, port = 5670, path = '/metrics', tls } = backend.prometheus ?? {}
    const mode = (tls?.mode ?? 'Disabled') as Extract<MetricBackendPlan, { type: 'prometheus' }>['tls']
    return [{ type: 'prometheus', clientId: clientId ?? null, port, path, tls: mode }]
  }
  const endpoint = resolve(backend.openTelemetry.backendRef)
  return endpoint ? [{ type: 'otel', endpoint, refreshMs: durationMs(backend.openTelemetry.refreshInterval ?? '60s') }] : []
}
