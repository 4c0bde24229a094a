import { Backoff } from '../../std/backoff.ts'
import { type Clock, sleep } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'
import type { Random } from '../../std/random.ts'
import { ListAgainError, SourceCallError } from '../adapter.ts'
import { type ApiClient, ApiError } from './api-client.ts'
import { listCollection } from './list-collection.ts'
import { isOlder, type ObjectFacts, type RawObject } from './object-facts.ts'
import { watchCollection } from './watch-collection.ts'

export interface ReflectorOptions<T extends ObjectFacts> {
  readonly client: ApiClient
  /** As `/api/v1/namespaces/shop/pods`. */
  readonly path: string
  /** What is kept of an object: all else is let go at once. */
  readonly project: (raw: RawObject) => T
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** What a collection held at one moment; `follow` keeps it up. */
export interface Reflection<T extends ObjectFacts> {
  /** By uid. */
  readonly objects: Map<string, T>
  /** Uids by `namespace/name`. */
  readonly uids: Map<string, string>
  resourceVersion: string
  /** Why some may be missing. Empty: everything is there. */
  readonly missing: readonly string[]
  readonly pages: number
}

export type ObjectEvent<T> =
  | { readonly kind: 'put'; readonly object: T; readonly before: T | undefined }
  | { readonly kind: 'delete'; readonly object: T }

/** `stale`: what is known was true at that time and may not be now. Unix ms. */
export type ReflectorState =
  | { readonly kind: 'connecting' | 'listing' | 'synced' }
  | { readonly kind: 'stale'; readonly since: number; readonly error: unknown }

/** From one failure to the next attempt. ms */
const backoffMs = { baseMs: 1000, maxMs: 30_000 }
/** So long a watch that fails is tried again from where it was; after that whoever follows is told. ms */
const patienceMs = 30_000
/** A watch lasts so long before the client begins another one. s */
const watchSeconds = { min: 300, max: 600 }
/** A level trigger: whatever a watch may have kept from us is found by a full list. ms */
const relistAfterMs = { min: 10 * 60_000, max: 30 * 60_000 }
/** A watch that ends sooner, and without a word, is one that failed. ms */
const shortestWatchMs = 1000

/**
 * Knows what is in one collection of a cluster: lists it page by page, then watches. Objects are told apart by uid, so what was deleted and
 * made again while nobody looked is another one. https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export class Reflector<T extends ObjectFacts> {
  readonly #options: ReflectorOptions<T>
  #state: ReflectorState = { kind: 'connecting' }
  #highest: string | undefined
  #quarantined = 0
  #sendsBookmarks = false

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
  }

  get state(): ReflectorState {
    return this.#state
  }

  /** How many objects could not be read since the start. */
  get quarantined(): number {
    return this.#quarantined
  }

  /** All of it, once. @throws SourceCallError, ApiError */
  async list(signal: AbortSignal): Promise<Reflection<T>> {
    if (this.#state.kind === 'connecting') this.#state = { kind: 'listing' }
    try {
      const { client, path } = this.#options
      const objects = new Map<string, T>()
      const unread: string[] = []
      const listed = await listCollection(client, path, signal, {
        restart() {
          objects.clear()
          unread.length = 0
        },
        item: raw => {
          const object = this.#read(raw)
          if (object) objects.set(object.uid, object)
          else unread.push(`${raw.metadata?.namespace ?? ''}/${raw.metadata?.name ?? '?'} could not be read`)
        },
      })
      const missing = [...listed.missing, ...unread, ...this.#wentBack(listed.resourceVersion)]
      const uids = new Map<string, string>()
      for (const { uid, key } of objects.values()) uids.set(key, uid)
      return { objects, uids, resourceVersion: listed.resourceVersion, missing, pages: listed.pages }
    } catch (error) {
      if (!signal.aborted) this.#failed(error)
      throw error
    }
  }

  /**
   * Keeps a reflection up and tells what changed in it, until the signal is aborted. A watch that breaks is begun again from where it was.
   * @throws ListAgainError when the server no longer knows that place, or it is time to see all of it again; SourceCallError when the server
   * stays away.
   */
  async follow(reflection: Reflection<T>, tell: (events: readonly ObjectEvent<T>[]) => void, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options
    const backoff = new Backoff({ ...backoffMs, random })
    const relistAt = clock.monotonic() + between(relistAfterMs, random)
    let failingSince: number | null = null
    while (!signal.aborted) {
      const remainingMs = relistAt - clock.monotonic()
      if (remainingMs <= 0) throw new ListAgainError('it is time for a full list')
      const seconds = Math.ceil(Math.min(between(watchSeconds, random), remainingMs / 1000))
      const began = clock.monotonic()
      let hasHeard = false
      const onBatch = (events: readonly ObjectEvent<T>[], size: number) => {
        this.#state = { kind: 'synced' }
        hasHeard ||= size > 0
        if (events.length > 0) this.#tell(tell, events)
      }
      const isGood = () => hasHeard || clock.monotonic() - began >= shortestWatchMs
      try {
        await this.#watch(reflection, seconds, onBatch, signal)
        if (!isGood()) throw new SourceCallError('unreachable', `${this.#options.path}: the watch ended as soon as it had begun`)
        failingSince = null
        backoff.reset()
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof ListAgainError) throw error
        this.#failed(error)
        if (isGood()) {
          failingSince = null
          backoff.reset()
        }
        failingSince ??= clock.monotonic()
        const isHopeless = error instanceof SourceCallError && error.what === 'denied'
        if (isHopeless || clock.monotonic() - failingSince >= patienceMs) throw error
        const retryInMs = Math.max(backoff.nextMs(), (error instanceof SourceCallError && error.retryAfterMs) || 0)
        this.#options.log.debug('a watch broke', { path: this.#options.path, error, retryInMs })
        await sleep(clock, retryInMs, signal)
      }
    }
  }

  async #watch(
    reflection: Reflection<T>,
    seconds: number,
    onBatch: (events: readonly ObjectEvent<T>[], size: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, path } = this.#options
    const request = { path, resourceVersion: reflection.resourceVersion, seconds, signal, sendsBookmarks: this.#sendsBookmarks }
    for await (const batch of watchCollection(client, request)) {
      const events: ObjectEvent<T>[] = []
      for (const { type, object } of batch) {
        this.#advance(reflection, object)
        if (type === 'BOOKMARK') this.#sendsBookmarks = true
        else this.#apply(reflection, type, object, events)
      }
      onBatch(events, batch.length)
    }
  }

  #apply(reflection: Reflection<T>, type: 'ADDED' | 'MODIFIED' | 'DELETED', raw: RawObject, events: ObjectEvent<T>[]): void {
    const { objects, uids } = reflection
    const object = this.#read(raw)
    if (!object) return
    const { uid, key } = object
    const before = objects.get(uid)
    if (type === 'DELETED') {
      objects.delete(uid)
      if (uids.get(key) === uid) uids.delete(key)
      events.push({ kind: 'delete', object: before ?? object })
      return
    }
    const earlier = uids.get(key)
    const replaced = earlier === undefined || earlier === uid ? undefined : objects.get(earlier)
    if (replaced) {
      objects.delete(replaced.uid)
      events.push({ kind: 'delete', object: replaced })
    }
    objects.set(uid, object)
    uids.set(key, uid)
    events.push({ kind: 'put', object, before })
  }

  /** Of objects in one collection, versions only grow: a smaller one is from before a restore, and nothing else that we know holds. */
  #advance(reflection: Reflection<T>, { metadata }: RawObject): void {
    const version = metadata?.resourceVersion
    if (version === undefined || version === '') return
    if (isOlder(version, reflection.resourceVersion))
      throw new ListAgainError(`the cluster's version went back from ${reflection.resourceVersion} to ${version}`)
    reflection.resourceVersion = version
    this.#highest = version
  }

  /** A list that is older than what was seen before: the cluster's store was restored, and what it lacks may come back. */
  #wentBack(version: string): string[] {
    const before = this.#highest
    this.#highest = version
    if (before === undefined || !isOlder(version, before)) return []
    this.#options.log.warn('the version of a cluster went back: its store was restored', { path: this.#options.path, before, version })
    return [`the cluster's version went back from ${before} to ${version}: its store was restored`]
  }

  /** One object that cannot be read must not cost the others; it stays as it was known. */
  #read(raw: RawObject): T | null {
    try {
      return this.#options.project(raw)
    } catch (error) {
      this.#quarantine('an object could not be read', { name: raw.metadata?.name, namespace: raw.metadata?.namespace, error })
      return null
    }
  }

  #tell(tell: (events: readonly ObjectEvent<T>[]) => void, events: readonly ObjectEvent<T>[]): void {
    try {
      tell(events)
    } catch (error) {
      this.#quarantine('what changed could not be taken in', { error })
    }
  }

  #quarantine(event: string, fields: Record<string, unknown>): void {
    this.#quarantined++
    this.#options.log.error(event, { path: this.#options.path, ...fields })
  }

  #failed(error: unknown): void {
    if (this.#state.kind === 'stale') this.#state = { ...this.#state, error }
    else this.#state = { kind: 'stale', since: this.#options.clock.now(), error }
  }
}

/** Lists and follows until the signal is aborted, whatever happens in between: waits longer from failure to failure, and never gives up. */
export async function mirror<T extends ObjectFacts>(
  reflector: Reflector<T>,
  handle: { readonly listed: (reflection: Reflection<T>) => void; readonly changed: (events: readonly ObjectEvent<T>[]) => void },
  { clock, random, log }: Pick<ReflectorOptions<T>, 'clock' | 'random' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff({ ...backoffMs, random })
  while (!signal.aborted) {
    try {
      const reflection = await reflector.list(signal)
      try {
        handle.listed(reflection)
      } catch (error) {
        log.error('a list could not be taken in', { error })
      }
      backoff.reset()
      await reflector.follow(reflection, handle.changed, signal)
    } catch (error) {
      if (signal.aborted) return
      const isRoutine = error instanceof ListAgainError
      const retryInMs = Math.max(backoff.nextMs(), (error instanceof ApiError && error.retryAfterMs) || 0)
      if (!isRoutine) log.warn('a cluster cannot be followed', { error, retryInMs })
      await sleep(clock, retryInMs, signal)
    }
  }
}

function between({ min, max }: { readonly min: number; readonly max: number }, random: Random): number {
  return min + random.next() * (max - min)
}
