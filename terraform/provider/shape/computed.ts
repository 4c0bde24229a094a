import { objectShape, type Shape } from '../../../src/convert/terraform/shape.ts'
import type { Keywords } from '../../../src/model/keywords.ts'
import type { ObjectValue } from '../../sdk/cty/value.ts'
import type { Attribute, Attributes } from '../../sdk/provider/schema.ts'
import { attributesOf } from './attributes.ts'
import { fromApi } from './from-api.ts'

/** What an answer of the API is to Terraform: attributes that are only read, and a value of them. */
export interface Answered {
  readonly attributes: Attributes
  read(api: unknown): ObjectValue
}

/** From the answer's schema; only the members named, where some are. */
export function answered(schema: unknown, members?: readonly string[]): Answered {
  const whole = objectShape(schema as Keywords)
  const chosen = members === undefined ? whole.members : new Map([...whole.members].filter(([name]) => members.includes(name)))
  const shape: Shape = { is: 'object', members: chosen }
  return { attributes: onlyRead(attributesOf(shape)), read: api => fromApi(shape, api, api, null) as ObjectValue }
}

/** The same attributes, without a way to set one. */
export function onlyRead(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).map(([name, attribute]) => [name, computed(attribute)]))
}

function computed(attribute: Attribute): Attribute {
  const { description } = attribute
  const said = { computed: true, ...(description ? { description: sentence(description) } : {}) }
  if ('type' in attribute) return { type: attribute.type, ...said }
  return { nested: { nesting: attribute.nested.nesting, attributes: onlyRead(attribute.nested.attributes) }, ...said }
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}
