import { classes, type Rcode, rcodes, recordTypes } from './codes.ts'

/** What a resolver asks. */
export interface Query {
  readonly id: number
  readonly recursionDesired: boolean
  /** Lower case, without the last dot; '' = the root. Bytes that host names do not have are escaped (`\046` for a dot inside a label), so that
   *  two questions have one name only when they are the same. */
  readonly name: string
  readonly type: number
  readonly class: number
  /** The question as it came: its letters are echoed as they were. https://datatracker.ietf.org/doc/html/draft-vixie-dnsext-dns0x20 */
  readonly question: Uint8Array
  /** What the resolver can do beyond plain DNS; null = nothing. https://www.rfc-editor.org/rfc/rfc6891 */
  readonly edns: { readonly payloadBytes: number } | null
}

export type ReadQuery =
  | { readonly kind: 'query'; readonly query: Query }
  /** Not a question at all: an answer to it could be an answer to an answer. */
  | { readonly kind: 'ignore' }
  | {
      readonly kind: 'refuse'
      readonly rcode: Rcode
      readonly id: number
      readonly opcode: number
      readonly recursionDesired: boolean
      readonly hasEdns: boolean
      /** Where it could be read. */
      readonly question?: Uint8Array
    }

const HEADER_BYTES = 12
const MAX_NAME_BYTES = 255

/** Reads a message that claims to be a question. Never throws. https://www.rfc-editor.org/rfc/rfc1035#section-4 */
export function readQuery(message: Uint8Array): ReadQuery {
  if (message.length < HEADER_BYTES) return { kind: 'ignore' }
  const view = new DataView(message.buffer, message.byteOffset, message.length)
  const flags = view.getUint16(2)
  if (flags & 0x8000) return { kind: 'ignore' }
  const head = { id: view.getUint16(0), opcode: (flags >> 11) & 0xf, recursionDesired: (flags & 0x100) !== 0 }
  const refuse = (rcode: Rcode): ReadQuery => ({ kind: 'refuse', rcode, ...head, hasEdns: false })
  if (head.opcode !== 0) return refuse(rcodes.NOTIMP)
  const counts = {
    questions: view.getUint16(4),
    answers: view.getUint16(6),
    authorities: view.getUint16(8),
    additionals: view.getUint16(10),
  }
  if (counts.questions !== 1 || counts.answers !== 0 || counts.authorities !== 0) return refuse(rcodes.FORMERR)

  const name = readName(message, HEADER_BYTES)
  if (name === null || name.end + 4 > message.length) return refuse(rcodes.FORMERR)
  const questionEnd = name.end + 4
  const additional = readAdditional(message, view, questionEnd, counts.additionals)
  if (additional === null) return refuse(rcodes.FORMERR)
  const question = message.slice(HEADER_BYTES, questionEnd)
  if (additional.edns && additional.edns.version !== 0) return { kind: 'refuse', rcode: rcodes.BADVERS, ...head, hasEdns: true, question }
  return {
    kind: 'query',
    query: {
      id: head.id,
      recursionDesired: head.recursionDesired,
      name: name.text,
      type: view.getUint16(name.end),
      class: view.getUint16(name.end + 2),
      question,
      edns: additional.edns && { payloadBytes: additional.edns.payloadBytes },
    },
  }
}

/** Does the server speak of this class? */
export function isInternet(query: Pick<Query, 'class'>): boolean {
  return query.class === classes.IN || query.class === classes.ANY
}

/** A name that stands in a question, where there is nothing before it to point to: a pointer is a mistake. */
function readName(message: Uint8Array, start: number): { readonly text: string; readonly end: number } | null {
  const labels: string[] = []
  let at = start
  for (;;) {
    const length = message[at]
    if (length === undefined || length > 63) return null
    if (at + length + 1 - start > MAX_NAME_BYTES) return null
    if (length === 0) return { text: labels.join('.'), end: at + 1 }
    if (at + 1 + length > message.length) return null
    labels.push(escapeLabel(message.subarray(at + 1, at + 1 + length)))
    at += length + 1
  }
}

function escapeLabel(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    const isPlain = (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f
    if (isPlain) text += String.fromCharCode(byte)
    else if (byte >= 0x41 && byte <= 0x5a) text += String.fromCharCode(byte + 0x20)
    else text += `\\${String(byte).padStart(3, '0')}`
  }
  return text
}

interface Additional {
  readonly edns: { readonly payloadBytes: number; readonly version: number } | null
}

/** Looks for the OPT record among what follows the question; null = it cannot be read, or there are two. */
function readAdditional(message: Uint8Array, view: DataView, start: number, count: number): Additional | null {
  let edns: Additional['edns'] = null
  let at = start
  for (let left = count; left > 0; left--) {
    const end = skipName(message, at)
    if (end === null || end + 10 > message.length) return null
    const next = end + 10 + view.getUint16(end + 8)
    if (next > message.length) return null
    if (view.getUint16(end) === recordTypes.OPT) {
      if (edns !== null || end !== at + 1) return null
      edns = { payloadBytes: view.getUint16(end + 2), version: message[end + 5]! }
    }
    at = next
  }
  return { edns }
}

/** Where a name ends, whatever it says. */
function skipName(message: Uint8Array, start: number): number | null {
  for (let at = start; ; ) {
    const length = message[at]
    if (length === undefined) return null
    if (length === 0) return at + 1
    if ((length & 0xc0) === 0xc0) return at + 2 <= message.length ? at + 2 : null
    if (length > 63) return null
    at += length + 1
  }
}
