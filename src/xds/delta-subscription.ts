import { bytesField, concatBytes, stringField } from '../std/wire.ts'
import type { DeltaRequest } from './discovery-request.ts'
import { encodeAbsence } from './resource.ts'
import type { ResourceType } from './resource-types.ts'
import type { ResourceSource } from './snapshot.ts'
import { type Refused, type RequestEvent, type Response, type Subscription, Verdicts } from './subscription.ts'

/** What the client has under a name: told on this stream (its version, by itself: there are millions of these), claimed from an earlier one, or
 *  told that there is nothing. */
type Held = string | { readonly kind: 'claimed'; readonly version: string } | { readonly kind: 'absent' }

const absent = { kind: 'absent' } as const

function versionOf(held: Held | undefined): string | undefined {
  if (typeof held !== 'object') return held
  return held.kind === 'claimed' ? held.version : undefined
}

function isAbsent(held: Held | undefined): boolean {
  return typeof held === 'object' && held.kind === 'absent'
}

type Answer = 'nothing' | 'later' | 'absence' | 'removal' | { readonly version: string; readonly delta: Uint8Array }

/**
 * The delta protocol. A response holds what differs from what the client has, and nothing differs twice:
 * whatever is sent counts as had, also when refused, so that it is sent again only when it is another or asked for.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#incremental-xds
 */
export class DeltaSubscription implements Subscription {
  readonly type: ResourceType
  readonly #maxBytes: number
  readonly #names = new Set<string>()
  readonly #held = new Map<string, Held>()
  /** Names to look at. */
  readonly #dirty = new Set<string>()
  /** Of those, the ones to answer even if unchanged. */
  readonly #forced = new Set<string>()
  /** Held and gone, not told yet. */
  readonly #leaving = new Set<string>()
  readonly #verdicts = new Verdicts()
  /** Names that were refused together with others: each list is sent by itself, to find out which of them is meant. */
  #apart: string[][] = []
  #asked = false
  #wildcard = false
  /** Look at everything. */
  #refresh = false
  /** The first answer to a wildcard goes out even if empty: a starting Envoy waits for it. */
  #owesAnswer = false

  /** @param maxBytes a response ends with the resource that passes this size; the rest follows when it is acknowledged */
  constructor(type: ResourceType, maxBytes: number) {
    this.type = type
    this.#maxBytes = maxBytes
  }

  get busy(): boolean {
    return this.#verdicts.busy
  }

  get refusing(): boolean {
    return this.#verdicts.refusing
  }

  get unsettled(): boolean {
    return this.#refresh || this.#dirty.size > 0 || this.#leaving.size > 0 || this.#apart.length > 0
  }

  /** Subscriptions count whatever the nonce: it only says which response a verdict is about. */
  onRequest(request: DeltaRequest): RequestEvent[] {
    const events: RequestEvent[] = []
    const verdict = this.#verdicts.read(request)
    if (verdict) events.push(verdict)
    if (verdict?.kind === 'refused') this.#catchUp(verdict)
    const isFirst = !this.#asked
    this.#asked = true
    const claimed = new Map(isFirst ? Object.entries(request.initialVersions) : [])
    for (const [name, version] of claimed) this.#held.set(name, { kind: 'claimed', version })
    if (claimed.size > 0) events.push({ kind: 'claimed', typeUrl: this.type.typeUrl, versions: claimed })

    for (const name of request.unsubscribe) this.#unsubscribe(name)
    // Names in `initialVersions` are no subscription: taking them for one would end the wildcard for good.
    const everything = isFirst && this.type.wildcard && request.subscribe.length === 0 && !request.unsubscribe.includes('*')
    if (everything) this.#subscribeAll()
    for (const name of request.subscribe) this.#subscribe(name, isFirst)
    if (isFirst && !this.#wildcard) for (const name of this.#held.keys()) if (!this.#names.has(name)) this.#held.delete(name)
    for (const name of this.#verdicts.underWay) this.#expectHeld(name)

    const subscribed = everything ? ['*'] : request.subscribe
    if (subscribed.length > 0) events.push({ kind: 'subscribed', typeUrl: this.type.typeUrl, names: subscribed })
    if (request.unsubscribe.length > 0) events.push({ kind: 'unsubscribed', typeUrl: this.type.typeUrl, names: request.unsubscribe })
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
    if (this.#refresh) this.#markAll(source)
    const response = new DeltaResponse(this.type.typeUrl, nonce)
    this.#addApart(source, response)
    if (!response.isEmpty) return this.#verdicts.sent(response.finish())
    for (const name of this.#dirty) {
      if (response.size >= this.#maxBytes) break
      this.#dirty.delete(name)
      this.#add(name, this.#answer(name, source), response)
      this.#forced.delete(name)
    }
    if (response.isEmpty && !this.#owesAnswer) return undefined
    this.#owesAnswer = false
    return this.#verdicts.sent(response.finish())
  }

  nextRemovals(_source: ResourceSource, nonce: string): Response | undefined {
    if (this.busy || this.#leaving.size === 0) return undefined
    const response = new DeltaResponse(this.type.typeUrl, nonce)
    for (const name of this.#leaving) this.#add(name, 'removal', response)
    return this.#verdicts.sent(response.finish())
  }

  /** The next list of those that were refused together and are still wanted. */
  #addApart(source: ResourceSource, response: DeltaResponse): void {
    while (response.isEmpty && this.#apart.length > 0) {
      for (const name of this.#apart.shift()!) {
        if (!this.#wants(name)) continue
        this.#dirty.delete(name)
        this.#forced.add(name)
        this.#add(name, this.#answer(name, source), response)
        this.#forced.delete(name)
      }
    }
  }

  #wants(name: string): boolean {
    return this.#wildcard || this.#names.has(name)
  }

  #subscribeAll(): void {
    if (this.#wildcard) return
    this.#wildcard = true
    this.#refresh = true
    this.#owesAnswer = true
  }

  #subscribe(name: string, isFirst: boolean): void {
    if (name === '*') {
      this.#subscribeAll()
      return
    }
    this.#names.add(name)
    this.#dirty.add(name)
    // A client that names something again may have forgotten it; only what it claims to hold when it connects needs no answer.
    if (!isFirst || !this.#held.has(name)) this.#forced.add(name)
  }

  #unsubscribe(name: string): void {
    if (name === '*') {
      this.#wildcard = false
      this.#refresh = false
      this.#owesAnswer = false
      for (const known of [...this.#held.keys(), ...this.#dirty]) if (!this.#names.has(known)) this.#forget(known)
    } else if (this.#names.delete(name)) {
      // Still part of the wildcard: the client dropped it and has to hear what it is.
      if (this.#wildcard) this.again(name)
      else this.#forget(name)
    }
  }

  /** With what became of the refused names while they were under way. */
  #catchUp(refused: Refused): void {
    for (const name of [...this.#dirty]) this.changed(name)
    for (const name of [...refused.versions.keys(), ...refused.removed]) if (!this.#wants(name)) this.#forget(name)
    this.#apart.push(...separated(refused))
  }

  #forget(name: string): void {
    this.#held.delete(name)
    this.#dirty.delete(name)
    this.#forced.delete(name)
    this.#leaving.delete(name)
    for (const other of this.#verdicts.forget(name)) this.again(other)
  }

  /** Dropped and wanted again before the response that has it arrived: the client will have it after all. */
  #expectHeld(name: string): void {
    if (!this.#wants(name) || this.#held.has(name)) return
    this.#held.set(name, { kind: 'claimed', version: '' })
    this.#dirty.add(name)
  }

  #markAll(source: ResourceSource): void {
    this.#refresh = false
    for (const name of source.wildcard(this.type.typeUrl)) this.#dirty.add(name)
    for (const name of this.#held.keys()) this.#dirty.add(name)
  }

  #answer(name: string, source: ResourceSource): Answer {
    const resource = source.get(this.type.typeUrl, name)
    const held = this.#held.get(name)
    const isForced = this.#forced.has(name)
    if (typeof resource === 'object') {
      const isKnown = versionOf(held) === resource.version
      return isKnown && !isForced ? 'nothing' : resource
    }
    if (this.#wildcard) return held || isForced ? this.#removal(held, isForced) : 'nothing'
    // Somebody is still finding out what it stands for.
    if (resource === undefined && (held === undefined || (typeof held === 'object' && held.kind === 'claimed'))) return 'nothing'
    if (isAbsent(held) && !isForced) return 'nothing'
    switch (this.type.absent) {
      case 'removed':
        return this.#removal(held, isForced)
      case 'without-body':
        return 'absence'
      case 'silent':
        this.#held.delete(name)
        return 'nothing'
    }
  }

  /** Only what the client has in use has to wait. */
  #removal(held: Held | undefined, isForced: boolean): Answer {
    const isInUse = held !== undefined && !isAbsent(held) && !isForced
    return isInUse && this.type.removedAfter.length > 0 ? 'later' : 'removal'
  }

  #add(name: string, answer: Answer, response: DeltaResponse): void {
    if (answer === 'later') {
      this.#leaving.add(name)
      return
    }
    this.#leaving.delete(name)
    switch (answer) {
      case 'nothing':
        break
      case 'absence':
        response.add(name, '', encodeAbsence(name))
        this.#held.set(name, absent)
        break
      case 'removal':
        response.remove(name)
        if (this.#names.has(name)) this.#held.set(name, absent)
        else this.#held.delete(name)
        break
      default:
        response.add(name, answer.version, answer.delta)
        this.#held.set(name, answer.version)
    }
  }
}

/**
 * Envoy applies nothing of some responses that it refuses, and a refusal need not say what it is about: those that it does not name are sent again
 * without those that it does, else by halves. So what is good comes into force, and what is bad has been sent alone before it is given up.
 */
function separated({ versions, error }: Refused): string[][] {
  const names = [...versions.keys()]
  if (names.length < 2) return []
  const unnamed = names.filter(name => !error.includes(name))
  if (unnamed.length === 0) return names.map(name => [name])
  if (unnamed.length < names.length) return [unnamed]
  const middle = Math.ceil(names.length / 2)
  return [names.slice(0, middle), names.slice(middle)]
}

/** DeltaDiscoveryResponse{ resources = 2, type_url = 4, nonce = 5, removed_resources = 6 } */
class DeltaResponse {
  readonly #typeUrl: string
  readonly #nonce: string
  readonly #parts: Uint8Array[] = []
  readonly #versions = new Map<string, string>()
  readonly #removed: string[] = []
  size = 0

  constructor(typeUrl: string, nonce: string) {
    this.#typeUrl = typeUrl
    this.#nonce = nonce
  }

  get isEmpty(): boolean {
    return this.#versions.size === 0 && this.#removed.length === 0
  }

  add(name: string, version: string, field: Uint8Array): void {
    this.#versions.set(name, version)
    this.#parts.push(field)
    this.size += field.length
  }

  remove(name: string): void {
    this.#removed.push(name)
    this.size += name.length
  }

  finish(): Response {
    const tail = [
      stringField(4, this.#typeUrl),
      stringField(5, this.#nonce),
      ...this.#removed.map(name => bytesField(6, Buffer.from(name))),
    ]
    return {
      typeUrl: this.#typeUrl,
      nonce: this.#nonce,
      versions: this.#versions,
      removed: this.#removed,
      bytes: concatBytes([...this.#parts, ...tail]),
    }
  }
}
