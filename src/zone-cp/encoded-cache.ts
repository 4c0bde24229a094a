import type { EnvoyResource } from '../envoy/resources.ts'
import { type EncodedResource, encodeResource } from '../xds/resource.ts'

/** Resources that many proxies have alike – a cluster, the trust bundle – as one object whose bytes all streams share. Holds weakly: what
 *  no snapshot has any more is collected. */
export class EncodedCache {
  readonly #byResource = new WeakMap<EnvoyResource, EncodedResource>()
  readonly #byContent = new Map<string, WeakRef<EncodedResource>>()
  readonly #collected = new FinalizationRegistry<string>(key => {
    if (!this.#byContent.get(key)?.deref()) this.#byContent.delete(key)
  })

  /** Of what plans share it is the same object each time, which is all that has to be looked at. */
  encodeOf(resource: EnvoyResource): EncodedResource {
    let encoded = this.#byResource.get(resource)
    if (!encoded) {
      encoded = this.encode(resource.type, resource.name, resource.bytes)
      this.#byResource.set(resource, encoded)
    }
    return encoded
  }

  encode(type: string, name: string, bytes: Uint8Array): EncodedResource {
    const encoded = encodeResource(type, name, bytes)
    const key = `${type} ${name} ${encoded.version}`
    const known = this.#byContent.get(key)?.deref()
    if (known) return known
    this.#byContent.set(key, new WeakRef(encoded))
    this.#collected.register(encoded, key)
    return encoded
  }
}
