import type { Member, ObjectShape, Shape } from '../../../src/convert/terraform/shape.ts'
import { parseDurationMs } from '../../../src/model/duration.ts'
import { sameMeaning } from '../../sdk/cty/compare.ts'
import { parseJson } from '../../sdk/cty/json.ts'
import type { Type } from '../../sdk/cty/type.ts'
import type { Value } from '../../sdk/cty/value.ts'
import type { Attribute, AttributeShape, Attributes } from '../../sdk/provider/schema.ts'

/** The attributes of an object's members. */
export function attributesOf(shape: ObjectShape): Attributes {
  return Object.fromEntries([...shape.members].map(([name, member]) => [name, attributeOf(member)]))
}

/** Key material that stands in a resource itself: Terraform does not print it. */
const inlineSecret = 'insecureInline'

function attributeOf(member: Member): Attribute {
  const { shape, field } = member
  if (field === inlineSecret && shape.is === 'object')
    return { ...described(member), nested: { nesting: 'single', attributes: hidden(attributesOf(shape)) } }
  const attribute = {
    ...attributeShape(shape),
    ...(member.default !== undefined ? { default: shape.is === 'number or text' ? String(member.default) : member.default } : {}),
    ...described(member),
  }
  const isSame = sameness(shape)
  return {
    ...attribute,
    ...(isSame === undefined ? {} : { isSame }),
    ...(shape.is === 'json' ? { check: notJson } : {}),
  }
}

function described(member: Member) {
  return { ...(member.isRequired ? { required: true } : { optional: true }), description: descriptionOf(member) }
}

function hidden(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).map(([name, attribute]) => [name, { ...attribute, sensitive: true }]))
}

function attributeShape(shape: Shape): AttributeShape {
  if (shape.is === 'object') return { nested: { nesting: 'single', attributes: attributesOf(shape) } }
  if ((shape.is === 'list' || shape.is === 'map') && shape.of.is === 'object') {
    return { nested: { nesting: shape.is, attributes: attributesOf(shape.of) } }
  }
  return { type: typeOfShape(shape) }
}

function typeOfShape(shape: Shape): Type {
  switch (shape.is) {
    case 'number':
    case 'bool':
      return shape.is
    case 'open':
      return 'dynamic'
    case 'list':
    case 'map':
      return [shape.is, typeOfShape(shape.of)]
    case 'object':
      return ['object', Object.fromEntries([...shape.members].map(([name, member]) => [name, typeOfShape(member.shape)]))]
    default:
      return 'string'
  }
}

/** When two ways of writing a value mean one thing; undefined = never. */
export function sameness(shape: Shape): ((a: Value, b: Value) => boolean) | undefined {
  switch (shape.is) {
    case 'duration':
      return (a, b) => parseDurationMs(String(a)) === parseDurationMs(String(b))
    case 'number or text':
      return (a, b) => String(a) === String(b) || (isPercentAlike(a, b) && Number.parseFloat(String(a)) === Number.parseFloat(String(b)))
    case 'json':
      return (a, b) => sameMeaning(jsonOf(a), jsonOf(b))
    case 'open':
      return sameMeaning
    default:
      return undefined
  }
}

/** `70` and `70%` are two ways of the same only where the API takes them so, and that is not ours to know. */
function isPercentAlike(a: Value, b: Value): boolean {
  const number = /^-?\d+([.]\d+)?(%?)$/
  const one = number.exec(String(a))
  const other = number.exec(String(b))
  return one !== null && other !== null && one[2] === other[2]
}

function jsonOf(value: Value): unknown {
  try {
    return parseJson(String(value))
  } catch {
    return value
  }
}

function notJson(value: Value): string | undefined {
  try {
    parseJson(String(value))
    return undefined
  } catch {
    return 'must be JSON: write it with jsonencode(...)'
  }
}

function descriptionOf({ description, choices, shape, default: value }: Member): string {
  return [
    description,
    choices === undefined ? undefined : `One of ${choices.map(choice => `\`${choice}\``).join(', ')}.`,
    shape.is === 'duration' ? 'A duration like `250ms`, `1.5s` or `1h30m`.' : undefined,
    shape.is === 'number or text' ? 'A number, a decimal or a percentage, as text: `"50"`, `"12.5"`, `"70%"`.' : undefined,
    shape.is === 'json' ? 'JSON: write it with `jsonencode(...)`.' : undefined,
    value === undefined ? undefined : `Default \`${value}\`.`,
  ]
    .filter(sentence => sentence !== undefined)
    .join(' ')
}
