import { connect, constants } from 'node:http2'
import type { Probe, ProbeResult } from './probe.ts'

/** `SERVING` of `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
const serving = 1
const names: Readonly<Record<number, string>> = { 0: 'UNKNOWN', 2: 'NOT_SERVING', 3: 'SERVICE_UNKNOWN' }

/**
 * Asks `grpc.health.v1.Health/Check` once, over plain HTTP/2. Never rejects.
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export function probeGrpc({ host, port, service }: Extract<Probe, { kind: 'grpc' }>, timeoutMs: number): Promise<ProbeResult> {
  return new Promise(resolve => {
    const session = connect(`http://${host.includes(':') ? `[${host}]` : host}:${port}`)
    const timer = setTimeout(() => finish({ kind: 'down', reason: `no answer of grpc.health.v1 within ${timeoutMs} ms` }), timeoutMs)
    const finish = (result: ProbeResult) => {
      clearTimeout(timer)
      session.destroy()
      resolve(result)
    }
    // A stream hears of its session's end as of an error of its own, with the session's as the cause.
    const failed = (error: NodeJS.ErrnoException) => {
      const { code, message } = (error.cause as NodeJS.ErrnoException | undefined) ?? error
      const isNobody = code === 'ECONNREFUSED'
      finish(isNobody ? { kind: 'refused', reason: `nothing listens on ${host}:${port}` } : { kind: 'down', reason: message })
    }
    session.on('error', failed)
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
      [constants.HTTP2_HEADER_USER_AGENT]: 'skerry-probe',
      'grpc-timeout': `${timeoutMs}m`,
    })
    const chunks: Buffer[] = []
    let status = ''
    let message = ''
    const read = (headers: Readonly<Record<string, unknown>>) => {
      status = String(headers['grpc-status'] ?? status)
      message = decodeURIComponentSafely(String(headers['grpc-message'] ?? message))
    }
    stream.on('response', read)
    stream.on('trailers', read)
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', failed)
    stream.on('end', () => finish(verdict(status, message, Buffer.concat(chunks), service)))
    stream.end(request(service))
  })
}

function verdict(status: string, message: string, body: Buffer, service: string): ProbeResult {
  const what = service === '' ? 'the server' : service
  if (status !== '0') return { kind: 'down', reason: `grpc.health.v1 answered status ${status === '' ? 'none' : status} ${message}`.trim() }
  const said = servingStatus(body)
  return said === serving ? { kind: 'up' } : { kind: 'down', reason: `grpc.health.v1 says that ${what} is ${names[said] ?? said}` }
}

/** A frame (flag, length) with `HealthCheckRequest { string service = 1; }`. https://grpc.io/docs/guides/wire-protocol */
function request(service: string): Buffer {
  const name = Buffer.from(service)
  const length: number[] = []
  for (let rest = name.length; ; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest)
    if (rest <= 0x7f) break
  }
  const payload = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...length]), name])
  const frame = Buffer.alloc(5)
  frame.writeUInt32BE(payload.length, 1)
  return Buffer.concat([frame, payload])
}

/** Of `HealthCheckResponse { ServingStatus status = 1; }`; a field that is not there is 0. */
function servingStatus(body: Buffer): number {
  const payload = body.subarray(5)
  return payload[0] === 0x08 ? (payload[1] ?? 0) : 0
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
