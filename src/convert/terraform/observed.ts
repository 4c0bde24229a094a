import type { Keywords } from '../../model/keywords.ts'
import type { KindDefinition } from '../../model/kind.ts'
import { type ObjectShape, objectShape } from './shape.ts'

/** Fields of a spec that control planes write, whoever wrote the rest. In a file they would be a difference as soon as they change. */
const observed: Readonly<Record<string, readonly string[]>> = { MeshService: ['state'] }

export function observedFields({ kind }: Pick<KindDefinition, 'kind'>): readonly string[] {
  return observed[kind] ?? []
}

/** What a spec says that people write. */
export function withoutObserved(kind: KindDefinition, spec: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const fields = observedFields(kind)
  return fields.length === 0 ? spec : Object.fromEntries(Object.entries(spec).filter(([field]) => !fields.includes(field)))
}

/** The shape of what people write in a kind's spec. */
export function specShape(kind: KindDefinition): ObjectShape {
  const fields = observedFields(kind)
  const { members } = objectShape(kind.spec as Keywords)
  return { is: 'object', members: new Map([...members].filter(([, { field }]) => !fields.includes(field))) }
}
