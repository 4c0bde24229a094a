import type { Acknowledged, Refused } from '../xds/subscription.ts'

/** What the peer has refused and not accepted since, by its own words. */
export class PeerRefusals {
  readonly #byKind = new Map<string, { readonly names: Set<string>; readonly error: string }>()

  /** A refused response may hold good resources too, which the peer keeps: the bad ones are those that it names. */
  refused({ typeUrl, versions, error }: Refused): void {
    this.#byKind.set(typeUrl, { names: new Set([...versions.keys()].filter(name => error.includes(name))), error })
  }

  accepted({ typeUrl, versions, removed }: Acknowledged): void {
    const refused = this.#byKind.get(typeUrl)
    if (!refused) return
    for (const name of [...versions.keys(), ...removed]) refused.names.delete(name)
    if (refused.names.size === 0) this.#byKind.delete(typeUrl)
  }

  clear(): void {
    this.#byKind.clear()
  }

  get text(): string | undefined {
    if (this.#byKind.size === 0) return undefined
    return [...this.#byKind].map(([kind, { error }]) => `${kind} ${error}`).join('; ')
  }
}
