import { FIELD, type Head, isName, MAX_FIELDS, MAX_HEAD_BYTES, textOf } from './head.ts'

/** More bytes are needed. */
export const INCOMPLETE = 0
/** Refusals are the negative of the status to answer with. */
export const BAD_REQUEST = -400
export const HEAD_TOO_LARGE = -431
export const NOT_IMPLEMENTED = -501
export const VERSION_NOT_SUPPORTED = -505

const TOKEN = new Uint8Array(256)
const VALUE = new Uint8Array(256)
/** 1: fine as it is; 2: the path must be looked at (`%`, `//`, `/.`, `\`, `#`). */
const TARGET = new Uint8Array(256)
for (const c of "!#$%&'*+-.^`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") TOKEN[c.charCodeAt(0)] = 1
TOKEN['_'.charCodeAt(0)] = 2
for (let i = 0x20; i < 256; i++) if (i !== 0x7f) VALUE[i] = 1
VALUE[9] = 1
for (let i = 0x21; i < 0x7f; i++) TARGET[i] = 1
for (const c of '%\\#') TARGET[c.charCodeAt(0)] = 2

const CR = 13
const LF = 10
const SP = 32
const TAB = 9
const COLON = 58
const COMMA = 44

/**
 * Reads a request head from `bytes[from, to)` into `head`. Answers with the offset after it, INCOMPLETE, or the refusal.
 * Stricter than RFC 9112 allows wherever two readers could disagree about where a message ends: CRLF only, no folded lines, no blank before
 * the colon, one Content-Length, never Content-Length with Transfer-Encoding, `chunked` as the only coding.
 */
export function parseRequest(bytes: Buffer, from: number, to: number, head: Head): number {
  const end = readRequest(bytes, from, to, head)
  return end === INCOMPLETE && to - from >= MAX_HEAD_BYTES ? HEAD_TOO_LARGE : end > from + MAX_HEAD_BYTES ? HEAD_TOO_LARGE : end
}

/** As `parseRequest`. A refusal says that the upstream does not speak HTTP/1. */
export function parseResponse(bytes: Buffer, from: number, to: number, head: Head): number {
  const end = readResponse(bytes, from, to, head)
  return end === INCOMPLETE && to - from >= MAX_HEAD_BYTES ? HEAD_TOO_LARGE : end > from + MAX_HEAD_BYTES ? HEAD_TOO_LARGE : end
}

function readRequest(bytes: Buffer, from: number, to: number, head: Head): number {
  let i = from
  // One empty line before a request is forgiven (RFC 9112 §2.2).
  if (i + 1 < to && bytes[i] === CR && bytes[i + 1] === LF) i += 2
  head.methodFrom = i
  while (i < to && TOKEN[bytes[i]!] !== 0) i++
  if (i >= to) return i - head.methodFrom > 32 ? BAD_REQUEST : INCOMPLETE
  if (bytes[i] !== SP || i === head.methodFrom) return BAD_REQUEST
  head.methodTo = i
  head.targetFrom = ++i
  let seen = 0
  let previous = 0
  while (i < to) {
    const byte = bytes[i]!
    const kind = TARGET[byte]!
    if (kind === 0) break
    if (kind === 2 || (previous === 47 && (byte === 47 || byte === 46))) seen = 2
    previous = byte
    i++
  }
  head.targetTo = i
  head.targetIsPlain = seen === 0
  if (i < to && (bytes[i] !== SP || i === head.targetFrom)) return BAD_REQUEST
  if (i + 11 > to) return INCOMPLETE
  const version = readVersion(bytes, i + 1, head)
  if (version !== 0) return version
  if (bytes[i + 9] !== CR || bytes[i + 10] !== LF) return BAD_REQUEST
  const end = readFields(bytes, i + 11, to, head, true)
  // HTTP/1.1 without Host is refused (RFC 9112 §3.2).
  return end > 0 && head.hostField < 0 && head.minor === 1 ? BAD_REQUEST : end
}

function readResponse(bytes: Buffer, from: number, to: number, head: Head): number {
  if (to - from < 13) return INCOMPLETE
  const version = readVersion(bytes, from, head)
  if (version !== 0 || bytes[from + 8] !== SP) return BAD_REQUEST
  const [a, b, c] = [bytes[from + 9]! - 48, bytes[from + 10]! - 48, bytes[from + 11]! - 48]
  if (a < 1 || a > 9 || b < 0 || b > 9 || c < 0 || c > 9) return BAD_REQUEST
  head.status = a * 100 + b * 10 + c
  head.reasonFrom = from + 9
  let i = from + 12
  if (bytes[i] !== SP && bytes[i] !== CR) return BAD_REQUEST
  while (i < to && VALUE[bytes[i]!] === 1) i++
  if (i + 1 >= to) return INCOMPLETE
  if (bytes[i] !== CR || bytes[i + 1] !== LF) return BAD_REQUEST
  head.reasonTo = i
  return readFields(bytes, i + 2, to, head, false)
}

/** 0, or the refusal. */
function readVersion(bytes: Buffer, i: number, head: Head): number {
  if (bytes[i] !== 72 || bytes[i + 1] !== 84 || bytes[i + 2] !== 84 || bytes[i + 3] !== 80 || bytes[i + 4] !== 47 || bytes[i + 6] !== 46)
    return BAD_REQUEST
  const [major, minor] = [bytes[i + 5]! - 48, bytes[i + 7]! - 48]
  if (major < 0 || major > 9 || minor < 0 || minor > 9) return BAD_REQUEST
  if (major !== 1) return VERSION_NOT_SUPPORTED
  head.minor = minor === 0 ? 0 : 1
  head.keepAlive = minor !== 0
  return 0
}

function readFields(bytes: Buffer, from: number, to: number, head: Head, isRequest: boolean): number {
  head.fields = 0
  head.contentLength = -1
  head.chunked = head.connectionUpgrade = false
  head.upgrade = head.hostField = head.refusedField = head.keepAliveField = -1
  let connections = 0
  let i = from
  for (;;) {
    if (i >= to) return INCOMPLETE
    if (bytes[i] === CR) {
      if (i + 1 >= to) return INCOMPLETE
      if (bytes[i + 1] !== LF) return BAD_REQUEST
      break
    }
    const nameFrom = i
    let kinds = 0
    for (; i < to; i++) {
      const kind = TOKEN[bytes[i]!]!
      if (kind === 0) break
      kinds |= kind
    }
    if (i >= to) return INCOMPLETE
    if (bytes[i] !== COLON || i === nameFrom) return BAD_REQUEST
    const nameTo = i++
    while (i < to && (bytes[i] === SP || bytes[i] === TAB)) i++
    const valueFrom = i
    while (i < to && VALUE[bytes[i]!] === 1) i++
    if (i + 1 >= to) return INCOMPLETE
    if (bytes[i] !== CR || bytes[i + 1] !== LF) return BAD_REQUEST
    let valueTo = i
    while (valueTo > valueFrom && (bytes[valueTo - 1] === SP || bytes[valueTo - 1] === TAB)) valueTo--
    i += 2
    const field = head.fields
    if (field === MAX_FIELDS) return HEAD_TOO_LARGE
    head.fields = field + 1
    head.nameFrom[field] = nameFrom
    head.nameTo[field] = nameTo
    head.valueFrom[field] = valueFrom
    head.valueTo[field] = valueTo
    head.lineTo[field] = i
    // `X_Forwarded_For` is `X-Forwarded-For` to a CGI-like reader behind us: it must not slip past the checks on the latter.
    const meaning = isRequest && (kinds & 2) !== 0 && !head.keepsUnderscores ? FIELD.dropped : meaningOf(bytes, nameFrom, nameTo - nameFrom)
    head.meaning[field] = meaning
    switch (meaning) {
      case FIELD.host:
        if (isRequest && head.hostField >= 0) return BAD_REQUEST
        head.hostField = field
        break
      case FIELD.contentLength: {
        if (head.contentLength >= 0) return BAD_REQUEST
        const length = readLength(bytes, valueFrom, valueTo)
        if (length < 0) return BAD_REQUEST
        head.contentLength = length
        break
      }
      case FIELD.transferEncoding:
        if (head.chunked) return BAD_REQUEST
        if (valueTo - valueFrom !== 7 || !isName(bytes, valueFrom, 'chunked')) return NOT_IMPLEMENTED
        head.chunked = true
        break
      case FIELD.connection:
        connections++
        break
      case FIELD.keepAlive:
        head.keepAliveField = field
        break
      case FIELD.refused:
        head.refusedField = field
        break
      case FIELD.dropped:
        if (nameTo - nameFrom === 7 && isName(bytes, nameFrom, 'upgrade')) head.upgrade = field
        break
    }
  }
  // The classic pairs of request smuggling.
  if (head.chunked && (head.contentLength >= 0 || head.minor === 0)) return BAD_REQUEST
  if (connections > 0 && !readConnectionOptions(bytes, head)) return BAD_REQUEST
  return i + 2
}

function meaningOf(bytes: Buffer, from: number, length: number): number {
  // Most names are dismissed by their length alone.
  switch (length) {
    case 2:
      return isName(bytes, from, 'te') ? FIELD.dropped : FIELD.endToEnd
    case 4:
      return isName(bytes, from, 'host') ? FIELD.host : FIELD.endToEnd
    case 7:
      return isName(bytes, from, 'upgrade') || isName(bytes, from, 'trailer') ? FIELD.dropped : FIELD.endToEnd
    case 9:
      return isName(bytes, from, 'forwarded') || isName(bytes, from, 'x-real-ip') ? FIELD.forwardedOther : FIELD.endToEnd
    case 10:
      return isName(bytes, from, 'connection') ? FIELD.connection : isName(bytes, from, 'keep-alive') ? FIELD.keepAlive : FIELD.endToEnd
    case 14:
      return isName(bytes, from, 'content-length')
        ? FIELD.contentLength
        : isName(bytes, from, 'http2-settings')
          ? FIELD.dropped
          : FIELD.endToEnd
    case 15:
      return isName(bytes, from, 'x-forwarded-for') ? FIELD.forwardedFor : FIELD.endToEnd
    case 16:
      return isName(bytes, from, 'proxy-connection')
        ? FIELD.dropped
        : isName(bytes, from, 'x-skerry-refused')
          ? FIELD.refused
          : isName(bytes, from, 'x-forwarded-host') || isName(bytes, from, 'x-forwarded-port')
            ? FIELD.forwardedOther
            : FIELD.endToEnd
    case 17:
      return isName(bytes, from, 'transfer-encoding')
        ? FIELD.transferEncoding
        : isName(bytes, from, 'x-forwarded-proto')
          ? FIELD.forwardedProto
          : FIELD.endToEnd
    case 19:
      return isName(bytes, from, 'proxy-authorization') ? FIELD.dropped : FIELD.endToEnd
    case 23:
      return isName(bytes, from, 'x-forwarded-client-cert') ? FIELD.clientCertificate : FIELD.endToEnd
    default:
      return FIELD.endToEnd
  }
}

/** Decimal digits only, below 2^53, or -1. */
function readLength(bytes: Buffer, from: number, to: number): number {
  if (from === to || to - from > 15) return -1
  let length = 0
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 48
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return length
}

/** Fields that `Connection` names are between the peer and us. False: it names one that decides where the message ends or goes. */
function readConnectionOptions(bytes: Buffer, head: Head): boolean {
  for (let field = 0; field < head.fields; field++) {
    if (head.meaning[field] !== FIELD.connection) continue
    const to = head.valueTo[field]!
    for (let from = head.valueFrom[field]!; from < to; ) {
      let end = from
      while (end < to && bytes[end] !== COMMA) end++
      let [x, y] = [from, end]
      while (x < y && (bytes[x] === SP || bytes[x] === TAB)) x++
      while (y > x && (bytes[y - 1] === SP || bytes[y - 1] === TAB)) y--
      if (y > x && !applyOption(bytes, x, y - x, head)) return false
      from = end + 1
    }
  }
  return true
}

function applyOption(bytes: Buffer, from: number, length: number, head: Head): boolean {
  if (length === 5 && isName(bytes, from, 'close')) head.keepAlive = false
  else if (length === 10 && isName(bytes, from, 'keep-alive')) {
    // `close` beside it wins, whatever the order; for HTTP/1.0 we keep to one request a connection.
  } else if (length === 7 && isName(bytes, from, 'upgrade')) head.connectionUpgrade = true
  else {
    const name = textOf(bytes, from, from + length).toLowerCase()
    for (let field = 0; field < head.fields; field++) {
      const at = head.nameFrom[field]!
      if (head.nameTo[field]! - at !== length || !isName(bytes, at, name)) continue
      const meaning = head.meaning[field]
      if (meaning === FIELD.host || meaning === FIELD.contentLength || meaning === FIELD.transferEncoding) return false
      if (meaning !== FIELD.connection && meaning !== FIELD.keepAlive) head.meaning[field] = FIELD.dropped
    }
  }
  return true
}
