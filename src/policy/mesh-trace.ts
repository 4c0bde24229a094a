import type { TraceConf } from '../model/kinds/mesh-trace.ts'
import { type IntOrString, numberOf } from '../model/schema.ts'
import type { OtelEndpointPlan, ResolveOtelBackend } from './otel-backend.ts'

/** Where spans go, of which share of the requests, and with which tags. */
export interface TracePlan {
  readonly backend: TraceBackendPlan
  /** Per cent. */
  readonly sampling: { readonly overall: number; readonly client: number; readonly random: number }
  readonly tags: readonly TraceTagPlan[]
}

export type TraceBackendPlan =
  | {
      readonly type: 'zipkin'
      readonly url: string
      readonly apiVersion: 'httpJson' | 'httpProto'
      readonly traceId128bit: boolean
      readonly sharedSpanContext: boolean
    }
  | { readonly type: 'datadog'; readonly url: string; readonly splitService: boolean }
  | { readonly type: 'otel'; readonly endpoint: OtelEndpointPlan }

export type TraceTagPlan =
  | { readonly name: string; readonly literal: string }
  | { readonly name: string; readonly header: string; readonly default: string | null }

/** null = nothing is traced. https://kuma.io/docs/latest/policies/meshtrace/ */
export function planTrace({ backends = [], sampling = {}, tags = [] }: TraceConf, resolve: ResolveOtelBackend): TracePlan | null {
  const [backend] = backends
  const planned = backend && backendOf(backend, resolve)
  if (!planned) return null
  const percent = (share: IntOrString | undefined) => (share === undefined ? 100 : numberOf(share))
  return {
    backend: planned,
    sampling: { overall: percent(sampling.overall), client: percent(sampling.client), random: percent(sampling.random) },
    tags: tags.flatMap(({ name, literal, header }): TraceTagPlan[] => {
      if (literal !== undefined) return [{ name, literal }]
      return header ? [{ name, header: header.name, default: header.default ?? null }] : []
    }),
  }
}

function backendOf(backend: NonNullable<TraceConf['backends']>[number], resolve: ResolveOtelBackend): TraceBackendPlan | null {
  switch (backend.type) {
    case 'Zipkin': {
      const { url, apiVersion = 'httpJson', traceId128bit = false, sharedSpanContext = true } = backend.zipkin
      return { type: 'zipkin', url, apiVersion: apiVersion === 'httpProto' ? 'httpProto' : 'httpJson', traceId128bit, sharedSpanContext }
    }
    case 'Datadog':
      return { type: 'datadog', url: backend.datadog.url, splitService: backend.datadog.splitService ?? false }
    case 'OpenTelemetry': {
      const endpoint = resolve(backend.openTelemetry.backendRef)
      return endpoint && { type: 'otel', endpoint }
    }
  }
}
