import type { Type } from './type.ts'

/** A value that becomes known when the configuration is applied. */
export const UNKNOWN: unique symbol = Symbol('unknown')

/** A number that JavaScript's cannot hold exactly, as it was written. */
export class Exact {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A value in a place of type `dynamic`, which says its type itself. */
export class Dynamic {
  readonly type: Type
  readonly value: Value

  constructor(type: Type, value: Value) {
    this.type = type
    this.value = value
  }
}

/** A value of Terraform's. Lists, sets and tuples are arrays; maps and objects are objects, and an object has every attribute of its type. */
export type Value = null | string | number | boolean | Exact | Dynamic | typeof UNKNOWN | readonly Value[] | ObjectValue
export type ObjectValue = { readonly [attribute: string]: Value }

export function isObjectValue(value: Value | undefined): value is ObjectValue {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Exact) && !(value instanceof Dynamic)
}

export function isListValue(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value)
}

/** Is it, or anything in it, unknown? */
export function hasUnknown(value: Value): boolean {
  if (value === UNKNOWN) return true
  if (value instanceof Dynamic) return hasUnknown(value.value)
  if (isListValue(value)) return value.some(hasUnknown)
  return isObjectValue(value) && Object.values(value).some(hasUnknown)
}

/** A number from its digits: a JavaScript number where that says the same, else the text itself. */
export function numberFrom(text: string): number | Exact {
  const number = Number(text)
  return Number.isSafeInteger(number) && /^-?\d+$/.test(text) ? number : String(number) === text ? number : new Exact(text)
}

/** Text of a number, exact. */
export function numberText(value: number | Exact): string {
  return value instanceof Exact ? value.text : String(value)
}
