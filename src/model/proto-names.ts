import { isObject } from './is-object.ts'
import { type Keywords, membersOf, setMember } from './keywords.ts'

/**
 * A spec of a flat kind with its fields as its schema has them: `redirect_port_inbound` is `redirectPortInbound`. Those kinds are protos in Kuma,
 * whose fields have both names. https://protobuf.dev/programming-guides/json/
 */
export function withJsonNames(schema: Keywords, value: unknown): unknown {
  if (schema.items !== undefined && Array.isArray(value)) return value.map(item => withJsonNames(schema.items!, item))
  if (schema.properties === undefined || !isObject(value)) return value
  const { known } = membersOf(schema)
  const named: Record<string, unknown> = {}
  for (const field of Object.keys(value)) {
    const name = known.has(field) ? field : jsonName(field)
    const own = known.get(name)
    // A field under both names is a mistake: the second is left as it is, and refused.
    const isOurs = own !== undefined && (name === field || !Object.hasOwn(value, name))
    setMember(named, isOurs ? name : field, isOurs ? withJsonNames(own, value[field]) : value[field])
  }
  return named
}

function jsonName(field: string): string {
  return field.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
