/** Larger heads are refused with 431. */
export const MAX_HEAD_BYTES = 32 * 1024
export const MAX_FIELDS = 100

/** What a field means to a proxy. */
export const FIELD = {
  endToEnd: 0,
  /** Hop-by-hop, named by `Connection`, or with `_` in its name: never travels on. */
  dropped: 1,
  host: 2,
  contentLength: 3,
  transferEncoding: 4,
  forwardedFor: 5,
  forwardedProto: 6,
  /** Other fields that tell where a request comes from: believed only from peers we trust. */
  forwardedOther: 7,
  /** `x-forwarded-client-cert`: never believed, set anew. */
  clientCertificate: 8,
  /** `x-skerry-refused` */
  refused: 9,
  /** `Keep-Alive`: read, then dropped. */
  keepAlive: 10,
  connection: 11,
} as const

/** One parsed head as offsets into the bytes it was read from: no strings, no object per field. Valid as long as those bytes are. */
export class Head {
  /** HTTP/1.x */
  minor = 1
  /** Set by who reads it: names with `_` travel on, for in gRPC's metadata they are as good as any. */
  keepsUnderscores = false
  status = 0
  methodFrom = 0
  methodTo = 0
  targetFrom = 0
  targetTo = 0
  /** The target has a byte that `canonicalPath` must look at. */
  targetIsPlain = true
  /** Of the status line: from the status code to before CRLF. */
  reasonFrom = 0
  reasonTo = 0
  /** -1: absent. */
  contentLength = -1
  chunked = false
  keepAlive = true
  /** `Upgrade` asked for, by its field and by `Connection`. */
  upgrade = -1
  connectionUpgrade = false
  hostField = -1
  refusedField = -1
  keepAliveField = -1
  fields = 0
  readonly nameFrom = new Int32Array(MAX_FIELDS)
  readonly nameTo = new Int32Array(MAX_FIELDS)
  readonly valueFrom = new Int32Array(MAX_FIELDS)
  /** Without trailing blanks. */
  readonly valueTo = new Int32Array(MAX_FIELDS)
  /** After CRLF. */
  readonly lineTo = new Int32Array(MAX_FIELDS)
  readonly meaning = new Uint8Array(MAX_FIELDS)
}

interface Latin1 {
  latin1Slice(from: number, to: number): string
}

/** `latin1Slice` is what `toString('latin1')` ends in, without the way there. */
export function textOf(bytes: Buffer, from: number, to: number): string {
  return (bytes as Buffer & Latin1).latin1Slice(from, to)
}

/** Index of the next field of this name from field `after` on, or -1. `name` in lower case. */
export function findField(bytes: Buffer, head: Head, name: string, after = 0): number {
  const length = name.length
  for (let field = after; field < head.fields; field++) {
    const from = head.nameFrom[field]!
    if (head.nameTo[field]! - from === length && isName(bytes, from, name)) return field
  }
  return -1
}

/** Whether `bytes` spell the lower-case `name` from `from` on, in any case. Only for token characters. */
export function isName(bytes: Buffer, from: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[from + i]!
    if ((byte >= 65 && byte <= 90 ? byte + 32 : byte) !== name.charCodeAt(i)) return false
  }
  return true
}

/** All values of a field joined by comma, as RFC 9110 §5.3 allows, or null when it is absent. */
export function fieldText(bytes: Buffer, head: Head, name: string): string | null {
  let joined: string | null = null
  for (let field = findField(bytes, head, name); field >= 0; field = findField(bytes, head, name, field + 1)) {
    const value = textOf(bytes, head.valueFrom[field]!, head.valueTo[field]!)
    joined = joined === null ? value : `${joined},${value}`
  }
  return joined
}
