import { DeltaSubscription } from './delta-subscription.ts'
import type { DiscoveryRequest, Variant } from './discovery-request.ts'
import type { ResourceType, ResourceTypes } from './resource-types.ts'
import type { ResourceSource } from './snapshot.ts'
import { SotwSubscription } from './sotw-subscription.ts'
import type { RequestEvent, Response, Subscription } from './subscription.ts'

/** One may have been on its way, the next has what was asked for because of the first; the one after it is sent when that was taken. */
const followUps = 3

/**
 * All subscriptions of one stream. Says what to send next: one response of a type at a time (what changes meanwhile is sent together when
 * the client has answered), what is referred to before what refers to it, and removals when nothing refers to them any more.
 */
export class DiscoveryState {
  readonly #variant: Variant
  readonly #types: ResourceTypes
  readonly #maxBytes: number
  readonly #byUrl = new Map<string, Subscription>()
  /** In push order. */
  #ordered: readonly Subscription[] = []
  #sent = 0
  /** By type: responses that were sent since something was that it comes after. */
  readonly #sentSince = new Map<string, number>()

  /** @param maxBytes about how big a response may be; clients on grpc-js refuse more than 4 MiB */
  constructor(variant: Variant, types: ResourceTypes, maxBytes = 3 * 1024 * 1024) {
    this.#variant = variant
    this.#types = types
    this.#maxBytes = maxBytes
  }

  onRequest(request: DiscoveryRequest): readonly RequestEvent[] {
    let subscription = this.#byUrl.get(request.typeUrl)
    if (subscription === undefined) {
      const type = this.#types.get(request.typeUrl)
      subscription = this.#variant === 'delta' ? new DeltaSubscription(type, this.#maxBytes) : new SotwSubscription(type)
      this.#byUrl.set(request.typeUrl, subscription)
      this.#ordered = [...this.#byUrl.values()].sort((a, b) => a.type.order - b.type.order)
    }
    if (subscription instanceof DeltaSubscription && request.variant === 'delta') return subscription.onRequest(request)
    if (subscription instanceof SotwSubscription && request.variant === 'sotw') return subscription.onRequest(request)
    throw new Error(`a ${request.variant} request on a ${this.#variant} stream`)
  }

  /** The source may say something else about this name now. */
  changed(typeUrl: string, name: string): void {
    this.#byUrl.get(typeUrl)?.changed(name)
  }

  /** The next response to send, if any. It counts as sent. */
  next(source: ResourceSource): Response | undefined {
    return this.#nextAddition(source) ?? this.#nextRemoval(source)
  }

  #nextAddition(source: ResourceSource): Response | undefined {
    for (const subscription of this.#ordered) {
      if (this.#mustWait(subscription)) continue
      const response = subscription.next(source, this.#nonce)
      if (response === undefined) continue
      this.#sent++
      this.#count(subscription.type)
      const { resends } = subscription.type
      if (resends !== undefined) for (const name of response.versions.keys()) this.#byUrl.get(resends)?.again(name)
      return response
    }
    return undefined
  }

  #nextRemoval(source: ResourceSource): Response | undefined {
    for (const subscription of this.#ordered.toReversed()) {
      if (!this.#mayRemove(subscription)) continue
      const response = subscription.nextRemovals(source, this.#nonce)
      if (response === undefined) continue
      this.#sent++
      return response
    }
    return undefined
  }

  /** The first of `addedAfter` must have been taken, and what of the others was sent for it: not all that changes in the meantime, or it might wait for ever. */
  #mustWait({ type }: Subscription): boolean {
    const [first, ...others] = type.addedAfter ?? []
    if (first === undefined) return false
    if (this.#byUrl.get(first)?.busy) return true
    return others.some(url => {
      const other = this.#byUrl.get(url)
      return other !== undefined && (other.busy || other.unsettled) && (this.#sentSince.get(url) ?? followUps) < followUps
    })
  }

  #count({ typeUrl, resends }: ResourceType): void {
    if (resends !== undefined) this.#sentSince.set(resends, 0)
    const before = this.#sentSince.get(typeUrl)
    if (before !== undefined) this.#sentSince.set(typeUrl, before + 1)
  }

  #mayRemove(subscription: Subscription): boolean {
    const { typeUrl, removedAfter, keptWhileRefused } = subscription.type
    for (const url of removedAfter) {
      const other = this.#byUrl.get(url)
      if (other?.busy || (url !== typeUrl && other?.unsettled)) return false
    }
    return !keptWhileRefused.some(url => this.#byUrl.get(url)?.refusing)
  }

  /** Unique within the stream, which is all that it must be. */
  get #nonce(): string {
    return String(this.#sent + 1)
  }
}
