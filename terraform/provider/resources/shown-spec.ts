import type { KindDefinition } from '../../../src/model/kind.ts'
import type { ShownResource } from './codec.ts'

/** The spec of a resource as its control plane shows it: under `spec`, or beside the envelope. */
export function shownSpec(kind: KindDefinition, shown: ShownResource): Readonly<Record<string, unknown>> {
  if (kind.shape === 'spec') return (shown.spec ?? {}) as Readonly<Record<string, unknown>>
  const fields = Object.keys((kind.spec as { readonly properties?: object }).properties ?? {})
  return Object.fromEntries(fields.filter(field => shown[field] !== undefined).map(field => [field, shown[field]]))
}
