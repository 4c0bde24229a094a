import { isFreeLabel } from '../../adapters/valid-label.ts'
import type { Dataplane } from '../../model/kinds/dataplane.ts'
import { exportedLabel } from '../../model/labels.ts'
import type { Registry, RegistryChange } from '../../registry/registry.ts'
import { judgeClaims } from './claims.ts'
import { foundDataplane, foundLabels, isFound } from './found-dataplane.ts'
import type { Found, FoundIndex } from './found-index.ts'

export interface DataplaneName {
  readonly mesh: string
  readonly name: string
}

export interface DataplaneDecisions {
  /** It is to be there: it may have been given up before. */
  kept(dataplane: DataplaneName): void
  /** It is to go, after what comes in its place is there. */
  givenUp(dataplane: DataplaneName): void
}

/** What was found, as changes of the registry: only of Dataplanes that discovery made, and of the labels of those whose proxies belong to what it found. */
export class DataplaneChanges {
  readonly #registry: Registry
  readonly #zone: string
  readonly #index: FoundIndex
  readonly #decide: DataplaneDecisions
  /** Names that discovery gave, by key. */
  readonly #owned = new Map<string, DataplaneName>()
  /** Labels that discovery added to Dataplanes of proxies, by `mesh/name`. */
  readonly #added = new Map<string, readonly string[]>()

  constructor(registry: Registry, zone: string, index: FoundIndex, decide: DataplaneDecisions) {
    this.#registry = registry
    this.#zone = zone
    this.#index = index
    this.#decide = decide
  }

  own(key: string, { mesh, name }: DataplaneName): void {
    this.#owned.set(key, { mesh, name })
  }

  /** @returns the Dataplane that was made of it */
  disown(key: string): DataplaneName | undefined {
    const owned = this.#owned.get(key)
    this.#owned.delete(key)
    return owned
  }

  /** A Dataplane is no more. */
  forget({ mesh, name }: DataplaneName): void {
    this.#added.delete(`${mesh}/${name}`)
  }

  /** What has to be written so that the registry says of these places what was found there, and has none of these Dataplanes any more. */
  changesFor(places: readonly string[], obsolete: readonly DataplaneName[]): RegistryChange[] {
    const registry = this.#registry
    const changes = new Map<string, RegistryChange>()
    for (const { mesh, name } of obsolete) {
      const existing = registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
      if (existing !== undefined && isFound(existing))
        changes.set(`${mesh}/${name}`, { kind: 'delete', key: { kind: 'Dataplane', mesh, name }, expect: existing.revision })
    }
    for (const place of places) {
      const here = this.#index.at(place)
      const verdicts = judgeClaims(here, this.#proxiedAt(place))
      for (const found of here) {
        found.published = verdicts.get(found.key)!
        this.#publish(found, changes)
      }
    }
    return [...changes.values()]
  }

  #publish(found: Found, changes: Map<string, RegistryChange>): void {
    const by = { mesh: found.mesh, zone: this.#zone, source: found.sourceName, scopeKey: found.scopeKey }
    const owned = this.#owned.get(found.key)
    if (found.published.kind === 'joined') this.#join(found, by, found.published.dataplane, changes)
    if (found.published.kind !== 'dataplane') {
      if (owned !== undefined) this.#decide.givenUp(owned)
      this.#owned.delete(found.key)
      return
    }
    const draft = foundDataplane(found.workload, found.fingerprint, by)
    if (owned !== undefined && owned.name !== draft.name) this.#decide.givenUp(owned)
    const existing = this.#registry.get<Dataplane>(draft)
    if (existing !== undefined && !isFound(existing)) {
      found.published = { kind: 'name-taken', dataplane: draft.name }
      this.#owned.delete(found.key)
      return
    }
    this.#owned.set(found.key, { mesh: draft.mesh, name: draft.name })
    this.#decide.kept(draft)
    changes.set(`${draft.mesh}/${draft.name}`, { kind: 'put', draft, expect: existing?.revision ?? 'absent' })
  }

  /** What its proxy says of itself stays as it is; what is found is added. */
  #join(found: Found, by: Parameters<typeof foundLabels>[1], name: string, changes: Map<string, RegistryChange>): void {
    const dataplane = this.#registry.get<Dataplane>({ kind: 'Dataplane', mesh: found.mesh, name })
    const id = `${found.mesh}/${name}`
    if (dataplane === undefined || changes.has(id)) return
    const added = this.#added.get(id) ?? []
    // Whether it is exported is never its own word; what an earlier run of ours added is not told apart from that.
    const isOwn = (label: string) => !added.includes(label) && label !== exportedLabel
    const own = Object.fromEntries(Object.entries(dataplane.labels).filter(([label]) => isOwn(label)))
    const more = foundLabels(found.workload, by)
    this.#added.set(
      id,
      Object.keys(more).filter(label => !Object.hasOwn(own, label)),
    )
    const { kind, mesh, spec, status, revision } = dataplane
    // Where it runs, its platform knows better than whoever started its proxy.
    const ours = Object.fromEntries(Object.entries(more).filter(([label]) => !isFreeLabel(label)))
    const draft = { kind, mesh, name, labels: { ...more, ...own, ...ours }, spec, ...(status === undefined ? {} : { status }) }
    changes.set(id, { kind: 'put', draft, expect: revision })
  }

  #proxiedAt(place: string): Dataplane[] {
    const mesh = place.slice(0, place.indexOf('/'))
    return this.#index.proxiedAt(place).flatMap(name => this.#registry.get<Dataplane>({ kind: 'Dataplane', mesh, name }) ?? [])
  }
}
