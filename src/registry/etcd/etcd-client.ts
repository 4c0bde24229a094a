import type { ClientDuplexStream, Metadata, ServiceError } from '@grpc/grpc-js'
import type { IWatchRequest, IWatchResponse } from 'etcd3'
import { ConnectionPool } from 'etcd3/lib/connection-pool.js'
import { sleep, systemClock } from '../../std/clock.ts'
import { StoreUnavailableError } from '../store.ts'
import { EtcdCallError } from './etcd-errors.ts'
import { type EtcdOptions, parseEndpoints } from './etcd-options.ts'

type Service = 'KV' | 'Watch' | 'Lease' | 'Maintenance'
type Unary = (request: unknown, metadata: Metadata, options: object, done: (error: ServiceError | null, answer: unknown) => void) => void
export type WatchStream = ClientDuplexStream<IWatchRequest, IWatchResponse>

export interface Answer<T> {
  readonly value: T
  /** An earlier try of this call went unanswered: it may have been carried out, or may still be. */
  readonly hasOpenTries: boolean
}

/**
 * Calls to the members of an etcd cluster, each with a deadline of its own; a member that does not answer is left for the next. Every
 * call may reach etcd more than once: whoever calls sees to it that this does no harm.
 *
 * Of `etcd3` it takes connections, credentials and messages, and not its retries, watches and leases: see
 * docs/decisions/etcd-client.md.
 */
export class EtcdClient {
  readonly name: string
  readonly #members: readonly ConnectionPool[]
  readonly #timeoutMs: number
  readonly #attemptMs: number
  readonly #closing = new AbortController()
  /** The member that answered last. */
  #current = 0

  constructor(options: EtcdOptions) {
    const { hosts, isSecure } = parseEndpoints(options.endpoints)
    this.name = `etcd at ${options.endpoints.join(', ')}`
    this.#timeoutMs = options.timeoutMs ?? 2000
    this.#attemptMs = options.attemptMs ?? 700
    this.#members = hosts.map(
      host => new ConnectionPool({ hosts: `${isSecure ? 'https' : 'http'}://${host}`, ...poolOptions(options, isSecure) }),
    )
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Throws EtcdCallError when a member refuses the call itself, StoreUnavailableError when the time is up. */
  async call<T>(service: Service, method: string, request: object, timeoutMs = this.#timeoutMs): Promise<Answer<T>> {
    const end = systemClock.monotonic() + timeoutMs
    let hasOpenTries = false
    let lastError: EtcdCallError | undefined
    for (let tries = 0; !this.isClosed; tries++) {
      const leftMs = end - systemClock.monotonic()
      if (leftMs <= 0) break
      // The last try may take what is left: a cluster that is only slow is not given up half a second early.
      const member = this.#current
      const result = await this.#ask<T>(member, service, method, request, Math.min(leftMs, this.#attemptMs))
      if (!(result instanceof EtcdCallError)) return { value: result, hasOpenTries }
      if (!result.isTransient) throw result
      lastError = result
      hasOpenTries ||= result.mayHaveApplied
      this.#leave(member)
      // Once round the cluster without a pause, then slower.
      if ((tries + 1) % this.#members.length === 0) await sleep(systemClock, 50, this.#closing.signal)
    }
    throw new StoreUnavailableError(this.name, lastError?.details ?? 'it was closed', hasOpenTries)
  }

  /** A stream to the current member, which ends it when it has no leader. */
  async openWatch(): Promise<{ readonly stream: WatchStream; leave(): void }> {
    const member = this.#current
    const stream = await this.#members[member]!.withConnection('Watch', ({ client, metadata }) =>
      (client as unknown as { watch(metadata: Metadata): WatchStream }).watch(needingLeader(metadata)),
    )
    return { stream, leave: () => this.#leave(member) }
  }

  /** One keep-alive of a lease. @returns its time to live in seconds, 0 when it is gone. */
  async keepAlive(id: string, timeoutMs: number): Promise<number> {
    const member = this.#current
    const ttl = await this.#members[member]!.withConnection('Lease', ({ client, metadata }) => {
      const open = (client as unknown as { leaseKeepAlive(metadata: Metadata, options: object): WatchStream }).leaseKeepAlive
      const stream = open.call(client, needingLeader(metadata), { deadline: Date.now() + timeoutMs })
      return new Promise<number | EtcdCallError>(resolve => {
        stream.on('data', answer => {
          resolve(Number((answer as unknown as { TTL: string }).TTL))
          stream.end()
        })
        stream.on('error', error => resolve(EtcdCallError.from(error as ServiceError)))
        stream.on('end', () => resolve(new EtcdCallError(14, 'the member ended the stream')))
        stream.write({ ID: id } as unknown as IWatchRequest)
      })
    })
    if (!(ttl instanceof EtcdCallError)) return ttl
    this.#leave(member)
    throw ttl
  }

  close(): void {
    this.#closing.abort()
    for (const member of this.#members) member.close()
  }

  async #ask<T>(member: number, service: Service, method: string, request: object, ms: number): Promise<T | EtcdCallError> {
    const pool = this.#members[member]!
    try {
      // An error is an answer here and not thrown: the pool would close its connection over it, and every call under way with it.
      return await pool
        .withConnection(service, ({ client, metadata }) => {
          const unary = (client as unknown as Record<string, Unary>)[method]!
          return new Promise<T | EtcdCallError>(resolve => {
            unary.call(client, request, needingLeader(metadata), { deadline: Date.now() + ms }, (error, answer) =>
              resolve(error ? EtcdCallError.from(error) : (answer as T)),
            )
          })
        })
        .then(result => {
          if (result instanceof EtcdCallError && result.isStaleToken) forgetToken(pool)
          return result
        })
    } catch (error) {
      return EtcdCallError.from(error as ServiceError) // no token: the pool asks for one before it calls
    }
  }

  /** Unless another call has done so already. */
  #leave(member: number): void {
    if (this.#current === member) this.#current = (member + 1) % this.#members.length
  }
}

/** etcd3 does so itself only for its own calls. */
function forgetToken(pool: ConnectionPool): void {
  const { authenticator } = pool as unknown as { readonly authenticator: { invalidateMetadata(): void } }
  authenticator.invalidateMetadata()
}

/** A member without a leader refuses such a call at once; otherwise it would keep it for 5 s and two election timeouts. */
function needingLeader(metadata: Metadata): Metadata {
  const needing = metadata.clone()
  needing.set('hasleader', 'true')
  return needing
}

function poolOptions({ ca, certificate, user }: EtcdOptions, isSecure: boolean): object {
  return {
    // A field that is there but undefined would make it speak TLS with no CA at all.
    ...(isSecure && (ca || certificate)
      ? { credentials: { rootCertificate: ca ?? null, ...(certificate && { privateKey: certificate.key, certChain: certificate.cert }) } }
      : {}),
    ...(user ? { auth: { username: user.name, password: user.password, callOptions: () => ({ deadline: Date.now() + 1000 }) } } : {}),
    grpcOptions: {
      // Pages and commits are bounded by etcd; grpc-js would refuse answers beyond 4 MB.
      'grpc.max_receive_message_length': -1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
      // etcd closes connections that ping more often than every 5 s.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 3000,
    },
  }
}
