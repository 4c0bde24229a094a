import { decode, ExtData, encode } from '@msgpack/msgpack'
import type { DynamicValue } from '../wire/requests.ts'
import { inferType } from './infer.ts'
import { parseJson, valueFromJson } from './json.ts'
import { type Type, typeWithin } from './type.ts'
import { Dynamic, Exact, isObjectValue, numberFrom, type ObjectValue, UNKNOWN, type Value } from './value.ts'

/** Reads a value of `type` off the wire; an empty one is null. */
export function unpack(type: Type, wire: DynamicValue | undefined): Value {
  if (wire?.msgpack !== undefined && wire.msgpack.length > 0) return fromWire(type, decode(wire.msgpack, { useBigInt64: true }))
  if (wire?.json !== undefined && wire.json.length > 0) return valueFromJson(type, parseJson(Buffer.from(wire.json).toString()))
  return null
}

/** As `unpack`, where only an object or nothing can stand. */
export function unpackObject(type: Type, wire: DynamicValue | undefined): ObjectValue | null {
  const value = unpack(type, wire)
  return isObjectValue(value) ? value : null
}

export function pack(type: Type, value: Value): DynamicValue {
  return { msgpack: encode(toWire(type, value), { useBigInt64: true }) }
}

/** Extension 0 is an unknown, 12 one that something is known of (its prefix, that it is not null): to us all are the same. */
function fromWire(type: Type, wire: unknown): Value {
  if (wire === null || wire === undefined) return null
  if (wire instanceof ExtData) return UNKNOWN
  if (type === 'number') return numberFromWire(wire)
  if (type === 'dynamic') {
    const [typeBytes, value] = wire as [Uint8Array, unknown]
    const actual = JSON.parse(Buffer.from(typeBytes).toString()) as Type
    return new Dynamic(actual, fromWire(actual, value))
  }
  if (Array.isArray(wire)) return wire.map((item, index) => fromWire(typeWithin(type, index), item))
  if (typeof wire !== 'object') return wire as string | boolean
  return Object.fromEntries(Object.entries(wire).map(([key, item]) => [key, fromWire(typeWithin(type, key), item)]))
}

function numberFromWire(wire: unknown): Value {
  if (typeof wire === 'number') return wire
  return numberFrom(String(wire))
}

/** Numbers that are no integers go as decimal text: Terraform compares 512 bits of them, and a double of 0.1 is another number. */
function toWire(type: Type, value: Value | undefined): unknown {
  if (value === UNKNOWN) return new ExtData(0, new Uint8Array([0]))
  if (value === null || value === undefined) return null
  if (type === 'dynamic') {
    const { type: actual, value: inner } = value instanceof Dynamic ? value : inferType(value)
    return [Buffer.from(JSON.stringify(actual)), toWire(actual, inner)]
  }
  if (value instanceof Exact) return value.text
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : String(value)
  if (Array.isArray(value)) return value.map((item, index) => toWire(typeWithin(type, index), item))
  if (!isObjectValue(value)) return value
  // An object must have every attribute, a map only its own.
  const keys = type[0] === 'object' ? Object.keys(type[1]) : Object.keys(value)
  return Object.fromEntries(keys.map(key => [key, toWire(typeWithin(type, key), value[key])]))
}
