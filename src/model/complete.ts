import { formatDuration, parseDurationMs } from './duration.ts'
import { isObject } from './is-object.ts'
import { type Keywords, membersOf, setMember } from './keywords.ts'
import type { KindDefinition } from './kind.ts'

/**
 * A spec as Kuma keeps what a user wrote: with the defaults of its schema, with what follows from other fields (`complete` of its kind), and
 * with durations as Go prints them (`101s` → `1m41s`; the flat kinds keep theirs). The spec must have the schema's shape. Twice is the same as once.
 */
export function completeSpec(kind: KindDefinition, spec: unknown): unknown {
  const filled = fill(kind.spec as Keywords, spec, kind.shape === 'spec')
  return kind.complete === undefined ? filled : kind.complete(filled)
}

function fill(schema: Keywords, value: unknown, normalises: boolean): unknown {
  if (schema.anyOf !== undefined) {
    const chosen = alternative(schema.anyOf, value)
    return chosen === undefined ? value : fill(chosen, value, normalises)
  }
  if (schema.items !== undefined && Array.isArray(value)) return value.map(item => fill(schema.items!, item, normalises))
  if (schema.properties !== undefined && isObject(value)) return fillObject(schema, value, normalises)
  if (schema.format !== 'go-duration' || typeof value !== 'string' || !normalises) return value
  const ms = parseDurationMs(value)
  return ms === null ? value : formatDuration(ms)
}

function fillObject(schema: Keywords, value: Readonly<Record<string, unknown>>, normalises: boolean): unknown {
  const { known, defaulted } = membersOf(schema)
  const filled: Record<string, unknown> = {}
  for (const field of Object.keys(value)) {
    const own = known.get(field)
    setMember(filled, field, own === undefined ? value[field] : fill(own, value[field], normalises))
  }
  for (const [field, own] of defaulted) {
    if (!Object.hasOwn(value, field)) setMember(filled, field, fill(own, structuredClone(own.default), normalises))
  }
  return filled
}

/** Of objects, the one whose `type` it has; of anything else nothing is to be filled in. */
function alternative(choices: readonly Keywords[], value: unknown): Keywords | undefined {
  if (!isObject(value)) return undefined
  return choices.find(choice => choice.properties?.type?.const === value.type)
}
