import type { OutgoingHttpHeaders } from 'node:http2'
import { textOf } from './head.ts'

/**
 * Heads of HTTP/2 as HTTP/1.1 writes them, and back: within this proxy a head has one form, so that there is one reader that is strict about
 * it, one matcher and one set of rules for what travels on. https://www.rfc-editor.org/rfc/rfc9113#section-8
 */
export type Head1 =
  | { readonly kind: 'ok'; readonly bytes: Buffer; readonly isGrpc: boolean; readonly grpcTimeout: string | null }
  | { readonly kind: 'bad'; readonly reason: string }

const bad = (reason: string): Head1 => ({ kind: 'bad', reason })

/** What would be a line of its own in HTTP/1.1. */
const BREAKS = /[\r\n\0]/

/** Of one connection only, or said otherwise in HTTP/2. */
const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** @param raw names and values in turn, as they came. `isLast`: no body follows */
export function requestHead1(raw: readonly string[], isLast: boolean): Head1 {
  const pseudo: Record<string, string> = {}
  let fields = ''
  let cookie = ''
  let host: string | null = null
  let hasLength = false
  let contentType = ''
  let grpcTimeout: string | null = null
  for (let i = 0; i < raw.length; i += 2) {
    const [name, value] = [raw[i]!, raw[i + 1]!]
    if (BREAKS.test(value)) return bad('a line break in a header')
    if (name.startsWith(':')) pseudo[name] = value
    else if (name === 'host') host = value
    // Crumbs of one field: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.3
    else if (name === 'cookie') cookie = cookie === '' ? value : `${cookie}; ${value}`
    else if (!connectionFields.has(name)) {
      fields += `${name}: ${value}\r\n`
      if (name === 'content-length') hasLength = true
      else if (name === 'content-type') contentType = value
      else if (name === 'grpc-timeout') grpcTimeout = value
    }
  }
  const { ':method': method = '', ':path': path = '*', ':authority': authority = host } = pseudo
  if (authority !== null) fields = `host: ${authority}\r\n${fields}`
  if (cookie !== '') fields += `cookie: ${cookie}\r\n`
  if (!isLast && !hasLength) fields += 'transfer-encoding: chunked\r\n'
  const isGrpc = isGrpcType(contentType)
  return { kind: 'ok', bytes: Buffer.from(`${method} ${path} HTTP/1.1\r\n${fields}\r\n`, 'latin1'), isGrpc, grpcTimeout }
}

/** @param raw names and values in turn, as they came */
export function responseHead1(raw: readonly string[]): Buffer | null {
  let status = ''
  let fields = ''
  for (let i = 0; i < raw.length; i += 2) {
    const [name, value] = [raw[i]!, raw[i + 1]!]
    if (BREAKS.test(value)) return null
    if (name === ':status') status = value
    else if (!name.startsWith(':') && !connectionFields.has(name)) fields += `${name}: ${value}\r\n`
  }
  return Buffer.from(`HTTP/1.1 ${status} \r\n${fields}\r\n`, 'latin1')
}

/** Of a head that was composed here. */
export function requestHeaders2(head: Buffer, scheme: 'http' | 'https'): OutgoingHttpHeaders {
  const lines = linesOf(head)
  const [method, path] = lines[0]!.split(' ')
  const headers: OutgoingHttpHeaders = { __proto__: null as never, ':method': method, ':scheme': scheme, ':path': path }
  for (const line of lines) if (/^host: /i.test(line)) headers[':authority'] = line.slice(6).trim()
  addFields(headers, lines)
  // Nothing else may stand there, and gRPC's servers take its absence for a proxy that cannot carry trailers.
  if (isGrpcType(String(headers['content-type'] ?? ''))) headers.te = 'trailers'
  return headers
}

/** Of a head that was composed here. */
export function responseHeaders2(head: Buffer): OutgoingHttpHeaders {
  const lines = linesOf(head)
  const headers: OutgoingHttpHeaders = { __proto__: null as never, ':status': lines[0]!.slice(9, 12) }
  addFields(headers, lines)
  return headers
}

/** Trailers as they may travel on. */
export function trailers2(trailers: readonly string[]): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { __proto__: null as never }
  for (let i = 0; i < trailers.length; i += 2)
    if (!trailers[i]!.startsWith(':') && !connectionFields.has(trailers[i]!)) add(headers, trailers[i]!, trailers[i + 1]!)
  return headers
}

function linesOf(head: Buffer): string[] {
  return textOf(head, 0, head.length - 4).split('\r\n')
}

function addFields(headers: OutgoingHttpHeaders, lines: readonly string[]): void {
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    if (!connectionFields.has(name)) add(headers, name, line.slice(colon + 1).trim())
  }
}

function add(headers: OutgoingHttpHeaders, name: string, value: string): void {
  const before = headers[name]
  if (before === undefined) headers[name] = value
  else if (Array.isArray(before)) before.push(value)
  else headers[name] = [String(before), value]
}

function isGrpcType(contentType: string): boolean {
  return /^application\/grpc(?:$|[+;])/i.test(contentType)
}
