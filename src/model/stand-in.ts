import type { Keywords } from './keywords.ts'
import { typeProblem } from './schema-reasons.ts'

/** Is what was refused still of a kind that further rules can look at? */
export function keepsType(schema: Keywords, value: unknown): boolean {
  return schema.format === undefined && (schema.enum !== undefined || typeProblem(schema, value) === null)
}

/** The least that a schema takes, in the place of what is missing or wrong. What further rules say of it is left out: see `checkSpec`. */
export function standIn(schema: Keywords): unknown {
  if (schema.default !== undefined) return structuredClone(schema.default)
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.anyOf !== undefined) return standIn(schema.anyOf[0]!)
  switch (schema.type) {
    case 'object':
      return Object.fromEntries((schema.required ?? []).map(field => [field, standIn(schema.properties![field]!)]))
    case 'array':
      return []
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    case 'boolean':
      return false
    default:
      return schema.format === 'go-duration' ? '1s' : ''
  }
}
