import { inferType } from './infer.ts'
import { type Type, typeWithin } from './type.ts'
import { Dynamic, Exact, isListValue, isObjectValue, numberFrom, numberText, UNKNOWN, type Value } from './value.ts'

/** What JSON.parse gives, except that a number keeps its digits where a JavaScript number has not enough of them. */
export type Json = null | string | number | boolean | Exact | readonly Json[] | { readonly [key: string]: Json }

export function parseJson(text: string): Json {
  // The third argument of a reviver, which has the number's text, is in neither the types of the language nor Node 20.
  const parse = JSON.parse as (text: string, reviver: (key: string, value: Json, context?: { source?: string }) => Json) => Json
  return parse(text, (_key, value, context) =>
    typeof value === 'number' && context?.source !== undefined ? fromSource(value, context.source) : value,
  )
}

/** 1.0 and 1e3 are written otherwise than JavaScript writes them, and are the same numbers. */
function fromSource(value: number, source: string): number | Exact {
  const digits = source.replace(/[-.]|e.*$/gi, '').replace(/^0+/, '').length
  return digits <= 15 ? value : numberFrom(source)
}

/** A value of `type` from JSON as Terraform keeps it in its state. Attributes that the type has no more are left out, new ones are null. */
export function valueFromJson(type: Type, json: Json | undefined): Value {
  if (json === null || json === undefined) return null
  if (type === 'dynamic') {
    const { type: actual, value } = json as unknown as { type: Type; value: Json }
    return new Dynamic(actual, valueFromJson(actual, value))
  }
  return read(type, json, valueFromJson)
}

/** A value of `type` from an API's JSON: what lies in a dynamic place has the type that it looks like. Text where a number belongs,
 *  and a number where text belongs, are taken as they are meant. */
export function valueFromApi(type: Type, json: Json | undefined): Value {
  if (json === null || json === undefined) return null
  if (type === 'dynamic') return inferType(json)
  if (type === 'string' && (typeof json === 'number' || json instanceof Exact)) return numberText(json)
  if (type === 'number' && typeof json === 'string') return numberFrom(json)
  return read(type, json, valueFromApi)
}

function read(type: Type, json: Json, within: (type: Type, json: Json | undefined) => Value): Value {
  if (Array.isArray(json)) return (json as readonly Json[]).map((item, index) => within(typeWithin(type, index), item))
  if (typeof json !== 'object' || json === null || json instanceof Exact) return json
  const object = json as { readonly [key: string]: Json }
  const keys = type[0] === 'object' && typeof type !== 'string' ? Object.keys(type[1]) : Object.keys(object)
  return Object.fromEntries(keys.map(key => [key, within(typeWithin(type, key), object[key])]))
}

/** JSON for an API's body. What is null or unknown is left out of objects; in a list it stands as null. */
export function toJson(value: Value): unknown {
  if (value instanceof Dynamic) return toJson(value.value)
  if (value === UNKNOWN || value === null) return undefined
  if (value instanceof Exact) return Number(value.text)
  if (isListValue(value)) return value.map(item => toJson(item) ?? null)
  if (!isObjectValue(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, toJson(item)] as const)
      .filter(([, item]) => item !== undefined),
  )
}
