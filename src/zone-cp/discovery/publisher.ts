import type { Item } from '../../adapters/adapter.ts'
import type { Decision } from '../../adapters/guard/state.ts'
import type { Dataplane } from '../../model/kinds/dataplane.ts'
import type { DiscoverySourceType } from '../../model/kinds/discovery-source.ts'
import { discoveryScopeLabel, discoverySourceLabel, zoneLabel } from '../../model/labels.ts'
import type { Registry } from '../../registry/registry.ts'
import { RevisionConflictError } from '../../registry/store.ts'
import { Backoff } from '../../std/backoff.ts'
import { type Clock, sleep } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'
import { DataplaneChanges, type DataplaneName } from './dataplane-changes.ts'
import { isFound, rememberedItem } from './found-dataplane.ts'
import { FoundIndex, type Published, placeOf } from './found-index.ts'
import { dataplaneName, fingerprint } from './names.ts'

export interface SourceRef {
  readonly mesh: string
  readonly name: string
  readonly type: DiscoverySourceType
}

/** Of one transaction, and of one turn of the event loop, with all that follows from it in that turn: more would keep proxies waiting. */
const sliceSize = 50

/** Something that a source said, and that is not taken in yet. */
type Told =
  | { readonly kind: 'put'; readonly source: SourceRef; readonly scopeKey: string; readonly item: Item }
  | { readonly kind: 'drop'; readonly source: SourceRef; readonly scopeKey: string; readonly id: string }

interface Options {
  readonly registry: Registry
  readonly zone: string
  readonly clock: Clock
  readonly log: Log
}

/**
 * Keeps the registry's Dataplanes as the sources have found things: what changed together is committed together, and what is under way is
 * waited for, so that a thing that changes quickly is written as it is last. Touches nothing but what discovery made, and the labels of
 * Dataplanes whose proxies belong to what it found.
 */
export class Publisher {
  readonly #options: Options
  readonly #index = new FoundIndex()
  readonly #changes: DataplaneChanges
  /** In the order in which it was said. */
  #told: Told[] = []
  /** Dataplanes to delete, by `mesh/name`. */
  readonly #obsolete = new Map<string, DataplaneName>()
  readonly #unsubscribe: () => void
  readonly #closing = new AbortController()
  readonly #backoff: Backoff
  #running: Promise<void> | null = null
  /** Commits that changed something, since the start. */
  commits = 0

  constructor(options: Options) {
    this.#options = options
    this.#changes = new DataplaneChanges(options.registry, options.zone, this.#index, {
      kept: ({ mesh, name }) => void this.#obsolete.delete(`${mesh}/${name}`),
      givenUp: dataplane => this.#makeObsolete(dataplane),
    })
    this.#backoff = new Backoff({ baseMs: 500, maxMs: 10_000 })
    for (const dataplane of options.registry.list<Dataplane>('Dataplane')) this.#onDataplane(dataplane, undefined)
    this.#unsubscribe = options.registry.onChange(({ changes }) => {
      for (const change of changes) {
        if (change.kind === 'put' && change.resource.kind === 'Dataplane')
          this.#onDataplane(change.resource as Dataplane, change.previous as Dataplane)
        if (change.kind === 'delete' && change.key.kind === 'Dataplane') this.#onDataplane(undefined, change.previous as Dataplane)
      }
    })
  }

  /** A source begins: what the registry has of it, by scope key, is in force until it is found again, or known to be gone. */
  async remember(source: SourceRef): Promise<ReadonlyMap<string, readonly Item[]>> {
    await this.settled()
    // What an earlier run of it knew beyond that, nobody would take back.
    for (const key of this.#keysOf(source)) {
      this.#index.drop(key)
      this.#changes.disown(key)
    }
    const scopes = new Map<string, Item[]>()
    for (const dataplane of this.#dataplanesOf(source)) {
      const item = rememberedItem(dataplane)
      const scope = dataplane.labels[discoveryScopeLabel] ?? ''
      const items = scopes.get(scope)
      if (items === undefined) scopes.set(scope, [item])
      else items.push(item)
      const key = this.#put(source, scope, item)
      if (key !== undefined) this.#changes.own(key, dataplane)
    }
    this.#schedule()
    return scopes
  }

  apply(source: SourceRef, scopeKey: string, decision: Decision, itemOf: (id: string) => Item | undefined): void {
    for (const { id } of decision.removed) this.#told.push({ kind: 'drop', source, scopeKey, id })
    for (const id of decision.changed) {
      const item = itemOf(id)
      if (item !== undefined) this.#told.push({ kind: 'put', source, scopeKey, item })
    }
    this.#schedule()
  }

  /** The source is no more: what it found goes with it. */
  forget(source: SourceRef): void {
    this.#told = this.#told.filter(told => told.source.mesh !== source.mesh || told.source.name !== source.name)
    for (const key of this.#keysOf(source)) this.#drop(key)
    for (const dataplane of this.#dataplanesOf(source)) this.#makeObsolete(dataplane)
    this.#schedule()
  }

  publishedOf(source: SourceRef, scope: string, id: string): { readonly published: Published; readonly dataplane: string } | undefined {
    const found = this.#index.get(this.#keyOf(source, scope, id))
    if (found === undefined) return undefined
    const { published } = found
    const own = dataplaneName(found.workload.workload, found.fingerprint)
    return { published, dataplane: published.kind === 'joined' ? published.dataplane : own }
  }

  /** Why found workloads are not in the mesh, for people; at most so many. */
  conflicts(source: SourceRef, most = 5): string[] {
    const prefix = `${source.mesh}/${source.name}|`
    const conflicts: string[] = []
    for (const { key, published } of this.#index.all()) {
      if (published.kind !== 'name-taken' || !key.startsWith(prefix)) continue
      conflicts.push(`there is a Dataplane ${published.dataplane} that somebody else wrote`)
      if (conflicts.length === most) break
    }
    return conflicts
  }

  /** Resolves when everything that is known now is written. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    this.#closing.abort()
    await this.#running
  }

  #dataplanesOf({ mesh, name }: Pick<SourceRef, 'mesh' | 'name'>): Dataplane[] {
    const { registry, zone } = this.#options
    return registry
      .byLabel<Dataplane>('Dataplane', mesh, discoverySourceLabel, name)
      .filter(dataplane => isFound(dataplane) && dataplane.labels[zoneLabel] === zone)
  }

  #keysOf({ mesh, name }: Pick<SourceRef, 'mesh' | 'name'>): string[] {
    const prefix = `${mesh}/${name}|`
    return [...this.#index.all()].flatMap(({ key }) => (key.startsWith(prefix) ? [key] : []))
  }

  #keyOf(source: SourceRef, scopeKey: string, id: string): string {
    return `${source.mesh}/${source.name}|${fingerprint(source.name, scopeKey, id)}`
  }

  #put(source: SourceRef, scopeKey: string, item: Item): string | undefined {
    const key = this.#keyOf(source, scopeKey, item.id)
    if (item.outcome.kind === 'left-out') {
      this.#drop(key)
      return undefined
    }
    const { workload } = item.outcome
    this.#index.put({
      key,
      source: `${source.mesh}/${source.name}`,
      type: source.type,
      workload,
      mesh: source.mesh,
      sourceName: source.name,
      scopeKey,
      fingerprint: fingerprint(source.name, scopeKey, item.id),
      place: placeOf(source.mesh, workload.address),
    })
    return key
  }

  #drop(key: string): void {
    this.#index.drop(key)
    const owned = this.#changes.disown(key)
    if (owned !== undefined) this.#makeObsolete(owned)
  }

  #makeObsolete({ mesh, name }: DataplaneName): void {
    this.#obsolete.set(`${mesh}/${name}`, { mesh, name })
  }

  #onDataplane(now: Dataplane | undefined, before: Dataplane | undefined): void {
    const ofZone = (dataplane: Dataplane | undefined) => (dataplane?.labels[zoneLabel] === this.#options.zone ? dataplane : undefined)
    this.#index.dataplaneChanged(ofZone(now), ofZone(before))
    if (now === undefined && before !== undefined) this.#changes.forget(before)
    this.#schedule()
  }

  get #isIdle(): boolean {
    return this.#told.length === 0 && this.#index.dirty.size === 0 && this.#obsolete.size === 0
  }

  #schedule(): void {
    if (this.#running !== null || this.#closing.signal.aborted || this.#isIdle) return
    // What is told in the same turn is written together.
    this.#running = Promise.resolve()
      .then(() => this.#flush())
      .finally(() => {
        this.#running = null
        this.#schedule()
      })
  }

  async #flush(): Promise<void> {
    const { registry, log, clock } = this.#options
    await this.#takeIn()
    const places = take(this.#index.dirty, sliceSize)
    const obsolete = take(this.#obsolete.values(), sliceSize)
    for (const place of places) this.#index.dirty.delete(place)
    for (const { mesh, name } of obsolete) this.#obsolete.delete(`${mesh}/${name}`)
    try {
      const changes = this.#changes.changesFor(places, obsolete)
      if (changes.length > 0) {
        const batch = await registry.commit(changes)
        if (batch.changes.length > 0) this.commits++
      }
      this.#backoff.reset()
    } catch (error) {
      for (const place of places) this.#index.dirty.add(place)
      for (const dataplane of obsolete) this.#makeObsolete(dataplane)
      if (this.#closing.signal.aborted) return
      if (error instanceof RevisionConflictError) return
      log.error('what was found could not be written', { error })
      await sleep(clock, this.#backoff.nextMs(), this.#closing.signal)
    }
    if (!this.#isIdle) await nextTurn()
  }

  async #takeIn(): Promise<void> {
    while (this.#told.length > 0) {
      const told = this.#told
      this.#told = told.slice(sliceSize)
      for (const it of told.slice(0, sliceSize)) {
        if (it.kind === 'put') this.#put(it.source, it.scopeKey, it.item)
        else this.#drop(this.#keyOf(it.source, it.scopeKey, it.id))
      }
      if (this.#told.length > 0) await nextTurn()
    }
  }
}

function take<T>(from: Iterable<T>, most: number): T[] {
  const taken: T[] = []
  for (const item of from) {
    if (taken.length === most) break
    taken.push(item)
  }
  return taken
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
