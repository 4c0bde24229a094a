import { isObject } from '../model/is-object.ts'
import { SourceCallError } from './adapter.ts'

/** What a server sent, read with care: a member of another type is as good as none. */
export type Json = Readonly<Record<string, unknown>>

/** Throws SourceCallError when an answer is no list. @param what it should be a list of, for people */
export function listAt(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new SourceCallError('garbled', `the answer is no list of ${what}`)
  return value
}

/** Throws SourceCallError when an answer is no object. */
export function objectAt(value: unknown, what: string): Json {
  if (!isObject(value)) throw new SourceCallError('garbled', `the answer is no ${what}`)
  return value
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/** Members that are texts, numbers or booleans, as texts. */
export function textsOf(value: unknown): Record<string, string> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, it]) => (['string', 'number', 'boolean'].includes(typeof it) ? [[name, String(it)]] : [])),
  )
}
