import type { ObjectTypes, Type } from '../cty/type.ts'
import { type ObjectValue, UNKNOWN, type Value } from '../cty/value.ts'
import type { Message } from '../wire/protobuf.ts'

/** What may stand in an attribute: a value of a type, or objects with attributes of their own. */
export type AttributeShape = { readonly type: Type } | { readonly nested: Nested }

export interface Nested {
  readonly nesting: 'single' | 'list' | 'set' | 'map'
  readonly attributes: Attributes
}

export type Attribute = AttributeShape & {
  readonly required?: boolean
  readonly optional?: boolean
  /** The provider gives it a value where the configuration has none. */
  readonly computed?: boolean
  readonly sensitive?: boolean
  /** It reaches the provider with the configuration, and is in neither the plan nor the state. */
  readonly writeOnly?: boolean
  /** A change makes another object of it. Only on the first level. */
  readonly replaces?: boolean
  /** What it is where the configuration says nothing; makes it optional and computed. */
  readonly default?: Value
  /** Any update may change it, such as a revision. */
  readonly isVolatile?: boolean
  readonly description?: string
  readonly deprecated?: boolean
  /** What is wrong with a known value, in words that go on after the attribute's name. */
  readonly check?: (value: Value) => string | undefined
  /** Do two ways of writing it mean the same? Then a plan keeps the earlier. `around` is the configured object that it is of. */
  readonly isSame?: (a: Value, b: Value, around: ObjectValue) => boolean
}

export type Attributes = { readonly [name: string]: Attribute }

export function typeOf(attribute: Attribute): Type {
  if ('type' in attribute) return attribute.type
  const object = objectType(attribute.nested.attributes)
  return attribute.nested.nesting === 'single' ? object : [attribute.nested.nesting, object]
}

const objectTypes = new WeakMap<Attributes, Type>()

/** Schemas never change, and every call of Terraform's asks for the type of one: each is made once. */
export function objectType(attributes: Attributes): Type {
  const known = objectTypes.get(attributes)
  if (known !== undefined) return known
  const types: ObjectTypes = Object.fromEntries(Object.entries(attributes).map(([name, attribute]) => [name, typeOf(attribute)]))
  const type: Type = ['object', types]
  objectTypes.set(attributes, type)
  return type
}

/** An object of these attributes without a value in any, or with the values given. */
export function emptyObject(attributes: Attributes, values: { readonly [name: string]: Value } = {}): { readonly [name: string]: Value } {
  return Object.fromEntries(Object.keys(attributes).map(name => [name, values[name] ?? null]))
}

/** Has somebody given it a value that is known? */
export function isGiven(value: Value | undefined): value is Exclude<Value, null | typeof UNKNOWN> {
  return value !== undefined && value !== null && value !== UNKNOWN
}

const nesting = { single: 1, list: 2, set: 3, map: 4 } as const
/** Descriptions are Markdown. */
const MARKDOWN = 1

export function wireSchema(attributes: Attributes, description = '', version = 0): Message {
  return { version, block: { version, attributes: wireAttributes(attributes), description, description_kind: MARKDOWN } }
}

function wireAttributes(attributes: Attributes): Message[] {
  return Object.entries(attributes).map(([name, attribute]) => {
    const hasDefault = attribute.default !== undefined
    return {
      name,
      description: attribute.description ?? '',
      description_kind: MARKDOWN,
      required: attribute.required === true,
      optional: attribute.optional === true || hasDefault,
      computed: attribute.computed === true || hasDefault,
      sensitive: attribute.sensitive === true,
      write_only: attribute.writeOnly === true,
      deprecated: attribute.deprecated === true,
      ...('type' in attribute
        ? { type: wireType(attribute.type) }
        : { nested_type: { nesting: nesting[attribute.nested.nesting], attributes: wireAttributes(attribute.nested.attributes) } }),
    }
  })
}

export function wireType(type: Type): Buffer {
  return Buffer.from(JSON.stringify(type))
}
