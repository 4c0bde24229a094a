import type { Slab } from '../transport/slab.ts'
import { type Edits, isRemoved } from './edits.ts'
import { FIELD, type Head, isName } from './head.ts'

/** How a request goes on. */
export interface Onward {
  /** Path and query, canonical, rewritten. */
  readonly target: string
  /** Replaces `Host`; null = as the client sent it. */
  readonly host: string | null
  readonly edits: Edits
  /** Replaces `grpc-timeout`. */
  readonly grpcTimeout?: string
}

/** What the next hop is told about the client. */
export interface Origin {
  readonly address: string
  readonly scheme: 'http' | 'https'
  /** SPIFFE ID proven by mTLS. */
  readonly peer: string | null
  /** Its own word on earlier hops is believed: a proxy of the mesh, or the application beside this proxy. */
  readonly isTrusted: boolean
}

/** Writes the request's head for the next hop. What is between the client and us goes first, what we add comes last: nothing that the client named can take it away. */
export function composeRequest(out: Slab, bytes: Buffer, head: Head, onward: Onward, origin: Origin): void {
  out.put(bytes, head.methodFrom, head.methodTo + 1)
  out.putText(onward.target)
  out.putText(head.minor === 0 ? ' HTTP/1.0\r\n' : ' HTTP/1.1\r\n')
  if (onward.host !== null) {
    out.putText('host: ')
    out.putText(onward.host)
    out.putText('\r\n')
  }
  let forwardedFor = -1
  let hasProto = false
  let from = head.fields === 0 ? 0 : head.nameFrom[0]!
  for (let field = 0; field < head.fields; field++) {
    let keep: boolean
    switch (head.meaning[field]) {
      case FIELD.endToEnd:
        keep = true
        break
      case FIELD.contentLength:
      case FIELD.transferEncoding:
        keep = true
        break
      case FIELD.host:
        keep = onward.host === null
        break
      case FIELD.forwardedFor:
        // Written anew below, as one field.
        keep = false
        if (origin.isTrusted && forwardedFor < 0) forwardedFor = field
        break
      case FIELD.forwardedProto:
        keep = origin.isTrusted && !hasProto
        if (keep) hasProto = true
        break
      case FIELD.forwardedOther:
        keep = origin.isTrusted
        break
      default:
        keep = false
    }
    if (keep && onward.edits.remove.length !== 0 && isRemoved(onward.edits, bytes, head, field)) {
      keep = false
      if (head.meaning[field] === FIELD.forwardedProto) hasProto = false
    }
    if (keep && onward.grpcTimeout !== undefined && head.nameTo[field]! - head.nameFrom[field]! === 12)
      keep = !isName(bytes, head.nameFrom[field]!, 'grpc-timeout')
    if (keep) continue
    out.put(bytes, from, head.nameFrom[field]!)
    from = head.lineTo[field]!
  }
  if (head.fields > 0) out.put(bytes, from, head.lineTo[head.fields - 1]!)

  out.putText('x-forwarded-for: ')
  for (let field = forwardedFor; field >= 0 && field < head.fields; field++) {
    if (head.meaning[field] !== FIELD.forwardedFor) continue
    out.put(bytes, head.valueFrom[field]!, head.valueTo[field]!)
    out.putText(', ')
  }
  out.putText(origin.address)
  out.putText('\r\n')
  if (!hasProto) out.putText(origin.scheme === 'https' ? 'x-forwarded-proto: https\r\n' : 'x-forwarded-proto: http\r\n')
  if (origin.peer !== null) {
    out.putText('x-forwarded-client-cert: URI=')
    out.putText(origin.peer)
    out.putText('\r\n')
  }
  if (onward.grpcTimeout !== undefined) out.putText(`grpc-timeout: ${onward.grpcTimeout}\r\n`)
  if (onward.edits.append.length !== 0) out.putAll(onward.edits.append)
  out.putText('\r\n')
}
