import { type Head, textOf } from '../codec/head.ts'
import { hostOf, readTarget } from '../codec/target.ts'
import type { VirtualHost } from '../compile/table.ts'
import type { PreparedRoute } from './match-route.ts'

/** What a request asks for, in the one form that is matched, logged and sent. */
export class Request {
  readonly method: string
  /** Canonical; '*' of OPTIONS. */
  readonly path: string
  /** With `?`, or ''. */
  readonly query: string
  /** Without port, lower case; '' when an HTTP/1.0 client sent none. */
  readonly host: string
  /** Replaces `Host`: from an absolute-form target. */
  readonly authority: string | null
  /** HTTP/1.minor */
  readonly minor: number
  /** A call of gRPC, which is told of failures in gRPC's own words. */
  isGrpc = false
  /** How long its caller waits, by its own word. */
  grpcTimeoutMs: number | null = null
  virtualHost: VirtualHost | null = null
  route: PreparedRoute | null = null

  constructor(parts: { method: string; path: string; query: string; host: string; authority: string | null; minor: number }) {
    this.method = parts.method
    this.path = parts.path
    this.query = parts.query
    this.host = parts.host
    this.authority = parts.authority
    this.minor = parts.minor
  }
}

/** The request, or the reason to refuse it with 400. */
export function readRequest(bytes: Buffer, head: Head): Request | string {
  const method = methodOf(bytes, head)
  const target = readTarget(textOf(bytes, head.targetFrom, head.targetTo), head.targetIsPlain)
  if (target.kind === 'bad') return target.reason
  if (target.path === '*' && method !== 'OPTIONS') return 'the target * is for OPTIONS only'
  const { hostField } = head
  const sent = hostField < 0 ? '' : textOf(bytes, head.valueFrom[hostField]!, head.valueTo[hostField]!)
  const authority = target.authority ?? sent
  const host = authority === '' ? '' : hostOf(authority)
  if (host === null) return 'the host is not a valid name or address'
  return new Request({ method, path: target.path, query: target.query, host, authority: target.authority, minor: head.minor })
}

/** Nearly all methods are one of these, and a string that exists need not be made. */
function methodOf(bytes: Buffer, head: Head): string {
  const from = head.methodFrom
  const length = head.methodTo - from
  if (length === 3) {
    if (bytes[from] === 71 && bytes[from + 1] === 69 && bytes[from + 2] === 84) return 'GET'
    if (bytes[from] === 80 && bytes[from + 1] === 85 && bytes[from + 2] === 84) return 'PUT'
  } else if (length === 4 && bytes[from] === 80 && bytes[from + 1] === 79 && bytes[from + 2] === 83 && bytes[from + 3] === 84) return 'POST'
  return textOf(bytes, from, head.methodTo)
}
