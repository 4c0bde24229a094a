import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { NodeSchema } from '../gen/envoy/config/core/v3/base_pb.js'
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '../gen/envoy/service/discovery/v3/discovery_pb.js'
import type { MessageStream, StreamStatus } from '../std/message-stream.ts'

export interface AddedResource {
  readonly name: string
  readonly version: string
  /** The message inside the Any; undefined = the server says that this name stands for nothing. */
  readonly value: Uint8Array | undefined
}

/** One response: apply all of it or none. */
export interface ResourceUpdate {
  readonly typeUrl: string
  readonly added: readonly AddedResource[]
  readonly removed: readonly string[]
}

export interface DeltaClientOptions {
  readonly node: MessageInitShape<typeof NodeSchema>
  /** null = accepted. A text refuses the response; what was accepted before stays in force, also for the server. Responses wait for each other. */
  readonly onUpdate: (update: ResourceUpdate) => string | null | Promise<string | null>
  /** The stream's first response has arrived. */
  readonly onAnswer?: () => void
}

/** What is wanted of a type, and what is held. */
interface Wanted {
  wildcard: boolean
  readonly names: Set<string>
  readonly versions: Map<string, string>
  /** Changes that the server of this stream has not heard of; undefined = it has heard nothing of this type. */
  unsaid: { readonly subscribe: Set<string>; readonly unsubscribe: Set<string> } | undefined
}

/**
 * The asking side of the delta protocol. Outlives its streams: on each new one it says what it wants and what it holds, and gets the
 * difference. It does not know who dialled.
 */
export class DeltaClient {
  readonly #options: DeltaClientOptions
  readonly #types = new Map<string, Wanted>()
  #stream: MessageStream | undefined
  #isFirstMessage = true
  #scheduled = false

  constructor(options: DeltaClientOptions) {
    this.#options = options
  }

  /** `*` = everything of this type. Naming something again makes the server send it again. */
  subscribe(typeUrl: string, names: Iterable<string> | '*'): void {
    const wanted = this.#wanted(typeUrl)
    for (const name of names === '*' ? ['*'] : names) {
      if (name === '*') wanted.wildcard = true
      else wanted.names.add(name)
      wanted.unsaid?.unsubscribe.delete(name)
      wanted.unsaid?.subscribe.add(name)
    }
    this.#schedule()
  }

  /** What only these names brought is forgotten at once; no update follows. */
  unsubscribe(typeUrl: string, names: Iterable<string> | '*'): void {
    const wanted = this.#wanted(typeUrl)
    for (const name of names === '*' ? ['*'] : names) {
      const had = name === '*' ? wanted.wildcard : wanted.names.delete(name)
      if (name === '*') wanted.wildcard = false
      if (!had) continue
      wanted.unsaid?.subscribe.delete(name)
      wanted.unsaid?.unsubscribe.add(name)
    }
    if (!wanted.wildcard) for (const name of wanted.versions.keys()) if (!wanted.names.has(name)) wanted.versions.delete(name)
    this.#schedule()
  }

  /** What is held from before, for instance from disk: the server then sends only what differs. Before the first stream. */
  hold(typeUrl: string, versions: Iterable<readonly [name: string, version: string]>): void {
    const held = this.#wanted(typeUrl).versions
    for (const [name, version] of versions) held.set(name, version)
  }

  /** Name → version of all that was accepted. */
  held(typeUrl: string): ReadonlyMap<string, string> {
    return this.#types.get(typeUrl)?.versions ?? new Map()
  }

  /** Speaks on this stream until it ends. One at a time. */
  async run(stream: MessageStream): Promise<StreamStatus> {
    this.#stream = stream
    this.#isFirstMessage = true
    for (const wanted of this.#types.values()) wanted.unsaid = undefined
    this.#say()
    try {
      let isFirst = true
      for await (const bytes of stream.messages) {
        const response = fromBinary(DeltaDiscoveryResponseSchema, bytes)
        if (isFirst) this.#options.onAnswer?.()
        isFirst = false
        await this.#onResponse(response)
      }
      stream.end()
    } catch (error) {
      const code = (error as { code?: string }).code
      if (code !== 'SKERRY_STREAM_CLOSED') stream.end({ code: 'INTERNAL', message: (error as Error).message })
    }
    const status = await stream.closed
    if (this.#stream === stream) this.#stream = undefined
    return status
  }

  async #onResponse(response: DeltaDiscoveryResponse): Promise<void> {
    const { typeUrl, nonce } = response
    const { wildcard, names } = this.#wanted(typeUrl)
    // What was on its way when it was unsubscribed is no news.
    const isWanted = (name: string) => wildcard || names.has(name)
    const added = response.resources
      .filter(resource => isWanted(resource.name))
      .map(resource => ({ name: resource.name, version: resource.version, value: resource.resource?.value }))
    const removed = response.removedResources.filter(isWanted)
    const verdict = this.#options.onUpdate({ typeUrl, added, removed })
    const error = verdict instanceof Promise ? await verdict : verdict
    if (error === null) {
      const { versions } = this.#wanted(typeUrl)
      for (const { name, version, value } of added) {
        if (value) versions.set(name, version)
        else versions.delete(name)
      }
      for (const name of removed) versions.delete(name)
    }
    // 3 = INVALID_ARGUMENT
    const refusal = error === null ? {} : { errorDetail: { code: 3, message: error } }
    this.#send({ typeUrl, responseNonce: nonce, ...refusal })
  }

  #wanted(typeUrl: string): Wanted {
    let wanted = this.#types.get(typeUrl)
    if (wanted === undefined) {
      wanted = { wildcard: false, names: new Set(), versions: new Map(), unsaid: undefined }
      this.#types.set(typeUrl, wanted)
    }
    return wanted
  }

  /** Subscriptions made in one go travel together. */
  #schedule(): void {
    if (this.#scheduled || this.#stream === undefined) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#say()
    })
  }

  #say(): void {
    if (this.#stream === undefined) return
    for (const [typeUrl, wanted] of this.#types) {
      if (wanted.unsaid === undefined) this.#introduce(typeUrl, wanted)
      else {
        const { subscribe, unsubscribe } = wanted.unsaid
        if (subscribe.size === 0 && unsubscribe.size === 0) continue
        wanted.unsaid = { subscribe: new Set(), unsubscribe: new Set() }
        this.#send({ typeUrl, resourceNamesSubscribe: [...subscribe], resourceNamesUnsubscribe: [...unsubscribe] })
      }
    }
  }

  /** A wildcard alone is said by naming nothing, which every server understands. */
  #introduce(typeUrl: string, wanted: Wanted): void {
    if (!wanted.wildcard && wanted.names.size === 0) return
    const names = wanted.wildcard && wanted.names.size > 0 ? ['*', ...wanted.names] : [...wanted.names]
    wanted.unsaid = { subscribe: new Set(), unsubscribe: new Set() }
    this.#send({ typeUrl, resourceNamesSubscribe: names, initialResourceVersions: Object.fromEntries(wanted.versions) })
  }

  #send(request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): void {
    const message = create(DeltaDiscoveryRequestSchema, request)
    if (this.#isFirstMessage) message.node = create(NodeSchema, this.#options.node)
    this.#isFirstMessage = false
    this.#stream?.send(toBinary(DeltaDiscoveryRequestSchema, message))
  }
}
