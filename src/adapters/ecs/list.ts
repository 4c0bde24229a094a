import { sleep } from '../../std/clock.ts'
import {
  type Adapter,
  type AdapterDeps,
  type Change,
  type Gone,
  type Listing,
  type OpenAdapter,
  type Scope,
  type ScopeListing,
  type Source,
  SourceCallError,
} from '../adapter.ts'
import { AwsAccess, localityOf } from '../aws/access.ts'
import { nameInArn, parseArn } from '../aws/arn.ts'
import { EventQueue, type Sorted } from '../aws/event-queue.ts'
import type { Place } from '../aws/limits.ts'
import { batch, EcsCalls, inBatches } from './calls.ts'
import { Cluster } from './cluster.ts'
import { ClusterMemory } from './cluster-memory.ts'
import { type EcsEvent, readEvent } from './event.ts'
import type { Definition } from './task-definition.ts'

/** Amazon ECS: each cluster of an account in a region is a scope, each task that runs in it an instance of its service. */
export const ecs: Adapter = {
  type: 'ECS',
  intervalMs: 60_000,
  open: async (source, deps) => new EcsSource(source, await AwsAccess.open(source, deps), deps),
}

/** ECS tells nobody of a task's health, so that it is asked for this often, ms; or a call a second, where that takes longer. */
const healthMs = 10_000
const healthPerCallMs = 1000

type Told = Exclude<EcsEvent, { kind: 'other' }>

class EcsSource implements OpenAdapter {
  readonly #source: Source
  readonly #access: AwsAccess
  readonly #deps: AdapterDeps
  readonly #queue: EventQueue<Told> | null
  /** By scope id, for as long as the source is open: what is known of a cluster outlasts its bad days. */
  readonly #clusters = new Map<string, Cluster>()
  readonly #definitions = new Map<string, Definition>()
  #places: readonly Place[] = []

  constructor(source: Source, access: AwsAccess, deps: AdapterDeps) {
    const { events } = source.spec.aws ?? {}
    this.#source = source
    this.#access = access
    this.#deps = deps
    this.#queue = events === undefined ? null : new EventQueue(events.queueUrl, access, deps, body => sortEvent(readEvent(body)))
    this.#queue?.expect(cluster => [...this.#clusters.values()].some(({ arn }) => arn === cluster))
  }

  async scopes(signal: AbortSignal): Promise<ScopeListing> {
    const { places, missing } = await this.#access.places(signal)
    this.#places = places
    const errors: SourceCallError[] = []
    const parts = await Promise.all(
      places.map(async (place): Promise<ScopeListing> => {
        try {
          return await this.#scopesIn(place, signal)
        } catch (error) {
          if (!(error instanceof SourceCallError)) throw error
          errors.push(error)
          return { complete: false, missing: [error.message], scopes: [] }
        }
      }),
    )
    if (errors.length === places.length && missing.length === 0) throw errors[0]!
    return {
      complete: missing.length === 0 && parts.every(({ complete }) => complete),
      missing: [...missing, ...parts.flatMap(part => part.missing)],
      scopes: parts.flatMap(({ scopes }) => scopes),
    }
  }

  list(scope: Scope, signal: AbortSignal): Promise<Listing> {
    return this.#cluster(scope).list(signal)
  }

  async follow(scope: Scope, _cursor: unknown, tell: (changes: readonly Change[]) => void, signal: AbortSignal): Promise<void> {
    const cluster = this.#cluster(scope)
    const say = (changes: readonly Change[]) => changes.length > 0 && !signal.aborted && tell(changes)
    const ended = new AbortController()
    const until = AbortSignal.any([signal, ended.signal])
    const take = async (events: readonly Told[]) => {
      say(
        await cluster.apply(
          events.flatMap(event => (event.kind === 'task' ? [event.task] : [])),
          until,
        ),
      )
      for (const event of events) if (event.kind === 'host') say(cluster.hostChanged(event.instanceArn, event.status, event.isConnected))
    }
    try {
      await Promise.all([this.#queue?.follow(cluster.arn, this.#places, take, until), this.#watchHealth(cluster, say, until)])
    } finally {
      ended.abort()
    }
  }

  confirm(scope: Scope, ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, 'there' | Gone>> {
    return this.#cluster(scope).confirm(ids, signal)
  }

  count(scope: Scope, signal: AbortSignal): Promise<number | null> {
    return this.#cluster(scope).count(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue?.[Symbol.asyncDispose]()
    await this.#access[Symbol.asyncDispose]()
  }

  async #scopesIn(place: Place, signal: AbortSignal): Promise<ScopeListing> {
    const calls = new EcsCalls(this.#access, place)
    const named = this.#source.spec.aws?.clusters
    const listed = named === undefined ? await calls.listClusters(signal) : { items: named, complete: true, missing: [] }
    const described = await inBatches(listed.items, batch.clusters, some => calls.describeClusters(some, signal))
    if (described.failed !== null && described.calls === 0) throw described.failed
    const scopes: Scope[] = []
    for (const { clusterArn, status } of described.found) {
      // A cluster that was deleted can be described for a while.
      if (clusterArn === undefined || status === 'INACTIVE') continue
      scopes.push(this.#scopeOf(place, clusterArn, calls))
    }
    const unknown =
      named === undefined ? [] : described.gone.map(name => `there is no cluster ${name} in ${place.account} in ${place.region}`)
    return {
      complete: listed.complete && described.missing.length === 0,
      missing: [...listed.missing, ...described.missing, ...unknown],
      scopes,
    }
  }

  #scopeOf(place: Place, arn: string, calls: EcsCalls): Scope {
    const name = nameInArn(arn)
    const locality = { ...localityOf(place), cluster: name }
    const id = `aws/${place.account}/${place.region}/ecs/${name}`
    if (this.#clusters.get(id)?.arn !== arn)
      this.#clusters.set(id, new Cluster(arn, calls, new ClusterMemory(this.#definitions), locality, this.#source.spec))
    return { id, identity: parseArn(arn)?.account ?? place.account, locality }
  }

  #cluster({ id }: Scope): Cluster {
    const cluster = this.#clusters.get(id)
    if (cluster === undefined) throw new RangeError(`scope ${id} is none that scopes() named`)
    return cluster
  }

  /** A poll that fails is made up for by the next one, and by the next listing. */
  async #watchHealth(cluster: Cluster, say: (changes: readonly Change[]) => void, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps
    let waitMs = healthMs
    while (!signal.aborted) {
      await sleep(clock, waitMs, signal)
      const arns = cluster.checked()
      waitMs = Math.max(healthMs, Math.ceil(arns.length / batch.tasks) * healthPerCallMs)
      try {
        for (let first = 0; first < arns.length && !signal.aborted; first += batch.tasks)
          say(await cluster.poll(arns.slice(first, first + batch.tasks), signal))
      } catch (error) {
        if (!signal.aborted) log.debug('health of tasks cannot be asked for', { cluster: cluster.arn, error })
      }
    }
  }
}

function sortEvent(event: EcsEvent): Sorted<Told> {
  return event.kind === 'other' ? { kind: 'nobody', reason: event.reason } : { kind: 'for', topic: event.cluster, message: event }
}
