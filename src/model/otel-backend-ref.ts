import Type, { type Static } from 'typebox'
import type { Violation } from './kind.ts'
import { violation } from './rules.ts'
import { closed, labelMap, oneOf } from './schema.ts'

/** A MeshOpenTelemetryBackend, by its labels. */
export const otelBackendRef = closed(
  { kind: oneOf('MeshOpenTelemetryBackend'), labels: Type.Optional(labelMap) },
  { description: 'The MeshOpenTelemetryBackend to send to, by its labels.' },
)
export type OtelBackendRef = Static<typeof otelBackendRef>

/** It must be there, and select something. */
export function checkOtelBackendRef(ref: OtelBackendRef | undefined, at: string): Violation[] {
  if (ref === undefined) return violation(at, 'must be defined')
  return Object.keys(ref.labels ?? {}).length > 0 ? [] : violation(`${at}.labels`, 'must be defined')
}
