import type { Adapter, AdapterDeps, Source } from '../../adapters/adapter.ts'
import { Budgets } from '../../adapters/budget.ts'
import { RunningSource } from '../../adapters/run-adapter.ts'
import type { Source as DashboardSource } from '../../api/dashboard/schema/zone.ts'
import type {
  DiscoveryApi,
  DiscoveryList,
  DiscoveryQuery,
  DiscoverySourceView,
  FoundThing,
  Released,
  SourceTest,
} from '../../api/discovery.ts'
import type { DiscoverySource, DiscoverySourceType } from '../../model/kinds/discovery-source.ts'
import { displayNameOf } from '../../model/names.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Clock } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'
import type { Random } from '../../std/random.ts'
import { concernsZone, orphanedSources } from './concerns.ts'
import { explainItem } from './explain.ts'
import { fingerprint, scopeKey } from './names.ts'
import { Publisher, type SourceRef } from './publisher.ts'
import { readSecret } from './read-secret.ts'
import { StatusWriter } from './status-writer.ts'
import { trySource } from './try-source.ts'
import { dashboardSources, statusOf, viewOf } from './views.ts'

/** So many things are explained at once. */
const mostExplained = 100

export type LoadAdapter = (type: DiscoverySourceType) => Promise<Adapter>

export interface DiscoveryOptions {
  readonly registry: Registry
  readonly zone: string
  readonly load: LoadAdapter
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

interface Running {
  readonly ref: SourceRef
  readonly resource: DiscoverySource
  /** null: the source is not enabled. What it found stays. */
  readonly source: RunningSource | null
}

/** Runs the sources that a zone has, and keeps the registry as they find things. */
export class Discovery implements DiscoveryApi, AsyncDisposable {
  readonly publisher: Publisher
  readonly #options: DiscoveryOptions
  readonly #budgets: Budgets
  /** By `mesh/name`. */
  readonly #running = new Map<string, Running>()
  readonly #status: StatusWriter
  readonly #unsubscribe: () => void
  /** Sources start and stop one after the other: two of one name must never run at once. */
  #turn: Promise<void> = Promise.resolve()
  #isClosed = false
  /** State or counts of a source changed. */
  onSources: (sources: readonly DashboardSource[]) => void = () => {}

  constructor(options: DiscoveryOptions) {
    const { registry, zone, clock, log } = options
    this.#options = options
    this.#budgets = new Budgets(clock)
    this.publisher = new Publisher({ registry, zone, clock, log })
    this.#status = new StatusWriter({
      registry,
      zone,
      clock,
      log,
      statuses: () => this.#statuses(),
      told: () => this.onSources(this.sources()),
    })
    this.#unsubscribe = registry.onChange(({ changes }) => {
      for (const change of changes) {
        if (change.kind === 'put' && change.resource.kind === 'DiscoverySource') this.#follow(change.resource as DiscoverySource)
        if (change.kind === 'delete' && change.key.kind === 'DiscoverySource') this.#forget(change.previous as DiscoverySource)
      }
    })
    for (const resource of registry.list<DiscoverySource>('DiscoverySource')) this.#follow(resource)
    for (const ref of orphanedSources(registry, zone)) this.publisher.forget(ref)
  }

  list(): DiscoveryList {
    const { zone } = this.#options
    return {
      sources: [...this.#running.values()].map(running => this.#view(running)),
      budgets: this.#budgets.use().map(use => ({ zone, ...use })),
    }
  }

  /** For screens. */
  sources(): DashboardSource[] {
    return dashboardSources(this.list().sources)
  }

  async test(query: DiscoveryQuery, signal: AbortSignal): Promise<SourceTest | undefined> {
    const running = this.#find(query)
    if (running === undefined) return undefined
    const { zone, load, clock, random, log } = this.#options
    const source = sourceOf(running.resource)
    const budget = this.#budgets.of(`${source.name} (test)`, source.spec.limits?.requestsPerSecond)
    const deps: AdapterDeps = { secret: this.#secretsOf(source), budget, clock, random, log: log.child({ source: source.name }) }
    try {
      return await trySource({ source, name: displayNameOf(running.resource), zone, load: () => load(source.spec.type), deps }, signal)
    } finally {
      this.#budgets.forget(`${source.name} (test)`)
    }
  }

  explain({ id, ...query }: DiscoveryQuery & { readonly id: string }): readonly FoundThing[] | undefined {
    const running = this.#find(query)
    if (running === undefined) return undefined
    const { zone } = this.#options
    const things: FoundThing[] = []
    for (const scope of running.source?.scopes() ?? []) {
      const at = { zone, scope: scope.id }
      for (const item of scope.items()) {
        const isMeant = item.id.includes(id) || Object.values(item.facts).some(fact => fact.includes(id))
        if (!isMeant || things.length >= mostExplained) continue
        things.push(explainItem(item, at, this.publisher.publishedOf(running.ref, scopeKey(scope.id), item.id)))
      }
      for (const [ended, { reason }] of scope.tombstones())
        if (ended.includes(id) && things.length < mostExplained) things.push({ ...at, id: ended, facts: {}, outcome: 'ended', reason })
    }
    return things
  }

  release({ scope, ...query }: DiscoveryQuery & { readonly scope?: string }): Released | undefined {
    const running = this.#find(query)
    if (running === undefined) return undefined
    return { zone: this.#options.zone, source: displayNameOf(running.resource), removed: running.source?.release(scope) ?? 0 }
  }

  /** Resolves when what is known now is written, and sources that changed have started or stopped. */
  async settled(): Promise<void> {
    await this.#turn
    await this.publisher.settled()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#unsubscribe()
    await this.#turn
    await Promise.all([...this.#running.values()].map(({ source }) => source?.[Symbol.asyncDispose]()))
    await this.#status.close()
    await this.publisher.close()
  }

  #follow(resource: DiscoverySource): void {
    const { zone } = this.#options
    const key = keyOf(resource)
    const before = this.#running.get(key)?.resource
    if (!concernsZone(resource, zone)) {
      if (before !== undefined) this.#forget(resource)
      return
    }
    // Its status is what changes most often.
    if (before !== undefined && JSON.stringify(before.spec) === JSON.stringify(resource.spec)) return
    const ref: SourceRef = { mesh: resource.mesh, name: resource.name, type: resource.spec.type }
    const previous = this.#running.get(key)?.source
    this.#running.set(key, { ref, resource, source: null })
    this.#inTurn(async () => {
      await previous?.[Symbol.asyncDispose]()
      // Changed or deleted again meanwhile.
      if (this.#running.get(key)?.resource !== resource || this.#isClosed) return
      const remembered = await this.publisher.remember(ref)
      if (this.#running.get(key)?.resource !== resource || this.#isClosed) return
      if (resource.spec.enabled !== false) this.#running.set(key, { ref, resource, source: this.#run(ref, resource, remembered) })
      this.#status.touch()
    })
  }

  #forget(resource: DiscoverySource): void {
    const running = this.#running.get(keyOf(resource))
    this.#running.delete(keyOf(resource))
    this.#inTurn(async () => {
      await running?.source?.[Symbol.asyncDispose]()
      if (this.#isClosed || this.#running.has(keyOf(resource))) return
      this.publisher.forget({ mesh: resource.mesh, name: resource.name, type: resource.spec.type })
      this.#status.touch()
    })
  }

  #run(ref: SourceRef, resource: DiscoverySource, restored: Awaited<ReturnType<Publisher['remember']>>): RunningSource {
    const { load, clock, random, log } = this.#options
    const source = sourceOf(resource)
    const running: RunningSource = new RunningSource({
      source,
      load: () => load(source.spec.type),
      secret: this.#secretsOf(source),
      budgets: this.#budgets,
      fingerprint: (scope, id) => fingerprint(ref.name, scopeKey(scope), id),
      restored,
      identities: identitiesOf(resource),
      scopeKey,
      clock,
      random,
      log,
      publish: (scope, decision) => this.publisher.apply(ref, scopeKey(scope), decision, id => running.item(scope, id)),
      onStatus: () => this.#status.touch(),
    })
    return running
  }

  #secretsOf({ mesh }: Source): AdapterDeps['secret'] {
    const { registry, env } = this.#options
    return reference => readSecret(reference, mesh, { registry, env })
  }

  #inTurn(action: () => Promise<void>): void {
    this.#turn = this.#turn.then(action).catch(error => this.#options.log.error('a source could not be started or stopped', { error }))
  }

  #find({ mesh, source }: DiscoveryQuery): Running | undefined {
    const running = this.#running.get(`${mesh}/${source}`)
    return running ?? [...this.#running.values()].find(it => it.ref.mesh === mesh && displayNameOf(it.resource) === source)
  }

  #view({ ref, resource, source }: Running): DiscoverySourceView {
    return viewOf(this.#options.zone, resource, source?.status() ?? null, this.publisher.conflicts(ref))
  }

  #statuses(): { readonly resource: DiscoverySource; readonly status: ReturnType<typeof statusOf> }[] {
    return [...this.#running.values()].map(running => ({
      resource: running.resource,
      status: statusOf(this.#view(running), running.source?.status()),
    }))
  }
}

function keyOf({ mesh, name }: { readonly mesh: string; readonly name: string }): string {
  return `${mesh}/${name}`
}

function sourceOf({ mesh, name, spec }: DiscoverySource): Source {
  return { mesh, name, spec }
}

/** What scopes called themselves before the program started. */
function identitiesOf({ status }: DiscoverySource): ReadonlyMap<string, string> {
  return new Map((status?.scopes ?? []).flatMap(({ scope, identity }) => (identity === undefined ? [] : [[scopeKey(scope), identity]])))
}
