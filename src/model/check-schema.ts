import type { TSchema } from 'typebox'
import { nearest } from '../std/did-you-mean.ts'
import { isObject } from './is-object.ts'
import { type Keywords, membersOf, setMember } from './keywords.ts'
import type { Violation } from './kind.ts'
import { count, described, lastField, oneOfReason, scalarProblem, typeProblem } from './schema-reasons.ts'
import { keepsType, standIn } from './stand-in.ts'

export interface Checked {
  /** A copy, without null members (absent and null mean the same) and, where they are dropped, without unknown fields. With violations: something that further rules can be tried on, so that all reasons come at once (see `standIn`). */
  readonly value: unknown
  /** false = so much is wrong that further rules would only confuse. */
  readonly hasShape: boolean
  /** All of them. */
  readonly violations: readonly Violation[]
}

/** Compares a value from outside with a schema. Our own walker, because each violation must come with Kuma's path, a reason for
 *  people and a guess at what was meant; and all must come. */
export function checkSchema(schema: TSchema, value: unknown, at: string, unknownFields: 'refuse' | 'drop'): Checked {
  const violations: Violation[] = []
  const walk = new Walk(unknownFields, violations)
  const copy = walk.check(schema as Keywords, value, at)
  return { value: copy, hasShape: walk.hasShape, violations }
}

/** `spec` and `to` → `spec.to`. */
export function joinPath(at: string, field: string): string {
  return at === '' ? field : field === '' ? at : `${at}.${field}`
}

class Walk {
  hasShape = true
  readonly #unknownFields: 'refuse' | 'drop'
  readonly #violations: Violation[]

  constructor(unknownFields: 'refuse' | 'drop', violations: Violation[]) {
    this.#unknownFields = unknownFields
    this.#violations = violations
  }

  check(schema: Keywords, value: unknown, at: string): unknown {
    if (schema.anyOf !== undefined) return this.#anyOf(schema.anyOf, value, at)
    const reason = schema.type === 'object' || schema.type === 'array' ? typeProblem(schema, value) : scalarProblem(schema, value, at)
    if (reason !== null) {
      this.#refuse(schema.enum !== undefined || typeProblem(schema, value) === null ? schema : {}, at, reason, value)
      // An empty list in the place of what is no list would be blamed for being empty.
      this.hasShape &&= schema.type !== 'object' && schema.type !== 'array'
      return keepsType(schema, value) ? value : standIn(schema)
    }
    if (schema.type === 'array') return this.#array(schema, value as readonly unknown[], at)
    if (schema.type === 'object') return this.#object(schema, value as Readonly<Record<string, unknown>>, at)
    return value
  }

  #array(schema: Keywords, value: readonly unknown[], at: string): unknown[] {
    const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema
    if (value.length < minItems) this.#refuse(schema, at, `must have at least ${count(minItems, 'item')}`, value)
    if (value.length > maxItems) this.#refuse(schema, at, `must have at most ${count(maxItems, 'item')}`, value)
    return value.map((item, index) => this.check(schema.items ?? {}, item, `${at}[${index}]`))
  }

  #object(schema: Keywords, value: Readonly<Record<string, unknown>>, at: string): Record<string, unknown> {
    const { known, required, others } = membersOf(schema)
    const copy: Record<string, unknown> = {}
    for (const [field, member] of required) {
      if ((value[field] ?? undefined) !== undefined) continue
      // Other defaults are `completeSpec`'s.
      if (member.default !== undefined) {
        setMember(copy, field, this.check(member, structuredClone(member.default), joinPath(at, field)))
      } else {
        this.#refuse(member, joinPath(at, field), 'must be defined', '')
        setMember(copy, field, standIn(member))
      }
    }
    for (const field of Object.keys(value)) {
      const member = value[field]
      const own = known.get(field)
      if (own !== undefined) {
        if (member !== null && member !== undefined) setMember(copy, field, this.check(own, member, joinPath(at, field)))
      } else if (others !== undefined) {
        setMember(copy, field, this.check(others, member, `${at}[${JSON.stringify(field)}]`))
      } else if (schema.additionalProperties !== false) {
        setMember(copy, field, member)
      } else if (this.#unknownFields === 'refuse') {
        this.#violations.push({ field: joinPath(at, field), reason: unknownField(field, [...known.keys()]) })
      }
    }
    return copy
  }

  #anyOf(choices: readonly Keywords[], value: unknown, at: string): unknown {
    const chosen = choose(choices, value, at)
    if (chosen.kind === 'one') return this.check(chosen.schema, value, at)
    this.#violations.push({ field: joinPath(at, chosen.field), reason: chosen.reason })
    this.hasShape &&= !choices.some(choice => choice.type === 'object')
    return standIn(choices[0]!)
  }

  #refuse(schema: Keywords, field: string, reason: string, value: unknown): void {
    this.#violations.push({ field, reason: schema.otherwise?.replaceAll('{value}', String(value)) ?? reason })
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
function choose(choices: readonly Keywords[], value: unknown, at: string): Choice {
  const tags = choices.map(choice => choice.properties?.type?.const)
  if (!tags.includes(undefined)) {
    if (!isObject(value)) return { kind: 'none', field: '', reason: typeProblem({ type: 'object' }, value)! }
    const tag = value.type
    const schema = choices.find((_, index) => tags[index] === tag)
    if (schema !== undefined) return { kind: 'one', schema }
    return {
      kind: 'none',
      field: 'type',
      reason: tag === undefined || tag === null ? 'must be defined' : oneOfReason('type', tags as string[], tag),
    }
  }
  if (choices.every(choice => choice.const !== undefined)) {
    const schema = choices.find(choice => choice.const === value)
    return schema === undefined
      ? {
          kind: 'none',
          field: '',
          reason: oneOfReason(
            lastField(at),
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
