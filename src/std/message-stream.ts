/**
 * A bidirectional stream of whole messages (bytes in, bytes out): the seam between protocols (xds, sync, agent) and their
 * transport. Ends: gRPC (`std/grpc.ts`), memory (`memoryStreamPair`, for tests and simulation).
 */
export interface MessageStream {
  /** Metadata of the other side, names in lower case. */
  readonly metadata: ReadonlyMap<string, string>
  /** Address of the other side, for logs; '' in memory. */
  readonly peer: string
  /** Messages in order. Ends when the other side has ended; throws StreamError when the stream broke. One reader only. */
  readonly messages: AsyncIterable<Uint8Array>
  /** Queues a message. false = the other side does not keep up: wait for `drained` before sending more. After the end: ignored. */
  send(message: Uint8Array): boolean
  /** Resolves when `send` would take a message without queueing, or when the stream has ended. */
  drained(): Promise<void>
  /** Ends in good order, or with a status. Idempotent. */
  end(status?: StreamStatus): void
  /** Resolves once, when both directions are over, with how it ended. Never rejects. */
  readonly closed: Promise<StreamStatus>
}

/** Codes are gRPC's: https://grpc.io/docs/guides/status-codes/ */
export interface StreamStatus {
  readonly code: StatusCode
  readonly message: string
}

export type StatusCode =
  | 'OK'
  | 'CANCELLED'
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED'
  | 'INTERNAL'
  | 'UNKNOWN'
  | 'DEADLINE_EXCEEDED'
  | 'UNIMPLEMENTED'

export class StreamError extends Error {
  override name = 'StreamError'
  readonly code = 'SKERRY_STREAM_CLOSED'
  readonly status: StreamStatus
  constructor(status: StreamStatus) {
    super(`${status.code}: ${status.message}`)
    this.status = status
  }
}
