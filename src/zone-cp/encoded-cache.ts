import { type EncodedResource, encodeResource } from '../xds/resource.ts'

/** Resources that many proxies have alike – a cluster, the trust bundle – as one object whose bytes all streams share. Holds weakly: what
 *  no snapshot has any more is collected. */
export class EncodedCache {
  readonly #byContent = new Map<string, WeakRef<EncodedResource>>()
  readonly #collected = new FinalizationRegistry<string>(key => {
    if (!this.#byContent.get(key)?.deref()) this.#byContent.delete(key)
  })

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
