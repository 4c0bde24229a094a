import type { FieldPath } from '../../../src/cli/field-path.ts'
import type { Member, ObjectShape, Shape } from '../../../src/convert/terraform/shape.ts'
import { isListValue, isObjectValue, UNKNOWN, type Value } from '../../sdk/cty/value.ts'

/** The attribute for a field of the API, as far as there is one. */
export function attributePath(shape: Shape, field: FieldPath): readonly (string | number)[] {
  const path: (string | number)[] = []
  let at = shape
  for (const step of field) {
    if (at.is === 'list' || at.is === 'map') {
      path.push(step)
      at = at.of
      continue
    }
    const found = at.is === 'object' ? memberOf(at, step) : undefined
    if (found === undefined) break
    const [name, member] = found
    path.push(name)
    at = member.shape
  }
  return path
}

/** Is what a field of the API would be made of unknown, or part of it? */
export function isUnknownAt(shape: Shape, value: Value, field: FieldPath): boolean {
  let at = shape
  let here: Value = value
  for (const step of field) {
    if (here === UNKNOWN) return true
    if (at.is === 'list') {
      here = isListValue(here) ? (here[Number(step)] ?? null) : null
      at = at.of
    } else if (at.is === 'map') {
      here = isObjectValue(here) ? (here[step] ?? null) : null
      at = at.of
    } else {
      const found: readonly [string, Member] | undefined = at.is === 'object' ? memberOf(at, step) : undefined
      if (found === undefined) return false
      here = isObjectValue(here) ? (here[found[0]] ?? null) : null
      at = found[1].shape
    }
  }
  return here === UNKNOWN
}

function memberOf(shape: ObjectShape, field: string | number): readonly [string, Member] | undefined {
  return [...shape.members].find(([, member]) => member.field === field)
}
