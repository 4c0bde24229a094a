import { ApiError } from '../api/problem.ts'
import { bearerToken } from '../identity/bearer.ts'
import type { ControlPlaneIdentity } from '../identity/control-plane-identity.ts'
import type { Clock } from '../std/clock.ts'
import { connectStream, GrpcChannel } from '../std/grpc-channel.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream } from '../std/message-stream.ts'
import { answerForwardedCall, forwardCall } from '../sync/forwarded-call.ts'
import { ReverseCallError, ReverseCaller } from '../sync/reverse-call.ts'
import type { Replicas } from './replicas.ts'

interface Options {
  readonly replicas: Replicas
  /** Replicas share its CA and keys: each knows the others by them. */
  readonly identity: ControlPlaneIdentity
  readonly instanceId: string
  readonly clock: Clock
  readonly log: Log
}

/** Whom a replica's token names: it may ask zones, and, as no role names it, nothing in the API. */
const replicaGroup = 'skerry:replica'
const replicaTokenTtlMs = 60_000

/** What global asks zones, at whichever replica they are. */
export class ZoneCalls {
  /** Zones that are connected here. */
  readonly reverse: ReverseCaller
  readonly #options: Options
  readonly #channels = new Map<string, GrpcChannel>()

  constructor(options: Options) {
    this.#options = options
    this.reverse = new ReverseCaller(options.clock, (zone, isReached) => options.replicas.tellReach(zone, isReached))
  }

  /** What only a zone can answer; its refusal or silence becomes the answer to whoever asked global. Throws ApiError. */
  async ask(zone: string, method: string, body: unknown): Promise<unknown> {
    const { replicas, clock } = this.#options
    try {
      const elsewhere = this.reverse.reaches(zone) ? undefined : replicas.reachedAt(zone)
      if (!elsewhere) return await this.reverse.call(zone, method, body)
      const { instance, address } = elsewhere
      const replica = address === undefined ? `instance ${instance}` : `${address} (instance ${instance})`
      return await forwardCall({ zone, method, body, replica }, (path, metadata) => this.#open(address, path, metadata), clock)
    } catch (error) {
      if (!(error instanceof ReverseCallError)) throw error
      const status = error.code === 'SKERRY_ZONE_REFUSED' ? 400 : 503
      throw new ApiError({ status, code: error.code, title: `Zone ${zone} could not be asked`, detail: error.message, cause: error })
    }
  }

  /** Another replica asks a zone that is connected here. */
  async serveReplica(stream: MessageStream): Promise<void> {
    const { identity, log } = this.#options
    try {
      const verdict = await identity.tokens.verify(bearerToken(stream.metadata), 'user')
      if (verdict.kind === 'refused') return stream.end({ code: 'UNAUTHENTICATED', message: `${verdict.code}: ${verdict.reason}` })
      if (!verdict.claims.groups.includes(replicaGroup))
        return stream.end({ code: 'PERMISSION_DENIED', message: 'only replicas of this control plane ask here' })
      await answerForwardedCall(stream, this.reverse)
    } catch (error) {
      log.error('a replica could not be answered', { peer: stream.peer, error })
      stream.end({ code: 'INTERNAL', message: 'this replica failed on it: see its log' })
    }
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close()
  }

  async #open(address: string | undefined, path: string, metadata: Readonly<Record<string, string>>): Promise<MessageStream> {
    const { identity, instanceId } = this.#options
    if (address === undefined) throw new Error('it does not say where it is reached: start it with --replica-address')
    const token = await identity.tokens.issue({
      type: 'user',
      claims: { name: `replica ${instanceId}`, groups: [replicaGroup] },
      ttlMs: replicaTokenTtlMs,
    })
    let channel = this.#channels.get(address)
    if (!channel) {
      channel = new GrpcChannel(address, { tls: { rootCaPem: identity.caPem, serverName: 'skerry-cp' } })
      this.#channels.set(address, channel)
    }
    return connectStream(channel, path, { ...metadata, authorization: `Bearer ${token}` })
  }
}
