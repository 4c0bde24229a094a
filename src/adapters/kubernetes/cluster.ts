import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type AdapterDeps,
  type Gone,
  type Item,
  type Listing,
  type OpenAdapter,
  type Scope,
  type ScopeListing,
  type Source,
  SourceCallError,
} from '../adapter.ts'
import { readSafely } from '../found.ts'
import { ApiClient, ApiError } from './api-client.ts'
import { ClusterState } from './cluster-state.ts'
import { confirmInstances } from './confirm.ts'
import type { ClusterConnection } from './connection.ts'
import { type Follower, type LastMcs, mcsFollowers, nodeFollower, openFollowers } from './followers.ts'
import { mcsVersion } from './mcs/mcs-version.ts'
import { translate } from './translate.ts'

/** Instances that are translated before others get their turn. */
const inOneGo = 250

/** Where `follow` goes on: what the listing saw, and what keeps it up. */
interface Cursor {
  readonly state: ClusterState
  readonly followers: readonly Follower[]
}

/**
 * The workloads of one cluster, as the one scope that it is: pods and other endpoints of Services. Opening makes no call.
 * @throws SourceConfigError for an address that cannot be called
 */
export async function openCluster(connection: ClusterConnection, source: Source, deps: AdapterDeps): Promise<OpenAdapter> {
  return new OpenCluster(connection, source, deps)
}

class OpenCluster implements OpenAdapter {
  readonly #connection: ClusterConnection
  readonly #source: Source
  readonly #deps: AdapterDeps
  readonly #client: ApiClient
  readonly #lastMcs: LastMcs = new Map()

  constructor(connection: ClusterConnection, source: Source, deps: AdapterDeps) {
    this.#connection = connection
    this.#source = source
    this.#deps = deps
    this.#client = new ApiClient({ connection, budget: deps.budget, clock: deps.clock })
  }

  async scopes(signal: AbortSignal): Promise<ScopeListing> {
    const { id, locality } = this.#connection
    const identity = await this.#identity(signal)
    return { complete: true, missing: [], scopes: [{ id, locality, ...(identity === undefined ? {} : { identity }) }] }
  }

  async list(_scope: Scope, signal: AbortSignal): Promise<Listing> {
    const state = new ClusterState()
    const options = { client: this.#client, state, ...this.#deps }
    // Before the pods that are on them: each that comes later is looked for among all of those.
    const nodes = nodeFollower({ ...options, namespace: undefined })
    let { pages } = await nodes.list(signal)
    await nodes.enter()
    const mcs = await mcsVersion(this.#client, signal)
    if (mcs === null) this.#lastMcs.clear()
    const followers: Follower[] = []
    const missing: string[] = []
    const errors: unknown[] = []
    for (const namespace of this.#source.spec.kubernetes?.namespaces ?? [undefined]) {
      // A namespace counts as a whole: pods without their slices would be taken for pods that are in no Service.
      const within = openFollowers({ ...options, namespace })
      if (mcs !== null) within.push(...mcsFollowers({ ...options, namespace }, mcs, this.#lastMcs))
      try {
        for (const follower of within) {
          const listed = await follower.list(signal)
          missing.push(...listed.missing)
          pages += listed.pages
        }
        for (const follower of within) await follower.enter()
        followers.push(...within)
      } catch (error) {
        signal.throwIfAborted()
        errors.push(error)
        missing.push(error instanceof Error ? error.message : String(error))
      }
    }
    if (followers.length === 0) throw errors[0]
    followers.push(nodes)
    const items: Item[] = []
    let looked = 0
    for (const id of state.ids()) {
      const item = this.#item(state, id)
      if (item) items.push(item)
      // Ten thousand in one go would keep everybody else waiting.
      if (++looked % inOneGo === 0) await nextTurn()
    }
    signal.throwIfAborted()
    const cursor: Cursor = { state, followers }
    return { complete: missing.length === 0, missing, items, gone: [], cursor, pages }
  }

  async follow(
    _scope: Scope,
    cursor: unknown,
    tell: Parameters<NonNullable<OpenAdapter['follow']>>[2],
    signal: AbortSignal,
  ): Promise<void> {
    const { state, followers } = cursor as Cursor
    const stop = new AbortController()
    const both = AbortSignal.any([signal, stop.signal])
    const onTouched = (touched: ReadonlySet<string>) => {
      tell(
        [...touched].map(id => {
          const item = this.#item(state, id)
          return item ? { kind: 'seen', item } : { kind: 'gone', gone: { id, reason: 'it is no longer in the cluster' } }
        }),
      )
    }
    const following = followers.map(follower => follower.follow(onTouched, both))
    try {
      await Promise.all(following)
    } finally {
      stop.abort()
      await Promise.allSettled(following)
    }
  }

  confirm(_scope: Scope, ids: readonly string[], signal: AbortSignal): Promise<Map<string, 'there' | Gone>> {
    return confirmInstances(this.#client, ids, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]()
  }

  #item(state: ClusterState, id: string) {
    const view = state.view(id)
    return view && readSafely({ id }, () => translate(view, this.#connection.locality, this.#source.spec))
  }

  /** A cluster that is rebuilt has another one. Who may not see it goes without. */
  async #identity(signal: AbortSignal): Promise<string | undefined> {
    const path = '/api/v1/namespaces/kube-system'
    try {
      const { metadata } = await this.#client.json<{ metadata?: { uid?: string } }>({ path, signal })
      return metadata?.uid
    } catch (error) {
      if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return undefined
      throw error instanceof SourceCallError || signal.aborted ? error : new SourceCallError('garbled', String(error), { cause: error })
    }
  }
}
