import type { KindDefinition } from '../model/kind.ts'
import { formatKey, keyOf, type Resource, type ResourceDraft, type ResourceKey } from '../model/resource.ts'
import { type ChangeBatch, keyOfChange } from '../registry/change-batch.ts'
import { commitInParts } from '../registry/commit-parts.ts'
import type { Registry, RegistryChange } from '../registry/registry.ts'
import { RevisionConflictError } from '../registry/store.ts'
import type { Verdict } from './apply.ts'
import { canonicalJson, decodeResource, parseWireName, wireName } from './codec.ts'
import { VersionTable } from './digest.ts'
import { encodeForWire } from './owed.ts'

/** What a control plane takes from one peer; both ends have one, with other rules. */
export interface InboxRules {
  readonly kinds: readonly KindDefinition[]
  /** Whether a stored resource came from this peer. */
  readonly holds: (stored: Resource) => boolean
  /** The form in which the peer sends what is stored so. */
  readonly sentForm: (stored: Resource) => ResourceDraft
  readonly admit: (sent: ResourceDraft, kind: KindDefinition, stored: Resource | undefined) => Verdict
  readonly withdraw: (stored: Resource | undefined) => Verdict
}

/** One response of the peer. */
export interface Delivery {
  readonly kind: string
  readonly resources: readonly { readonly name: string; readonly version: string; readonly value: Uint8Array | undefined }[]
  /** Names, as on the wire. */
  readonly removed: readonly string[]
}

interface Change {
  readonly key: ResourceKey
  /** As on the wire. */
  readonly name: string
  /** As the peer numbers it; '' = gone. */
  readonly version: string
  /** Bytes on the wire. */
  readonly size: number
  readonly change: RegistryChange
}

export interface Refusal {
  readonly name: string
  readonly reason: string
}

/**
 * Brings a registry to what a peer says, response by response. What is missing in a response is never taken for gone: the peer hears
 * on connecting what this side holds, and names what it no longer has, so that half an answer removes nothing.
 */
export class Inbox {
  readonly #registry: Registry
  readonly #rules: InboxRules
  readonly #kinds: ReadonlyMap<string, KindDefinition>
  readonly #tables: ReadonlyMap<string, VersionTable>
  /** Encoding everything again at each connect would take long; a resource that did not change is the same object. */
  readonly #versions = new WeakMap<Resource, string>()
  /** Key → version of what is being written. */
  readonly #writing = new Map<string, string>()
  /** `kind/name` of what has changed in the registry since the delivery at hand came: the tables tell the truth of it already. */
  #changed: Set<string> | undefined
  readonly #refused = new Map<string, Refusal>()
  readonly #distrusted = new Set<string>()
  readonly #stopListening: () => void

  constructor(registry: Registry, rules: InboxRules) {
    this.#registry = registry
    this.#rules = rules
    this.#kinds = new Map(rules.kinds.map(kind => [kind.kind, kind]))
    this.#tables = new Map(rules.kinds.map(kind => [kind.kind, new VersionTable()]))
    this.#stopListening = registry.onChange(batch => this.#follow(batch))
  }

  close(): void {
    this.#stopListening()
  }

  /** What is stored of the peer's, and what it sent and was refused, by kind: equal to the peer's own when nothing is missing. */
  get tables(): ReadonlyMap<string, VersionTable> {
    return this.#tables
  }

  /** What the peer sent and this side does not want, as it stands. */
  get refused(): readonly Refusal[] {
    return [...this.#refused.values()]
  }

  /** The next `begin` asks for everything of these kinds again, whatever is stored. */
  distrust(kinds: Iterable<string>): void {
    for (const kind of kinds) this.#distrusted.add(kind)
  }

  /** Begins anew with what is stored. Name → version, for the peer to send only what differs. Nothing else may be under way. */
  begin(kind: string): Record<string, string> {
    const table = this.#tables.get(kind)!
    table.clear()
    for (const id of [...this.#refused.keys()]) if (id.startsWith(`${kind}/`)) this.#refused.delete(id)
    for (const stored of this.#registry.list(kind)) {
      if (!this.#rules.holds(stored)) continue
      const form = this.#rules.sentForm(stored)
      table.set(wireName(form), this.#versionOf(stored, form))
    }
    const isDistrusted = this.#distrusted.delete(kind)
    return Object.fromEntries([...table.entries()].map(([name, version]) => [name, isDistrusted ? '' : version]))
  }

  /**
   * Resolves when all that is admitted of it is durable. What is more than a store takes at once is written in parts, in the order in which
   * it came; were it to break off in between, the next `begin` tells the peer exactly what is there.
   */
  async receive(delivery: Delivery): Promise<readonly Refusal[]> {
    const kind = this.#kinds.get(delivery.kind)
    const table = this.#tables.get(delivery.kind)
    if (!kind || !table) return [{ name: delivery.kind, reason: 'this kind was not asked for' }]
    const changed = new Set<string>()
    this.#changed = changed
    const refusals = await this.#commit(kind, delivery)
    this.#changed = undefined
    const id = (name: string) => `${kind.kind}/${name}`
    for (const name of delivery.removed) {
      if (!changed.has(id(name))) table.delete(name)
      this.#refused.delete(id(name))
    }
    for (const { name, version } of delivery.resources) {
      // Somebody may have changed it again between our commit and now.
      if (!changed.has(id(name))) table.set(name, version)
      this.#refused.delete(id(name))
    }
    for (const refusal of refusals) this.#refused.set(id(refusal.name), { ...refusal, name: id(refusal.name) })
    return refusals
  }

  /** Decides again when somebody else wrote in between: whoever owns the status may. */
  async #commit(kind: KindDefinition, delivery: Delivery): Promise<readonly Refusal[]> {
    for (let attempt = 1; ; attempt++) {
      const { changes, refusals } = this.#decide(kind, delivery)
      try {
        return [...refusals, ...(await this.#write(changes))]
      } catch (error) {
        if (!(error instanceof RevisionConflictError) || attempt === 10) throw error
      }
    }
  }

  /** @returns what is more than the store takes even alone. */
  async #write(changes: readonly Change[]): Promise<Refusal[]> {
    const refusals: Refusal[] = []
    await commitInParts(changes, {
      sizeOf: change => change.size,
      commit: part => this.#writePart(part),
      onTooLarge: ({ name }, error) => refusals.push({ name, reason: error.message }),
    })
    return refusals
  }

  async #writePart(changes: readonly Change[]): Promise<void> {
    for (const { key, version } of changes) this.#writing.set(formatKey(key), version)
    try {
      await this.#registry.commit(changes.map(({ change }) => change))
      for (const { key, version } of changes) {
        const stored = this.#registry.get(key)
        if (stored) this.#versions.set(stored, version)
      }
    } finally {
      this.#writing.clear()
    }
  }

  /**
   * The tables tell what is stored, whoever changed it: if it was not the peer, the digests differ, and it is fetched again. So is what was
   * refused because of something of that name, once that is another or gone.
   */
  #follow(batch: ChangeBatch): void {
    for (const change of batch.changes) {
      const table = this.#tables.get(keyOfChange(change).kind)
      if (!table) continue
      const name = wireName(keyOfChange(change))
      this.#changed?.add(`${keyOfChange(change).kind}/${name}`)
      table.delete(name)
      if (change.kind === 'delete' || !this.#rules.holds(change.resource)) continue
      const form = this.#rules.sentForm(change.resource)
      const version =
        this.#writing.get(formatKey(change.resource)) ?? this.#sameVersion(form, change.previous) ?? encodeForWire(form).version
      this.#versions.set(change.resource, version)
      table.set(wireName(form), version)
    }
  }

  /** Writing what the peer does not send (a zone's own status) makes no new version. */
  #sameVersion(form: ResourceDraft, previous: Resource | undefined): string | undefined {
    if (!previous || !this.#rules.holds(previous)) return undefined
    const content = ({ labels, spec, status }: ResourceDraft) => canonicalJson([labels, spec, status ?? null])
    return content(this.#rules.sentForm(previous)) === content(form) ? this.#versions.get(previous) : undefined
  }

  #decide(kind: KindDefinition, delivery: Delivery): { changes: Change[]; refusals: Refusal[] } {
    const changes = new Map<string, Change>()
    const refusals: Refusal[] = []
    const act = (sent: Pick<Change, 'key' | 'name' | 'version' | 'size'>, stored: Resource | undefined, verdict: Verdict) => {
      const { key, name } = sent
      const expect = stored?.revision ?? 'absent'
      switch (verdict.kind) {
        case 'put':
          changes.set(name, { ...sent, change: { kind: 'put', draft: verdict.draft, expect } })
          break
        case 'delete':
          changes.set(name, { ...sent, change: { kind: 'delete', key, expect } })
          break
        case 'refused':
          refusals.push({ name, reason: verdict.reason })
          break
        case 'unchanged':
          break
        default:
          verdict satisfies never
      }
    }
    for (const name of delivery.removed) {
      const key = { kind: kind.kind, ...parseWireName(name) }
      const stored = this.#registry.get(key)
      act({ key, name, version: '', size: 0 }, stored, this.#rules.withdraw(stored))
    }
    for (const { name, version, value } of delivery.resources) {
      const decoded = value ? decodeResource(kind.kind, value) : ({ kind: 'malformed', reason: 'it has no body' } as const)
      if (decoded.kind === 'malformed') {
        refusals.push({ name, reason: decoded.reason })
        continue
      }
      const { resource } = decoded
      const stored = this.#registry.get(resource)
      const verdict: Verdict =
        wireName(resource) === name
          ? this.#rules.admit(resource, kind, stored)
          : { kind: 'refused', reason: `inside it is called ${wireName(resource)}` }
      act({ key: keyOf(resource), name, version, size: value?.length ?? 0 }, stored, verdict)
    }
    return { changes: [...changes.values()], refusals }
  }

  #versionOf(stored: Resource, form: ResourceDraft): string {
    let version = this.#versions.get(stored)
    if (version === undefined) {
      version = encodeForWire(form).version
      this.#versions.set(stored, version)
    }
    return version
  }
}
