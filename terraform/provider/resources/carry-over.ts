import { observedFields } from '../../../src/convert/terraform/observed.ts'
import { isObject } from '../../../src/model/is-object.ts'
import type { KindDefinition } from '../../../src/model/kind.ts'
import { meshIdentityKind } from '../../../src/model/kinds/mesh-identity.ts'
import { rotationLabel } from '../../../src/model/labels.ts'
import type { ShownResource } from './codec.ts'

type Body = Readonly<Record<string, unknown>>

/** Is there anything in resources of this kind that an update has to leave as it is? */
export function hasCarriedOver(kind: KindDefinition): boolean {
  return observedFields(kind).length > 0 || kind.kind === meshIdentityKind.kind
}

/**
 * A body with what it must not take away: what control planes write themselves (without the state of a MeshService callers would go
 * elsewhere until its zone has written it again), and the label by which somebody asked for new roots (another value asks for others).
 */
export function carryOver(kind: KindDefinition, body: Body, shown: ShownResource): Body {
  const fields = observedFields(kind)
  const spec = isObject(shown.spec) ? shown.spec : {}
  const kept = Object.fromEntries(fields.filter(field => spec[field] !== undefined).map(field => [field, spec[field]]))
  const rotation = isObject(shown.labels) ? shown.labels[rotationLabel] : undefined
  return {
    ...body,
    ...(fields.length > 0 ? { spec: { ...kept, ...(isObject(body.spec) ? body.spec : {}) } } : {}),
    ...(rotation === undefined ? {} : { labels: { [rotationLabel]: rotation, ...(isObject(body.labels) ? body.labels : {}) } }),
  }
}
