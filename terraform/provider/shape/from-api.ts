import type { Member, ObjectShape, Shape } from '../../../src/convert/terraform/shape.ts'
import { isObject } from '../../../src/model/is-object.ts'
import { inferType } from '../../sdk/cty/infer.ts'
import { type Json, valueFromApi } from '../../sdk/cty/json.ts'
import { isListValue, isObjectValue, type ObjectValue, type Value } from '../../sdk/cty/value.ts'
import { isGiven } from '../../sdk/provider/schema.ts'
import { sameness } from './attributes.ts'

/**
 * What the API shows, as Terraform writes it. Where `was` means the same it stays as it was written: another spelling of a duration
 * would be a difference in every plan. `minimal` is the same without what a control plane fills in (`minimalSpec`): of that, only what
 * somebody wrote is taken over.
 */
export function fromApi(shape: Shape, api: unknown, minimal: unknown, was: Value): Value {
  if (api === undefined || api === null) return null
  switch (shape.is) {
    case 'object':
      return isObject(api) ? membersFromApi(shape, api, isObject(minimal) ? minimal : {}, isObjectValue(was) ? was : {}) : null
    case 'list': {
      const before = isListValue(was) ? was : []
      const shorter = Array.isArray(minimal) ? minimal : []
      return Array.isArray(api) ? api.map((item, index) => fromApi(shape.of, item, shorter[index], before[index] ?? null)) : null
    }
    case 'map': {
      if (!isObject(api)) return null
      const before = isObjectValue(was) ? was : {}
      return Object.fromEntries(Object.entries(api).map(([key, item]) => [key, fromApi(shape.of, item, item, before[key] ?? null)]))
    }
    default:
      return scalarFromApi(shape, api, was)
  }
}

type Fields = Readonly<Record<string, unknown>>

function membersFromApi({ members }: ObjectShape, api: Fields, minimal: Fields, was: ObjectValue): ObjectValue {
  return Object.fromEntries([...members].map(([name, member]) => [name, memberFromApi(member, api, minimal, was[name] ?? null)]))
}

function memberFromApi({ field, shape, default: value }: Member, api: Fields, minimal: Fields, was: Value): Value {
  if (!Object.hasOwn(minimal, field) && !isGiven(was)) return value === undefined ? null : scalarFromApi(shape, api[field] ?? value, was)
  return fromApi(shape, api[field], minimal[field] ?? api[field], was)
}

function scalarFromApi(shape: Shape, api: unknown, was: Value): Value {
  const value = written(shape, api)
  return isGiven(was) && sameness(shape)?.(was, value) ? was : value
}

function written(shape: Shape, api: unknown): Value {
  switch (shape.is) {
    case 'json':
      return JSON.stringify(api)
    case 'open':
      return inferType(valueFromApi('dynamic', api as Json))
    case 'number':
      return valueFromApi('number', api as Json)
    case 'bool':
      return api === true
    default:
      return typeof api === 'string' ? api : String(api)
  }
}
