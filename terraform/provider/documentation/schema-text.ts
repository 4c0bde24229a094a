import type { Type } from '../../sdk/cty/type.ts'
import type { Attribute, Attributes } from '../../sdk/provider/schema.ts'

/** The attributes as a list in Markdown: what must be set, what may, what is only read. */
export function schemaText(attributes: Attributes): string {
  const sections = [
    ['Required', (it: Attribute) => it.required === true],
    ['Optional', (it: Attribute) => it.required !== true && (it.optional === true || it.default !== undefined)],
    ['Read-only', (it: Attribute) => it.required !== true && it.optional !== true && it.default === undefined],
  ] as const
  return sections
    .map(([title, belongs]) => [title, Object.entries(attributes).filter(([, attribute]) => belongs(attribute))] as const)
    .filter(([, members]) => members.length > 0)
    .map(([title, members]) => `### ${title}\n\n${members.map(([name, attribute]) => line(name, attribute, 0)).join('')}`)
    .join('\n')
}

function line(name: string, attribute: Attribute, depth: number): string {
  const notes = [
    typeText(attribute),
    ...(depth > 0 && attribute.required ? ['required'] : []),
    ...(attribute.sensitive ? ['sensitive'] : []),
    ...(attribute.writeOnly
      ? ['[write-only](https://developer.hashicorp.com/terraform/language/resources/ephemeral#write-only-arguments)']
      : []),
    ...(attribute.replaces ? ['another one replaces the resource'] : []),
  ]
  const own = `${'  '.repeat(depth)}- \`${name}\` (${notes.join(', ')}) ${attribute.description ?? ''}`.trimEnd()
  const inner = 'nested' in attribute ? Object.entries(attribute.nested.attributes) : []
  return `${own}\n${inner.map(([inside, member]) => line(inside, member, depth + 1)).join('')}`
}

function typeText(attribute: Attribute): string {
  if ('type' in attribute) return nameOf(attribute.type)
  const { nesting } = attribute.nested
  return nesting === 'single' ? 'object' : `${nesting} of objects`
}

/** A type in words. */
export function nameOf(type: Type): string {
  if (type === 'dynamic') return 'any type'
  if (typeof type === 'string') return type
  if (type[0] === 'object' || type[0] === 'tuple') return type[0]
  return `${type[0]} of ${plural(type[1] as Type)}`
}

function plural(type: Type): string {
  if (type === 'bool') return 'booleans'
  return typeof type === 'string' ? `${type}s` : nameOf(type).replace(/^(list|set|map)\b/, '$1s')
}
