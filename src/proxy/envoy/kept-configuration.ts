import { fromBinary } from '@bufbuild/protobuf'
import { DeltaDiscoveryResponseSchema } from '../../gen/envoy/service/discovery/v3/discovery_pb.js'
import type { Log } from '../../std/log.ts'
import type { MessageStream } from '../../std/message-stream.ts'
import { serveDiscovery } from '../../xds/ads-server.ts'
import { readRequest } from '../../xds/discovery-request.ts'
import { encodeResource } from '../../xds/resource.ts'
import { CDS, envoyTypes, LDS } from '../../xds/resource-types.ts'
import { Snapshot } from '../../xds/snapshot.ts'
import type { AcceptedResource } from '../control.ts'
import type { Reading } from '../relay.ts'
import type { SavedState } from '../saved-state.ts'

type Resources = Map<string, AcceptedResource>

/** Asked for all of them, so that a name that is not asked for any more may still be one of these. */
const wildcards: ReadonlySet<string> = new Set([CDS, LDS])

/**
 * What an Envoy has accepted, on disk: read along on the stream between it and its zone, and served to the next one when there is no zone. Envoy
 * itself keeps nothing over its end.
 */
export class KeptConfiguration {
  readonly #saved: SavedState
  readonly #log: Log
  /** By type and name. */
  #resources: Resources = new Map()

  constructor(saved: SavedState, log: Log) {
    this.#saved = saved
    this.#log = log
  }

  async load(): Promise<void> {
    for (const resource of await this.#saved.loadResources()) this.#resources.set(keyOf(resource.typeUrl, resource.name), resource)
  }

  get isEmpty(): boolean {
    return this.#resources.size === 0
  }

  /** For one stream. `isFresh`: its Envoy has nothing yet, so that what it has accepted then is all; `onAccepted` is told of each acceptance. */
  reader(isFresh: boolean, onAccepted: () => void): Reading {
    // What came before stays in force until the last of what an Envoy needs to listen is there.
    const resources: Resources = isFresh ? new Map() : this.#resources
    const sent = new Map<
      string,
      { readonly typeUrl: string; readonly added: readonly AcceptedResource[]; readonly removed: readonly string[] }
    >()
    return {
      onReceived(bytes) {
        const { typeUrl, nonce, resources: list, removedResources } = fromBinary(DeltaDiscoveryResponseSchema, bytes)
        const added = list.flatMap(({ name, version, resource }) => (resource ? [{ typeUrl, name, version, value: resource.value }] : []))
        sent.set(nonce, { typeUrl, added, removed: removedResources })
      },
      onSent: bytes => {
        const { request } = readRequest('delta', bytes)
        if (request.variant !== 'delta') return
        if (!wildcards.has(request.typeUrl)) for (const name of request.unsubscribe) resources.delete(keyOf(request.typeUrl, name))
        const answered = sent.get(request.nonce)
        sent.delete(request.nonce)
        if (!answered || request.error !== undefined) return
        for (const resource of answered.added) resources.set(keyOf(resource.typeUrl, resource.name), resource)
        for (const name of answered.removed) resources.delete(keyOf(answered.typeUrl, name))
        onAccepted()
        if (answered.typeUrl === LDS) this.#resources = resources
        if (this.#resources === resources) this.#saved.saveResources(() => [...resources.values()])
      },
    }
  }

  /** Serves an Envoy what the one before had. Never rejects. */
  serve(stream: MessageStream): Promise<void> {
    const snapshot = new Snapshot()
    for (const { typeUrl, name, value } of this.#resources.values()) snapshot.set(typeUrl, encodeResource(typeUrl, name, value))
    return serveDiscovery(stream, {
      variant: 'delta',
      types: envoyTypes,
      log: this.#log,
      admit: () => ({ kind: 'open', session: { snapshot } }),
    })
  }
}

function keyOf(typeUrl: string, name: string): string {
  return `${typeUrl} ${name}`
}
