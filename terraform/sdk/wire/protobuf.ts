import { type Field, type MessageType, messageType } from './messages.ts'

/** A decoded message, or one to encode, by the names of its fields. */
export type Message = Readonly<Record<string, unknown>>

const VARINT = 0
const LENGTH_DELIMITED = 2

/** Bytes of a message. A field that the message has not is a mistake of ours and throws.
 *  https://protobuf.dev/programming-guides/encoding/ */
export function encode(name: string, message: Message): Buffer {
  const type = messageType(name)
  const parts: Uint8Array[] = []
  for (const [key, value] of Object.entries(message)) {
    if (value === undefined || value === null) continue
    const field = type.byName.get(key)
    if (field === undefined) throw new RangeError(`${name} has no field ${key}`)
    encodeField(parts, field, value)
  }
  return Buffer.concat(parts)
}

/** Fields that are not there read as proto3's zero (a message as undefined); those of a newer protocol are passed over. */
export function decode(name: string, bytes: Uint8Array): Message {
  const type = messageType(name)
  const message = zero(type)
  for (const { number, raw } of readFields(bytes)) {
    const field = type.byNumber.get(number)
    if (field === undefined) continue
    if (field.kind === 'repeated') (message[field.name] as unknown[]).push(decodeValue(field.type, raw))
    else if (field.kind === 'map') Object.assign(message[field.name] as object, decodeEntry(field.type, raw as Uint8Array))
    else message[field.name] = decodeValue(field.type, raw)
  }
  return message
}

function encodeField(parts: Uint8Array[], field: Field, value: unknown): void {
  switch (field.kind) {
    case 'one':
      if (field.hasPresence || !isZero(value)) encodeValue(parts, field.type, field.number, value)
      return
    case 'repeated':
      for (const item of value as readonly unknown[]) encodeValue(parts, field.type, field.number, item)
      return
    case 'map':
      for (const [key, item] of Object.entries(value as object)) {
        const entry: Uint8Array[] = []
        encodeValue(entry, 's', 1, key)
        encodeValue(entry, field.type, 2, item)
        pushDelimited(parts, field.number, Buffer.concat(entry))
      }
  }
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false || (value instanceof Uint8Array && value.length === 0)
}

function encodeValue(parts: Uint8Array[], type: string, number: number, value: unknown): void {
  switch (type) {
    case 's':
      pushDelimited(parts, number, Buffer.from(value as string))
      return
    case 'x':
      pushDelimited(parts, number, value as Uint8Array)
      return
    case 'b':
      parts.push(varint(number * 8 + VARINT), varint(value === true ? 1 : 0))
      return
    case 'i':
      parts.push(varint(number * 8 + VARINT), varint(value as number))
      return
    default:
      pushDelimited(parts, number, encode(type, value as Message))
  }
}

function pushDelimited(parts: Uint8Array[], number: number, body: Uint8Array): void {
  parts.push(varint(number * 8 + LENGTH_DELIMITED), varint(body.length), body)
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

const zeros: Readonly<Record<string, unknown>> = { s: '', x: new Uint8Array(0), b: false, i: 0 }

function zero(type: MessageType): Record<string, unknown> {
  const message: Record<string, unknown> = {}
  for (const field of type.byName.values()) {
    if (field.kind === 'repeated') message[field.name] = []
    else if (field.kind === 'map') message[field.name] = {}
    else if (!field.hasPresence) message[field.name] = zeros[field.type]
  }
  return message
}

interface RawField {
  readonly number: number
  readonly raw: bigint | Uint8Array
}

function* readFields(bytes: Uint8Array): Generator<RawField> {
  let at = 0
  const readVarint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined || shift > 63n) throw new RangeError('a message ends within a number')
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const take = (length: number): Uint8Array => {
    at += length
    if (at > bytes.length) throw new RangeError('a message ends within a field')
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(readVarint())
    const number = tag >>> 3
    switch (tag & 7) {
      case VARINT:
        yield { number, raw: readVarint() }
        break
      case LENGTH_DELIMITED:
        yield { number, raw: take(Number(readVarint())) }
        break
      // 64 and 32 bits of fixed width: no field that we know has them.
      case 1:
        take(8)
        break
      case 5:
        take(4)
        break
      default:
        throw new RangeError(`field ${number} has the wire type ${tag & 7}, which protobuf gave up`)
    }
  }
}

function decodeValue(type: string, raw: bigint | Uint8Array): unknown {
  switch (type) {
    case 's':
      return Buffer.from(raw as Uint8Array).toString('utf8')
    case 'x':
      return raw
    case 'b':
      return raw !== 0n
    case 'i':
      return Number(BigInt.asIntN(64, raw as bigint))
    default:
      return decode(type, raw as Uint8Array)
  }
}

function decodeEntry(type: string, bytes: Uint8Array): object {
  let key = ''
  let value: unknown = zeros[type]
  for (const { number, raw } of readFields(bytes)) {
    if (number === 1) key = decodeValue('s', raw) as string
    else if (number === 2) value = decodeValue(type, raw)
  }
  return { [key]: value }
}
