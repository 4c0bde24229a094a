import type { ResourceType } from './resource-types.ts'
import type { ResourceSource } from './snapshot.ts'

/** One type of resource on one stream: what the client wants, holds and has refused. Decides; sends nothing, waits for nothing. */
export interface Subscription {
  readonly type: ResourceType
  /** A response waits for the client's answer: until then there is no other. */
  readonly busy: boolean
  /** Something may be owed that has not been sent. */
  readonly unsettled: boolean
  /** The client's last word on something it still wants was no. */
  readonly refusing: boolean
  /** The content of this name may be another now. */
  changed(name: string): void
  /** This name is owed again, even if unchanged. */
  again(name: string): void
  /** What is owed now, except removals that must wait. */
  next(source: ResourceSource, nonce: string): Response | undefined
  /** The removals that had to wait. Called when they need not any more. */
  nextRemovals(source: ResourceSource, nonce: string): Response | undefined
}

export interface Response {
  readonly typeUrl: string
  readonly nonce: string
  /** Name → version of what is in it; '' for a name that stands for nothing. */
  readonly versions: ReadonlyMap<string, string>
  readonly removed: readonly string[]
  readonly bytes: Uint8Array
}

/** What a request said. */
export type RequestEvent =
  | { readonly kind: 'subscribed'; readonly typeUrl: string; readonly names: readonly string[] }
  | { readonly kind: 'unsubscribed'; readonly typeUrl: string; readonly names: readonly string[] }
  | Claimed
  | Acknowledged
  | Refused

/** What a client that returns says that it holds from an earlier stream. Of what is still current nothing is sent, and so nothing acknowledged. */
export interface Claimed {
  readonly kind: 'claimed'
  readonly typeUrl: string
  readonly versions: ReadonlyMap<string, string>
}

export interface Acknowledged {
  readonly kind: 'acknowledged'
  readonly typeUrl: string
  readonly nonce: string
  readonly versions: ReadonlyMap<string, string>
  readonly removed: readonly string[]
}

/** The client applied nothing of it, or (gRPC, Envoy) what was good of it: it does not say. */
export interface Refused {
  readonly kind: 'refused'
  readonly typeUrl: string
  readonly nonce: string
  readonly versions: ReadonlyMap<string, string>
  readonly removed: readonly string[]
  readonly error: string
}

/**
 * The response that is under way, and the verdicts on earlier ones. Whether a client refuses is told by `error` alone: gRPC and Envoy may
 * name the new version in a refusal (gRFC A46).
 */
export class Verdicts {
  #underWay: Response | undefined
  readonly #refused = new Set<string>()

  get busy(): boolean {
    return this.#underWay !== undefined
  }

  get refusing(): boolean {
    return this.#refused.size > 0
  }

  /** Names that the response under way brings. */
  get underWay(): Iterable<string> {
    return this.#underWay?.versions.keys() ?? []
  }

  sent(response: Response): Response {
    this.#underWay = response
    return response
  }

  /** undefined = the request answers nothing that is under way. */
  read(request: { readonly nonce: string; readonly error?: string }): Acknowledged | Refused | undefined {
    const response = this.#underWay
    if (response === undefined || request.nonce !== response.nonce) return undefined
    this.#underWay = undefined
    const { typeUrl, nonce, versions, removed } = response
    if (request.error === undefined) {
      for (const name of versions.keys()) this.#refused.delete(name)
      for (const name of removed) this.#refused.delete(name)
      return { kind: 'acknowledged', typeUrl, nonce, versions, removed }
    }
    for (const name of versions.keys()) this.#refused.add(name)
    for (const name of removed) this.#refused.add(name)
    return { kind: 'refused', typeUrl, nonce, versions, removed, error: request.error }
  }

  /**
   * The names to send again when `name` is another now. One bad resource may have kept the good ones beside it from being applied (a
   * refusal does not say which), so what was refused together is sent again together, once one of it has changed.
   */
  together(name: string): Iterable<string> {
    return this.#refused.has(name) ? this.#refused : []
  }

  /** The client does not want it any more: perhaps that was what it refused. Answers with what to send again, as `together`. */
  forget(name: string): Iterable<string> {
    return this.#refused.delete(name) ? this.#refused : []
  }
}
