import type { Type } from './type.ts'
import { Dynamic, Exact, isListValue, UNKNOWN, type Value } from './value.ts'

/** Gives a value without a type the one that Terraform gives a literal: objects for objects, tuples for lists. */
export function inferType(value: Value): Dynamic {
  if (value instanceof Dynamic) return value
  return new Dynamic(typeOf(value), untyped(value))
}

function typeOf(value: Value): Type {
  if (value === null || value === UNKNOWN) return 'dynamic'
  if (value instanceof Dynamic) return value.type
  if (value instanceof Exact || typeof value === 'number') return 'number'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  if (isListValue(value)) return ['tuple', value.map(typeOf)]
  return ['object', Object.fromEntries(Object.entries(value).map(([key, item]) => [key, typeOf(item)]))]
}

function untyped(value: Value): Value {
  if (value instanceof Dynamic) return value.value
  if (typeof value !== 'object' || value === null || value instanceof Exact) return value
  if (isListValue(value)) return value.map(untyped)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, untyped(item)]))
}
