import { durationMs } from './duration.ts'
import type { Violation } from './kind.ts'
import { type IntOrString, numberOf } from './schema.ts'

/*
 * What kinds check beyond their schemas, in Kuma's words (`pkg/core/validators`): users and its test data know them. Each gives the
 * violations of one field, none for a field that is absent. What helps further stands after a semicolon.
 */

export function violation(field: string, reason: string): Violation[] {
  return [{ field, reason }]
}

/** For what must not be there at all: nothing else is said of it. */
export function unwanted(field: string, reason: string): Violation[] {
  return [{ field, reason, unwanted: true }]
}

export function durationAboveZero(field: string, text: string | undefined): Violation[] {
  return text === undefined || durationMs(text) > 0 ? [] : violation(field, 'must be greater than zero when defined')
}

export function durationNotNegative(field: string, text: string | undefined): Violation[] {
  return text === undefined || durationMs(text) >= 0 ? [] : violation(field, 'must not be negative when defined')
}

/** `least` as Go prints it: `50ms`. */
export function durationAbove(field: string, text: string, least: string): Violation[] {
  return durationMs(text) > durationMs(least) ? [] : violation(field, `must be greater than: ${least}`)
}

/** Of Kuma's signed numbers. */
export function aboveZeroWhenDefined(field: string, value: number | undefined): Violation[] {
  return value === undefined || value > 0 ? [] : violation(field, 'must be greater than zero when defined')
}

/** Of Kuma's unsigned numbers. */
export function aboveZero(field: string, value: number | undefined): Violation[] {
  return value === undefined || value > 0 ? [] : violation(field, 'must be greater than 0')
}

export function wholePercent(field: string, value: number | undefined): Violation[] {
  return value === undefined || (value >= 0 && value <= 100) ? [] : violation(field, 'must be in inclusive range [0, 100]')
}

/** A percentage that may be a decimal in a string. */
export function percent(field: string, value: IntOrString | undefined): Violation[] {
  if (value === undefined) return []
  const number = numberOf(value)
  return number >= 0 && number <= 100 ? [] : violation(field, 'must be in inclusive range [0.0, 100.0]')
}

export function percentAboveZero(field: string, value: IntOrString | undefined): Violation[] {
  const outside = percent(field, value)
  return outside.length === 0 && value !== undefined && numberOf(value) === 0 ? violation(field, 'must be greater than 0') : outside
}

export function statusCode(field: string, value: number | undefined): Violation[] {
  return value === undefined || (value >= 100 && value < 600) ? [] : violation(field, 'must be in inclusive range [100, 599]')
}

/** `conf` must have one of `fields` at least. */
export function atLeastOne<F extends string>(field: string, conf: Readonly<Partial<Record<F, unknown>>>, ...fields: F[]): Violation[] {
  if (fields.some(it => conf[it] !== undefined)) return []
  return violation(field, `must have at least one defined: ${fields.join(', ')}`)
}

/** What is below a list's items, with the item's path. */
export function each<T>(items: readonly T[] | undefined, at: string, check: (item: T, at: string) => readonly Violation[]): Violation[] {
  return (items ?? []).flatMap((item, index) => check(item, `${at}[${index}]`))
}
