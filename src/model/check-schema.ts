import type { TSchema } from 'typebox'
import { nearest } from '../std/did-you-mean.ts'
import type { Violation } from './kind.ts'

/** What is read of a JSON Schema: the keywords that our kinds use. */
interface Keywords {
  readonly type?: string
  readonly enum?: readonly (string | number)[]
  readonly const?: string | number | boolean
  readonly anyOf?: readonly Keywords[]
  readonly properties?: Readonly<Record<string, Keywords>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean
  readonly patternProperties?: Readonly<Record<string, Keywords>>
  readonly items?: Keywords
  readonly minItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: string
  /** Completes the sentence "must be …". */
  readonly description?: string
}

export interface Checked {
  /** A copy, without null members (absent and null mean the same) and, where they are dropped, without unknown fields. */
  readonly value: unknown
  /** All of them. */
  readonly violations: readonly Violation[]
}

/** Compares a value from outside with a schema. Our own walker, because each violation must come with Kuma's path, a reason for
 *  people and a guess at what was meant; and all must come. */
export function checkSchema(schema: TSchema, value: unknown, at: string, unknownFields: 'refuse' | 'drop'): Checked {
  const violations: Violation[] = []
  const walk = new Walk(unknownFields, violations)
  return { value: walk.check(schema as Keywords, value, at), violations }
}

/** `spec` and `to` → `spec.to`. */
export function joinPath(at: string, field: string): string {
  return at === '' ? field : field === '' ? at : `${at}.${field}`
}

class Walk {
  readonly #unknownFields: 'refuse' | 'drop'
  readonly #violations: Violation[]

  constructor(unknownFields: 'refuse' | 'drop', violations: Violation[]) {
    this.#unknownFields = unknownFields
    this.#violations = violations
  }

  check(schema: Keywords, value: unknown, at: string): unknown {
    if (schema.anyOf !== undefined) return this.#anyOf(schema.anyOf, value, at)
    const reason = schema.type === 'object' || schema.type === 'array' ? typeProblem(schema, value) : scalarProblem(schema, value)
    if (reason !== null) {
      this.#violations.push({ field: at, reason })
      return value
    }
    if (schema.type === 'array') return this.#array(schema, value as readonly unknown[], at)
    if (schema.type === 'object') return this.#object(schema, value as Readonly<Record<string, unknown>>, at)
    return value
  }

  #array(schema: Keywords, value: readonly unknown[], at: string): unknown[] {
    if (value.length < (schema.minItems ?? 0))
      this.#violations.push({ field: at, reason: `must have at least ${count(schema.minItems!, 'item')}` })
    return value.map((item, index) => this.check(schema.items ?? {}, item, `${at}[${index}]`))
  }

  #object(schema: Keywords, value: Readonly<Record<string, unknown>>, at: string): Record<string, unknown> {
    const known = schema.properties ?? {}
    const others = schema.patternProperties === undefined ? undefined : Object.values(schema.patternProperties)[0]
    for (const field of schema.required ?? []) {
      if ((value[field] ?? undefined) === undefined) this.#violations.push({ field: joinPath(at, field), reason: 'must be set' })
    }
    const copy: [string, unknown][] = []
    for (const [field, member] of Object.entries(value)) {
      if (Object.hasOwn(known, field)) {
        if (member !== null && member !== undefined) copy.push([field, this.check(known[field]!, member, joinPath(at, field))])
      } else if (others !== undefined) {
        copy.push([field, this.check(others, member, `${at}[${JSON.stringify(field)}]`)])
      } else if (schema.additionalProperties !== false) {
        copy.push([field, member])
      } else if (this.#unknownFields === 'refuse') {
        this.#violations.push({ field: joinPath(at, field), reason: unknownField(field, Object.keys(known)) })
      }
    }
    return Object.fromEntries(copy)
  }

  #anyOf(choices: readonly Keywords[], value: unknown, at: string): unknown {
    const chosen = choose(choices, value)
    if (chosen.kind === 'one') return this.check(chosen.schema, value, at)
    this.#violations.push({ field: joinPath(at, chosen.field), reason: chosen.reason })
    return value
  }
}

export function unknownField(field: string, known: readonly string[]): string {
  const [best] = nearest(field, known)
  return best === undefined ? 'unknown field' : `unknown field; did you mean "${best}"?`
}

type Choice =
  | { readonly kind: 'one'; readonly schema: Keywords }
  | { readonly kind: 'none'; readonly field: string; readonly reason: string }

/** The alternative that a value was meant to be: by its `type` member where all of them have one, else by its JSON type. */
function choose(choices: readonly Keywords[], value: unknown): Choice {
  const tags = choices.map(choice => choice.properties?.type?.const)
  if (!tags.includes(undefined)) {
    if (!isObject(value)) return { kind: 'none', field: '', reason: typeProblem({ type: 'object' }, value)! }
    const tag = value.type
    const schema = choices.find((_, index) => tags[index] === tag)
    if (schema !== undefined) return { kind: 'one', schema }
    return { kind: 'none', field: 'type', reason: tag === undefined || tag === null ? 'must be set' : oneOfReason(tags as string[], tag) }
  }
  if (choices.every(choice => choice.const !== undefined)) {
    const schema = choices.find(choice => choice.const === value)
    return schema === undefined
      ? {
          kind: 'none',
          field: '',
          reason: oneOfReason(
            choices.map(choice => choice.const!),
            value,
          ),
        }
      : { kind: 'one', schema }
  }
  const [schema, ...more] = choices.filter(choice => typeProblem(choice, value) === null)
  if (schema !== undefined && more.length === 0) return { kind: 'one', schema }
  return { kind: 'none', field: '', reason: `must be ${choices.map(choice => described(choice)).join(' or ')}` }
}

function scalarProblem(schema: Keywords, value: unknown): string | null {
  if (schema.enum !== undefined) return schema.enum.includes(value as string) ? null : oneOfReason(schema.enum, value)
  if (schema.const !== undefined) return value === schema.const ? null : `must be ${JSON.stringify(schema.const)}`
  const wrongType = typeProblem(schema, value)
  if (wrongType !== null) return wrongType
  if (typeof value === 'number') {
    const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema
    return value >= minimum && value <= maximum ? null : rangeReason(schema)
  }
  if (typeof value === 'string') {
    if (value.length < (schema.minLength ?? 0)) return 'cannot be empty'
    if (value.length > (schema.maxLength ?? Number.POSITIVE_INFINITY)) return `must be no more than ${schema.maxLength} characters`
    if (schema.pattern !== undefined && !regExp(schema.pattern).test(value))
      return `must be ${schema.description ?? `a text that matches ${schema.pattern}`}`
  }
  return null
}

function typeProblem(schema: Keywords, value: unknown): string | null {
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

function oneOfReason(values: readonly (string | number | boolean)[], value: unknown): string {
  const names = values.map(String)
  const [best] = typeof value === 'string' ? nearest(value, names) : []
  const guess = best === undefined ? '' : `; did you mean "${best}"?`
  return names.length === 1 ? `must be ${names[0]}${guess}` : `must be one of ${names.join(', ')}${guess}`
}

function rangeReason({ minimum, maximum }: Keywords): string {
  if (minimum !== undefined && maximum !== undefined) return `must be in the range ${minimum} to ${maximum}`
  return minimum !== undefined ? `must be at least ${minimum}` : `must be at most ${maximum}`
}

function described(schema: Keywords): string {
  if (schema.description !== undefined) return schema.description
  return schema.type === 'integer' || schema.type === 'object' ? `an ${schema.type}` : `a ${schema.type}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function isScalar(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean'
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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
