import { isObject } from '../../model/is-object.ts'
import type { Keywords } from '../../model/keywords.ts'
import { snakeCase } from './kind-names.ts'

/** What a kind's schema comes to in Terraform; between the two, values are led along it. */
export type Shape =
  | { readonly is: 'text' | 'number' | 'bool' }
  /** Text like `1m30s`; `90s` is the same. */
  | { readonly is: 'duration' }
  /** A number, a decimal or a percentage; text in Terraform, where an attribute has one type. */
  | { readonly is: 'number or text' }
  /** Anything. */
  | { readonly is: 'open' }
  /** Anything, as JSON: within a list Terraform lets nothing stand whose type is open. */
  | { readonly is: 'json' }
  | { readonly is: 'list' | 'map'; readonly of: Shape }
  | { readonly is: 'object'; readonly members: ReadonlyMap<string, Member> }

export type ObjectShape = Extract<Shape, { is: 'object' }>
/** A list or a map. */
export type CollectionShape = Extract<Shape, { of: Shape }>

/** A field of an object, by the name that its attribute has. */
export interface Member {
  /** Its name in the API. */
  readonly field: string
  readonly shape: Shape
  readonly isRequired: boolean
  /** What the API fills in; of scalars only. An object or a list that it fills in is empty, and means the same as none. */
  readonly default?: string | number | boolean
  readonly description?: string
  /** The values that there are. */
  readonly choices?: readonly string[]
}

type Described = Keywords & { readonly description?: string }

export function objectShape(schema: Keywords, isInList = false): ObjectShape {
  const required = new Set(schema.required)
  const members = Object.entries(schema.properties ?? {}).map(([field, member]) => {
    const { description, default: value } = member as Described
    const made: Member = {
      field,
      shape: shapeOf(member, isInList),
      isRequired: required.has(field) && value === undefined,
      ...(value === undefined || typeof value === 'object' ? {} : { default: value as string | number | boolean }),
      ...(description === undefined ? {} : { description }),
      ...choicesOf(member),
    }
    return [snakeCase(field), made] as const
  })
  return { is: 'object', members: new Map(members) }
}

function shapeOf(schema: Keywords, isInList: boolean): Shape {
  if (schema.anyOf !== undefined) return alternatives(schema.anyOf.filter(isNotNull), isInList)
  if (schema.items !== undefined) return { is: 'list', of: shapeOf(schema.items, true) }
  if (schema.properties !== undefined) return objectShape(schema, isInList)
  const [others] = Object.values(schema.patternProperties ?? {})
  if (others !== undefined) return { is: 'map', of: shapeOf(others, true) }
  if (schema.format === 'go-duration') return { is: 'duration' }
  switch (typeName(schema)) {
    case 'string':
      return { is: 'text' }
    case 'integer':
    case 'number':
      return { is: 'number' }
    case 'boolean':
      return { is: 'bool' }
    default:
      return { is: isInList ? 'json' : 'open' }
  }
}

/** What answers say may be null, which any attribute may be. */
function isNotNull({ type }: Keywords): boolean {
  return type !== 'null'
}

function typeName({ type, const: only, enum: values }: Keywords): string | undefined {
  const types: readonly (string | undefined)[] = [type].flat()
  return types.find(name => name !== 'null') ?? typeof (only ?? values?.[0])
}

/** Objects that are told apart by their `type` become one with the members of all; which of them belong together, the kind's own rules say. */
function alternatives(choices: readonly Keywords[], isInList: boolean): Shape {
  const shapes = choices.map(choice => shapeOf(choice, isInList))
  const objects = shapes.filter(shape => shape.is === 'object')
  if (objects.length === shapes.length) return objects.reduce(union)
  const [first] = shapes
  return shapes.every(shape => shape.is === first?.is) && first !== undefined ? first : { is: 'number or text' }
}

function union(a: ObjectShape, b: ObjectShape): ObjectShape {
  const members = new Map<string, Member>()
  for (const name of new Set([...a.members.keys(), ...b.members.keys()])) {
    const one = a.members.get(name)
    const other = b.members.get(name)
    members.set(name, one && other ? both(name, one, other) : optional((one ?? other)!))
  }
  return { is: 'object', members }
}

function both(name: string, a: Member, b: Member): Member {
  const choices = a.choices && b.choices ? { choices: [...new Set([...a.choices, ...b.choices])] } : {}
  const { choices: _, ...rest } = a
  if (a.shape.is === 'object' && b.shape.is === 'object')
    return { ...rest, shape: union(a.shape, b.shape), isRequired: a.isRequired && b.isRequired }
  if (JSON.stringify(a.shape) !== JSON.stringify(b.shape))
    throw new TypeError(`${name} is of two types: the provider needs a name for each`)
  return { ...rest, ...choices, isRequired: a.isRequired && b.isRequired }
}

/** Of one alternative: in the others it must not stand, so nothing may fill it in. */
function optional({ default: _, ...member }: Member): Member {
  return { ...member, isRequired: false }
}

function choicesOf({ enum: values, const: only, anyOf, items }: Keywords): { choices?: readonly string[] } {
  if (values !== undefined) return { choices: values.map(String) }
  if (only !== undefined) return { choices: [String(only)] }
  const consts = anyOf?.map(choice => choice.const)
  if (consts?.every(value => value !== undefined)) return { choices: consts.map(String) }
  return items === undefined || isObject(items.properties) ? {} : choicesOf(items)
}
