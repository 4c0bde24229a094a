import type { KindDefinition } from '../model/kind.ts'
import { formatKey, keyOf, type Resource, type ResourceDraft, type ResourceKey } from '../model/resource.ts'
import { type ChangeBatch, keyOfChange } from '../registry/change-batch.ts'
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
  /** As the peer numbers it; '' = gone. */
  readonly version: string
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

  /** Resolves when all that is admitted of it is durable. */
  async receive(delivery: Delivery): Promise<readonly Refusal[]> {
    const kind = this.#kinds.get(delivery.kind)
    const table = this.#tables.get(delivery.kind)
    if (!kind || !table) return [{ name: delivery.kind, reason: 'this kind was not asked for' }]
    const refusals = await this.#commit(kind, delivery)
    const id = (name: string) => `${kind.kind}/${name}`
    for (const name of delivery.removed) {
      table.delete(name)
      this.#refused.delete(id(name))
    }
    for (const { name, version } of delivery.resources) {
      table.set(name, version)
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
        await this.#write(changes)
        return refusals
      } catch (error) {
        if (!(error instanceof RevisionConflictError) || attempt === 10) throw error
      }
    }
  }

  async #write(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return
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
      table.delete(wireName(keyOfChange(change)))
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
    const act = (name: string, version: string, key: ResourceKey, stored: Resource | undefined, verdict: Verdict) => {
      const expect = stored?.revision ?? 'absent'
      switch (verdict.kind) {
        case 'put':
          changes.set(name, { key, version, change: { kind: 'put', draft: verdict.draft, expect } })
          break
        case 'delete':
          changes.set(name, { key, version, change: { kind: 'delete', key, expect } })
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
      act(name, '', key, stored, this.#rules.withdraw(stored))
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
      act(name, version, keyOf(resource), stored, verdict)
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
