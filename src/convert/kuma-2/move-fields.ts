import { isDeepStrictEqual } from 'node:util'
import type { Field } from '../field.ts'

export interface Move {
  /** Members from the field that is read, with dots. */
  readonly from: string
  /** Where it stands now, with dots. */
  readonly to: string
  /** Absent = as it is. undefined as an answer: it says nothing. */
  readonly value?: (value: unknown) => unknown
  /** Set where the meaning is not quite the same. */
  readonly how?: string
}

/** A configuration with its members in other places. Of two that go to one place the first counts; the other is dropped where it says something else. */
export function moveFields(field: Field | undefined, moves: readonly Move[]): Record<string, unknown> {
  const moved: Record<string, unknown> = {}
  for (const { from, to, value = (it: unknown) => it, how } of moves) {
    const member = field?.at(...from.split('.'))
    if (member === undefined) continue
    const converted = value(member.value)
    const before = valueAt(moved, to.split('.'))
    if (converted === undefined) continue
    if (before !== undefined && !isDeepStrictEqual(before, converted)) {
      member.drop(`${to} is ${JSON.stringify(before)} already: now one setting for what were several`)
      continue
    }
    setAt(moved, to.split('.'), converted)
    if (how !== undefined) member.approximate(how)
    else member.keep(from === to ? undefined : `as ${to}`)
  }
  return moved
}

/** A number that may be a decimal, as Skerry takes it. */
export function intOrString(value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? String(value) : value
}

function valueAt(object: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined),
    object,
  )
}

function setAt(object: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path as [string, ...string[]]
  if (rest.length === 0) object[name] = value
  else {
    object[name] ??= {}
    setAt(object[name] as Record<string, unknown>, rest, value)
  }
}
