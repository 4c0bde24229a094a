import { fieldText, type Head } from '../codec/head.ts'
import type { Outcome } from '../upstream/ejection.ts'

/** Statuses of gRPC that a proxy has to do with. https://grpc.io/docs/guides/status-codes/ */
export const GRPC = { ok: 0, cancelled: 1, unknown: 2, deadlineExceeded: 4, permissionDenied: 7, internal: 13, unavailable: 14 } as const

/** What a status of HTTP means to a gRPC client, but for 504: that one is only given for a deadline here.
 *  https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
export function grpcStatusOf(status: number): number {
  switch (status) {
    case 200:
      return GRPC.ok
    case 400:
      return GRPC.internal
    case 401:
      return 16
    case 403:
      return GRPC.permissionDenied
    case 404:
      return 12
    case 504:
      return GRPC.deadlineExceeded
    case 429:
    case 502:
    case 503:
      return GRPC.unavailable
    default:
      return GRPC.unknown
  }
}

/** How a gRPC status counts for the host that gave it, as its status of HTTP would in Envoy (`Grpc::Utility::grpcToHttpStatus`). */
export function grpcOutcome(status: number): Outcome {
  switch (status) {
    case GRPC.deadlineExceeded:
    case GRPC.unavailable:
      return 'gateway'
    case GRPC.unknown:
    case 12:
    case GRPC.internal:
    case 15:
      return 'server'
    default:
      return 'success'
  }
}

/** `grpc-status` of a response without a body, or null. */
export function grpcStatusIn(bytes: Buffer, head: Head): number | null {
  const text = fieldText(bytes, head, 'grpc-status')
  return text !== null && /^\d{1,3}$/.test(text) ? Number(text) : null
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** `grpc-timeout` in milliseconds, at least one; null when it is none. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
export function grpcTimeoutMs(text: string): number | null {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text)
  return match ? Math.max(1, Math.ceil(Number(match[1]) * unitMs[match[2]!]!)) : null
}

/** At most eight digits. */
export function formatGrpcTimeout(ms: number): string {
  return ms < 1e8 ? `${Math.max(1, Math.ceil(ms))}m` : `${Math.ceil(ms / 1000)}S`
}

/** `grpc-message`: all but printable ASCII escaped, and the percent sign. */
export function grpcMessage(text: string): string {
  return [...Buffer.from(text, 'utf8')]
    .map(byte =>
      byte >= 32 && byte <= 126 && byte !== 37 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('')
}
