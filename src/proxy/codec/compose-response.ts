import type { Slab } from '../transport/slab.ts'
import { type Edits, isRemoved } from './edits.ts'
import { FIELD, type Head } from './head.ts'

export interface Answering {
  readonly edits: Edits
  /** The connection to the client ends after this answer. */
  readonly closes: boolean
  /** The upstream's body ends with its connection: it is sent on in chunks, so that the client can tell its end from its loss. */
  readonly addsChunks: boolean
  /** There is no body, and nothing in the head says so yet. */
  readonly addsLength?: boolean
}

/** Writes the response's head for the client. */
export function composeResponse(out: Slab, bytes: Buffer, head: Head, answering: Answering): void {
  const { edits } = answering
  // RFC 9110 §8.6, RFC 9112 §6.1: no framing where there is no body by definition.
  const isBodiless = head.status < 200 || head.status === 204
  out.putText('HTTP/1.1 ')
  out.put(bytes, head.reasonFrom, head.reasonTo)
  out.putText(head.reasonTo - head.reasonFrom === 3 ? ' \r\n' : '\r\n')
  let from = head.fields === 0 ? 0 : head.nameFrom[0]!
  for (let field = 0; field < head.fields; field++) {
    let keep: boolean
    switch (head.meaning[field]) {
      case FIELD.dropped:
      case FIELD.connection:
      case FIELD.keepAlive:
      case FIELD.refused:
        keep = false
        break
      case FIELD.contentLength:
      case FIELD.transferEncoding:
        keep = !isBodiless
        break
      default:
        keep = true
    }
    if (keep && edits.remove.length !== 0 && isRemoved(edits, bytes, head, field)) keep = false
    if (keep) continue
    out.put(bytes, from, head.nameFrom[field]!)
    from = head.lineTo[field]!
  }
  if (head.fields > 0) out.put(bytes, from, head.lineTo[head.fields - 1]!)
  if (edits.append.length !== 0) out.putAll(edits.append)
  if (answering.addsLength) out.putText('content-length: 0\r\n')
  if (answering.addsChunks) out.putText('transfer-encoding: chunked\r\n')
  if (answering.closes) out.putText('connection: close\r\n')
  out.putText('\r\n')
}
