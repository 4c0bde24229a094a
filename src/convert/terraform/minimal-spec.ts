import { completeSpec } from '../../model/complete.ts'
import { isObject } from '../../model/is-object.ts'
import { type Keywords, membersOf } from '../../model/keywords.ts'
import type { KindDefinition } from '../../model/kind.ts'

/** The shortest spec that means the same: without what a control plane would fill in by itself. */
export function minimalSpec(kind: KindDefinition, spec: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const whole = JSON.stringify(sorted(completeSpec(kind, spec)))
  let shortest: unknown = structuredClone(spec)
  for (const path of optionalPaths(kind.spec as Keywords, spec)) {
    const shorter = without(shortest, path)
    if (JSON.stringify(sorted(completeSpec(kind, shorter))) === whole) shortest = shorter
  }
  return shortest as Readonly<Record<string, unknown>>
}

/** Do two specs come to the same once completed? */
export function meanSame(kind: KindDefinition, a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(completeSpec(kind, a))) === JSON.stringify(sorted(completeSpec(kind, b)))
}

type Path = readonly (string | number)[]

/** What is in the spec and need not be, what lies outside first: with it goes all that is in it. */
function optionalPaths(schema: Keywords, value: unknown, at: Path = []): Path[] {
  if (schema.anyOf !== undefined) {
    const type = isObject(value) ? value.type : undefined
    const chosen = schema.anyOf.find(choice => choice.properties?.type?.const === type)
    return chosen === undefined ? [] : optionalPaths(chosen, value, at)
  }
  if (schema.items !== undefined && Array.isArray(value))
    return value.flatMap((item, index) => optionalPaths(schema.items!, item, [...at, index]))
  if (schema.properties === undefined || !isObject(value)) return []
  const { known, required } = membersOf(schema)
  const mandatory = new Set(required.filter(([, member]) => member.default === undefined).map(([field]) => field))
  return Object.keys(value).flatMap(field => {
    const member = known.get(field)
    const path = [...at, field]
    return [...(mandatory.has(field) ? [] : [path]), ...(member === undefined ? [] : optionalPaths(member, value[field], path))]
  })
}

/** A copy without what is there; the same value where there is nothing. */
function without(value: unknown, [step, ...rest]: Path): unknown {
  if (step === undefined) return value
  if (Array.isArray(value)) return value.map((item, index) => (index === step ? without(item, rest) : item))
  if (!isObject(value) || !Object.hasOwn(value, step)) return value
  if (rest.length > 0) return { ...value, [step]: without(value[step], rest) }
  const { [step]: _, ...others } = value
  return others
}

/** With the members of objects in one order, so that equal values are equal texts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, sorted(value[key])]),
  )
}
