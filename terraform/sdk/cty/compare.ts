import { inferType } from './infer.ts'
import { sameType, type Type, typeWithin } from './type.ts'
import { Dynamic, Exact, isListValue, isObjectValue, UNKNOWN, type Value } from './value.ts'

/** Would Terraform say that they are the same? Dynamic values are so only with the same type; a set has no order. */
export function sameValue(type: Type, a: Value | undefined, b: Value | undefined): boolean {
  const left = a ?? null
  const right = b ?? null
  if (left === right) return left !== UNKNOWN
  if (left === null || right === null || left === UNKNOWN || right === UNKNOWN) return false
  if (left instanceof Exact) return right instanceof Exact && left.text === right.text
  if (type === 'dynamic') {
    const one = inferType(left)
    const other = inferType(right)
    return sameType(one.type, other.type) && sameWithin(one.type, one.value, other.value)
  }
  return sameWithin(type, left, right)
}

function sameWithin(type: Type, a: Value, b: Value): boolean {
  if (typeof type === 'string' && type !== 'dynamic') return a === b || (a instanceof Exact && b instanceof Exact && a.text === b.text)
  if (isListValue(a)) {
    if (!isListValue(b) || a.length !== b.length) return false
    if (type[0] === 'set') return a.every(item => b.some(other => sameValue(type[1] as Type, item, other)))
    return a.every((item, index) => sameValue(typeWithin(type, index), item, b[index]))
  }
  if (!isObjectValue(a) || !isObjectValue(b)) return a === b
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  // A map that has a key with null is another one than a map that has it not; an object without an attribute has it null.
  if (type[0] === 'map' && (keys.size !== Object.keys(a).length || keys.size !== Object.keys(b).length)) return false
  return [...keys].every(key => sameValue(typeWithin(type, key), a[key], b[key]))
}

/** Do they mean the same once types are forgotten: a list as a tuple, a map as an object, null as absent? */
export function sameMeaning(a: unknown, b: unknown): boolean {
  const left = a ?? undefined
  const right = b ?? undefined
  if (left === right) return true
  if (left instanceof Dynamic) return sameMeaning(left.value, right)
  if (right instanceof Dynamic) return sameMeaning(left, right.value)
  if (left instanceof Exact || right instanceof Exact) {
    return left instanceof Exact && right instanceof Exact && left.text === right.text
  }
  if (Array.isArray(left)) {
    return Array.isArray(right) && left.length === right.length && left.every((item, index) => sameMeaning(item, right[index]))
  }
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null || Array.isArray(right)) return false
  const one = left as Record<string, unknown>
  const other = right as Record<string, unknown>
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].every(key => sameMeaning(one[key], other[key]))
}
