/**
 * Protobuf fields written by hand: whoever holds a message's bytes already puts them into another message without decoding them.
 * https://protobuf.dev/programming-guides/encoding/
 */

const LENGTH_DELIMITED = 2

export function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest & 127) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

/** A field that holds a message or bytes. */
export function bytesField(field: number, payload: Uint8Array): Uint8Array {
  return concatBytes([varint(field * 8 + LENGTH_DELIMITED), varint(payload.length), payload])
}

/** A string field; as in proto3, nothing for the empty string. */
export function stringField(field: number, text: string): Uint8Array {
  return text === '' ? new Uint8Array(0) : bytesField(field, Buffer.from(text))
}

/** Body of a google.protobuf.Any. */
export function anyBytes(typeUrl: string, value: Uint8Array): Uint8Array {
  return concatBytes([stringField(1, typeUrl), bytesField(2, value)])
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}

/** A copy in memory of its own, for what is kept: a small Buffer is a part of a slab that it would hold as a whole. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}
