/**
 * The few DER forms that a certificate request and the SPIFFE rules need. A full X.509 library costs a proxy 20 MB and 100 ms of its
 * start; it stays in the control planes. Strict: indefinite and non-minimal lengths, and anything past the end, are refused.
 * ITU-T X.690 §8, §10.
 */
export interface DerValue {
  /** The identifier octet: class, constructed bit and number in one (high-tag-number form is refused). */
  readonly tag: number
  readonly content: Buffer
  /** Tag, length and content. */
  readonly raw: Buffer
}

export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  /** [3] EXPLICIT, the extensions of a TBSCertificate. */
  context3: 0xa3,
  /** [0], constructed: a version or a request's attributes. */
  context0: 0xa0,
} as const

export class DerError extends Error {
  override name = 'DerError'
  readonly code = 'SKERRY_DER_MALFORMED'
}

/** Reads one value at `offset`. */
export function readDer(bytes: Buffer, offset = 0): DerValue {
  const tag = byteAt(bytes, offset)
  if ((tag & 0x1f) === 0x1f) throw new DerError('tag numbers above 30 do not occur in certificates')
  const first = byteAt(bytes, offset + 1)
  let length = first
  let header = 2
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 3) throw new DerError('length is indefinite or too large')
    length = 0
    for (let i = 0; i < count; i++) length = length * 256 + byteAt(bytes, offset + 2 + i)
    if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError('length is not in its shortest form')
    header += count
  }
  const end = offset + header + length
  if (end > bytes.length) throw new DerError('value is longer than its container')
  return { tag, content: bytes.subarray(offset + header, end), raw: bytes.subarray(offset, end) }
}

/** All values inside a constructed one. */
export function readDerAll(bytes: Buffer): readonly DerValue[] {
  const values: DerValue[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const value = readDer(bytes, offset)
    values.push(value)
    offset += value.raw.length
  }
  return values
}

/** One value that must fill `bytes` and have this tag. */
export function expectDer(bytes: Buffer, tag: number): DerValue {
  const value = readDer(bytes)
  if (value.raw.length !== bytes.length) throw new DerError('bytes after the end of the value')
  if (value.tag !== tag) throw new DerError(`tag 0x${value.tag.toString(16)} where 0x${tag.toString(16)} belongs`)
  return value
}

export function writeDer(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(content.length)]), content])
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length]
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff)
  return [0x80 | bytes.length, ...bytes]
}

function byteAt(bytes: Buffer, offset: number): number {
  const byte = bytes[offset]
  if (byte === undefined) throw new DerError('value ends early')
  return byte
}
