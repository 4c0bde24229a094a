import type { ServiceError } from '@grpc/grpc-js'

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const status = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  aborted: 10,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
}

/** What a member of the cluster, or the way to it, answered instead of a result. */
export class EtcdCallError extends Error {
  override name = 'EtcdCallError'
  readonly code = 'SKERRY_ETCD_CALL'
  /** gRPC status. */
  readonly status: number
  readonly details: string

  static from(error: ServiceError): EtcdCallError {
    return new EtcdCallError(error.code ?? status.unknown, error.details || error.message)
  }

  constructor(status: number, details: string) {
    super(details)
    this.status = status
    this.details = details
  }

  /** Worth another try, or another member. */
  get isTransient(): boolean {
    switch (this.status) {
      case status.resourceExhausted:
        return this.details.includes('too many requests')
      case status.unauthenticated:
        return this.isStaleToken
      case status.unknown:
        return !this.details.startsWith('etcdserver: permission denied')
      default:
        return transient.has(this.status) || this.isStaleToken
    }
  }

  /** It is not known that nothing was done. */
  get mayHaveApplied(): boolean {
    return this.isTransient && !this.isStaleToken && !neverSent.some(sign => this.details.includes(sign))
  }

  /** A token lives for five minutes, and only as long as users and roles stay as they are. */
  get isStaleToken(): boolean {
    return this.details.includes('etcdserver: invalid auth token') || this.details.includes('etcdserver: revision of auth store is old')
  }

  get isFull(): boolean {
    return this.details.includes('etcdserver: mvcc: database space exceeded')
  }

  get isTooLarge(): boolean {
    return (
      this.details.includes('etcdserver: request is too large') ||
      this.details.includes('etcdserver: too many operations in txn request') ||
      this.details.includes('received message larger than max')
    )
  }

  get isUnknownLease(): boolean {
    return this.details.includes('etcdserver: requested lease not found')
  }

  get isCompacted(): boolean {
    return this.details.includes('etcdserver: mvcc: required revision has been compacted')
  }
}

const transient = new Set([status.cancelled, status.deadlineExceeded, status.aborted, status.internal, status.unavailable])

/** A member that says so has not passed the call on; all but the first two are grpc-js's, before it had a connection. */
const neverSent = [
  'etcdserver: no leader',
  'too many requests',
  'ECONNREFUSED',
  'No connection established',
  'Waiting for LB pick',
  'waiting for name resolution',
]
