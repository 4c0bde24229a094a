import { nearest } from '../std/did-you-mean.ts'
import { isObject } from './is-object.ts'
import type { Keywords } from './keywords.ts'

/** Why a value is none that its schema takes, whatever that holds; null = it is one. */
export function scalarProblem(schema: Keywords, value: unknown, at: string): string | null {
  if (schema.enum !== undefined) return schema.enum.includes(value as string) ? null : oneOfReason(lastField(at), schema.enum, value)
  if (schema.const !== undefined) return value === schema.const ? null : oneOfReason(lastField(at), [schema.const], value)
  const wrongType = typeProblem(schema, value)
  if (wrongType !== null) return wrongType
  if (typeof value === 'number') {
    const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema
    return value >= minimum && value <= maximum ? null : rangeReason(schema)
  }
  if (typeof value === 'string') {
    if (value.length < (schema.minLength ?? 0)) return 'must not be empty'
    if (value.length > (schema.maxLength ?? Number.POSITIVE_INFINITY)) return `must not be longer than ${schema.maxLength} characters`
    if (schema.pattern !== undefined && !regExp(schema.pattern).test(value))
      return `must be ${schema.mustBe ?? `a text that matches ${schema.pattern}`}`
  }
  return null
}

/** Why a value is not of the JSON type that its schema asks for; null = it is. */
export function typeProblem(schema: Keywords, value: unknown): string | null {
  switch (schema.type) {
    case undefined:
      return null
    case 'object':
      return isObject(value) ? null : `must be an object${butIs(value)}`
    case 'array':
      return Array.isArray(value) ? null : `must be a list${butIs(value)}`
    case 'integer':
      return Number.isSafeInteger(value) ? null : `must be an integer${butIs(value)}`
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? null : `must be a number${butIs(value)}`
    case 'string':
      return typeof value === 'string' ? null : `must be a string${butIs(value)}${isScalar(value) ? ': put it in quotes' : ''}`
    case 'boolean':
      return typeof value === 'boolean' ? null : `must be true or false${butIs(value)}`
    default:
      throw new TypeError(`the schemas of our kinds have no type ${schema.type}`)
  }
}

function butIs(value: unknown): string {
  if (value === null) return ', not null'
  if (Array.isArray(value)) return ', not a list'
  return typeof value === 'object' ? ', not an object' : `, not ${JSON.stringify(value)}`
}

/** Kuma's words, and after them what was probably meant. */
export function oneOfReason(field: string, values: readonly (string | number | boolean)[], value: unknown): string {
  const [best] = typeof value === 'string' ? nearest(value, values.map(String)) : []
  const guess = best === undefined ? '' : `; did you mean "${best}"?`
  return `"${field}" must be one of [${values.map(it => JSON.stringify(it)).join(', ')}]${guess}`
}

/** `spec.tls.ciphers[2]` → `ciphers`. */
export function lastField(at: string): string {
  return at.slice(at.lastIndexOf('.') + 1).replace(/\[.*$/, '')
}

function rangeReason({ minimum, maximum }: Keywords): string {
  if (minimum !== undefined && maximum !== undefined) return `must be in inclusive range [${minimum}, ${maximum}]`
  return minimum !== undefined ? `must be at least ${minimum}` : `must be at most ${maximum}`
}

/** The words for a schema in `must be … or …`. */
export function described(schema: Keywords): string {
  if (schema.mustBe !== undefined) return schema.mustBe
  return schema.type === 'integer' || schema.type === 'object' ? `an ${schema.type}` : `a ${schema.type}`
}

/** `1 item`, `2 items`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function isScalar(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean'
}

const compiled = new Map<string, RegExp>()

/** Patterns come from the table of kinds: there are a dozen, each compiled once. */
function regExp(pattern: string): RegExp {
  let expression = compiled.get(pattern)
  if (expression === undefined) {
    expression = new RegExp(pattern)
    compiled.set(pattern, expression)
  }
  return expression
}
