import type { ObjectShape, Shape } from '../../../src/convert/terraform/shape.ts'
import { parseJson, toJson } from '../../sdk/cty/json.ts'
import { isListValue, isObjectValue, UNKNOWN, type Value } from '../../sdk/cty/value.ts'

/** A value in the API's names and types. What is null or unknown is left out. */
export function toApi(shape: Shape, value: Value): unknown {
  if (value === null || value === UNKNOWN) return undefined
  switch (shape.is) {
    case 'object':
      return isObjectValue(value) ? membersToApi(shape, value) : undefined
    case 'list':
      return isListValue(value) ? value.map(item => toApi(shape.of, item) ?? null) : undefined
    case 'map':
      return isObjectValue(value)
        ? Object.fromEntries(Object.entries(value).flatMap(([key, item]) => pair(key, toApi(shape.of, item))))
        : undefined
    case 'number or text':
      // The API's own form of a whole number.
      return /^-?\d+$/.test(String(value)) ? Number(value) : value
    case 'json':
      return toJson(parseJson(String(value)))
    default:
      return toJson(value)
  }
}

function membersToApi(shape: ObjectShape, value: { readonly [name: string]: Value }): Record<string, unknown> {
  return Object.fromEntries([...shape.members].flatMap(([name, member]) => pair(member.field, toApi(member.shape, value[name] ?? null))))
}

function pair(key: string, value: unknown): [string, unknown][] {
  return value === undefined ? [] : [[key, value]]
}
