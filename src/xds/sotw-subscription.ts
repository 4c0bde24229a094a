import { hash } from 'node:crypto'
import { concatBytes, stringField } from '../std/wire.ts'
import type { SotwRequest } from './discovery-request.ts'
import type { EncodedResource } from './resource.ts'
import type { ResourceType } from './resource-types.ts'
import type { ResourceSource } from './snapshot.ts'
import { type Refused, type RequestEvent, type Response, type Subscription, Verdicts } from './subscription.ts'

/**
 * The state-of-the-world protocol, which gRPC's clients speak: each request lists all that is wanted. Listeners and clusters are always sent
 * whole, and what a response leaves out is deleted; of the other types only what changed is sent, and absence cannot be said.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#resource-types
 */
export class SotwSubscription implements Subscription {
  readonly type: ResourceType
  readonly #names = new Set<string>()
  readonly #held = new Map<string, EncodedResource>()
  readonly #dirty = new Set<string>()
  readonly #forced = new Set<string>()
  /** Gone, but still sent until the client has let go of it. */
  readonly #leaving = new Set<string>()
  /** Left out of a response after it was in one: known not to exist. */
  readonly #gone = new Set<string>()
  readonly #verdicts = new Verdicts()
  #nonce = ''
  #wildcard = false
  /** No name was ever asked for: no names then means all. */
  #unnamed = true
  #owesAnswer = false

  constructor(type: ResourceType) {
    this.type = type
  }

  get busy(): boolean {
    return this.#verdicts.busy
  }

  get refusing(): boolean {
    return this.#verdicts.refusing
  }

  get unsettled(): boolean {
    return this.#owesAnswer || this.#dirty.size > 0 || this.#leaving.size > 0
  }

  onRequest(request: SotwRequest): RequestEvent[] {
    // Sent before the client saw the last response; it will answer that one too.
    if (this.#nonce !== '' && request.nonce !== this.#nonce) return []
    const events: RequestEvent[] = []
    const verdict = this.#verdicts.read(request)
    if (verdict) events.push(verdict)
    if (verdict?.kind === 'refused') this.#catchUp(verdict)

    const { typeUrl } = this.type
    const wanted = new Set(request.names)
    if (wanted.size > 0) this.#unnamed = false
    const everything = wanted.delete('*') || (this.#unnamed && this.type.wildcard)
    const added = [...wanted].filter(name => !this.#names.has(name))
    const dropped = [...this.#names].filter(name => !wanted.has(name))
    for (const name of added) {
      this.#names.add(name)
      this.again(name)
      this.#owesAnswer ||= this.type.fullState
    }
    if (everything && !this.#wildcard) {
      added.push('*')
      this.#owesAnswer = true
    }
    if (!everything && this.#wildcard) dropped.push('*')
    this.#wildcard = everything
    for (const name of dropped) this.#names.delete(name)
    for (const name of [...this.#held.keys(), ...this.#dirty, ...this.#gone]) if (!this.#wants(name)) this.#forget(name)

    if (added.length > 0) events.push({ kind: 'subscribed', typeUrl, names: added })
    if (dropped.length > 0) events.push({ kind: 'unsubscribed', typeUrl, names: dropped })
    return events
  }

  changed(name: string): void {
    if (this.#wants(name)) this.#dirty.add(name)
    for (const other of this.#verdicts.together(name)) this.again(other)
  }

  again(name: string): void {
    if (!this.#wants(name)) return
    this.#dirty.add(name)
    this.#forced.add(name)
  }

  next(source: ResourceSource, nonce: string): Response | undefined {
    if (this.busy) return undefined
    const changed = this.#takeChanged(source)
    if (changed.length === 0 && !this.#owesAnswer) return undefined
    if (!this.type.fullState) return this.#send(changed, nonce)
    // Leaving out a name that somebody is still finding out about would say that it does not exist.
    if (this.#awaits(source)) {
      this.#owesAnswer = true
      return undefined
    }
    return this.#sendAll(source, nonce)
  }

  nextRemovals(source: ResourceSource, nonce: string): Response | undefined {
    if (this.busy) return undefined
    const removed = [...this.#leaving].filter(name => !this.#isInUse(name))
    if (removed.length === 0) return undefined
    for (const name of removed) this.#letGo(name)
    return this.#sendAll(source, nonce)
  }

  #wants(name: string): boolean {
    return this.#wildcard || this.#names.has(name)
  }

  /**
   * gRPC names the clusters that its routes use, and goes on using the old ones until the new ones are there, which is after it has
   * acknowledged the routes: it says itself when it has let go.
   */
  #isInUse(name: string): boolean {
    return this.type.keptWhileRefused.length > 0 && this.#names.has(name)
  }

  #letGo(name: string): void {
    this.#held.delete(name)
    this.#leaving.delete(name)
    this.#gone.add(name)
  }

  /** With what became of the refused names while they were under way. */
  #catchUp(refused: Refused): void {
    for (const name of [...this.#dirty]) this.changed(name)
    for (const name of [...refused.versions.keys(), ...refused.removed]) if (!this.#wants(name)) this.#forget(name)
  }

  #forget(name: string): void {
    this.#held.delete(name)
    this.#dirty.delete(name)
    this.#forced.delete(name)
    this.#leaving.delete(name)
    this.#gone.delete(name)
    for (const other of this.#verdicts.forget(name)) this.again(other)
  }

  #takeChanged(source: ResourceSource): EncodedResource[] {
    const changed: EncodedResource[] = []
    for (const name of this.#dirty) {
      const resource = source.get(this.type.typeUrl, name)
      const held = this.#held.get(name)
      if (typeof resource === 'object') {
        this.#leaving.delete(name)
        if (held?.version !== resource.version || this.#forced.has(name)) changed.push(resource)
      } else if (held && this.type.fullState && this.type.removedAfter.length > 0) this.#leaving.add(name)
      else if (held) {
        this.#letGo(name)
        this.#owesAnswer ||= this.type.fullState
      }
    }
    this.#dirty.clear()
    this.#forced.clear()
    return changed
  }

  #awaits(source: ResourceSource): boolean {
    for (const name of this.#names) {
      if (!this.#held.has(name) && !this.#gone.has(name) && source.get(this.type.typeUrl, name) === undefined) return true
    }
    return false
  }

  #sendAll(source: ResourceSource, nonce: string): Response {
    const names = new Set(this.#names)
    if (this.#wildcard) for (const name of source.wildcard(this.type.typeUrl)) names.add(name)
    for (const name of this.#leaving) names.add(name)
    const all: EncodedResource[] = []
    for (const name of names) {
      const resource = this.#leaving.has(name) ? this.#held.get(name) : source.get(this.type.typeUrl, name)
      if (typeof resource === 'object') all.push(resource)
    }
    return this.#send(all, nonce)
  }

  #send(resources: readonly EncodedResource[], nonce: string): Response {
    const { typeUrl } = this.type
    // A verdict on the whole is about what is new in it.
    const news = this.type.fullState ? resources.filter(resource => this.#held.get(resource.name)?.version !== resource.version) : resources
    this.#nonce = nonce
    this.#owesAnswer = false
    for (const resource of resources) {
      this.#held.set(resource.name, resource)
      this.#gone.delete(resource.name)
    }
    return this.#verdicts.sent({
      typeUrl,
      nonce,
      versions: new Map(news.map(resource => [resource.name, resource.version])),
      removed: [],
      bytes: encodeResponse(typeUrl, resources, nonce),
    })
  }
}

/** DiscoveryResponse{ version_info = 1, resources = 2, type_url = 4, nonce = 5 } */
function encodeResponse(typeUrl: string, resources: readonly EncodedResource[], nonce: string): Uint8Array {
  const version = hash('sha256', resources.map(resource => `${resource.name}\n${resource.version}`).join('\n'), 'base64url').slice(0, 12)
  return concatBytes([stringField(1, version), ...resources.map(resource => resource.sotw), stringField(4, typeUrl), stringField(5, nonce)])
}
