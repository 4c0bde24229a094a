import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'
import type { Random } from '../../std/random.ts'
import { SourceCallError } from '../adapter.ts'
import { type ApiClient, ApiError } from './api-client.ts'
import { nodeFacts, podFacts, serviceFacts, sliceFacts } from './cluster-objects.ts'
import type { ClusterEvent, ClusterState } from './cluster-state.ts'
import { exportFacts, importFacts, mcsGroup } from './mcs/mcs-objects.ts'
import type { ObjectFacts, RawObject } from './object-facts.ts'
import { type ObjectEvent, type Reflection, Reflector } from './reflector.ts'

/** Objects that enter the state before others get their turn. */
const inOneGo = 500

export interface FollowersOptions {
  readonly client: ApiClient
  /** undefined = all. */
  readonly namespace: string | undefined
  readonly state: ClusterState
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Brings one collection into the state, and keeps it up there: in this order. */
export interface Follower {
  list(signal: AbortSignal): Promise<{ readonly missing: readonly string[]; readonly pages: number }>
  /** What was listed becomes part of the state. */
  enter(): Promise<void>
  follow(onTouched: (touched: ReadonlySet<string>) => void, signal: AbortSignal): Promise<void>
}

/** Who may not see nodes learns no zones from them; slices have zones, too. */
export function nodeFollower(options: FollowersOptions): Follower {
  return unlessRefused(
    [403],
    followerOf(options, '/api/v1/nodes', nodeFacts, event => ({ of: 'node', event })),
    error => options.log.debug('nodes may not be listed: their zones are not known', { error }),
  )
}

/** Of what is read in a namespace, or in all of them. */
export function openFollowers(options: FollowersOptions): Follower[] {
  const { state } = options
  return [
    followerOf(
      options,
      within(options, '/api/v1', 'services'),
      raw => serviceFacts(raw, state.intern),
      event => ({ of: 'service', event }),
    ),
    followerOf(
      options,
      within(options, '/api/v1', 'pods'),
      raw => podFacts(raw, state.intern),
      event => ({ of: 'pod', event }),
    ),
    followerOf(options, within(options, '/apis/discovery.k8s.io/v1', 'endpointslices'), sliceFacts, event => ({ of: 'slice', event })),
  ]
}

/** What was last read of exported and imported services, by path: while they cannot be read, that is what is true of them. */
export type LastMcs = Map<string, ReadonlyMap<string, ObjectFacts>>

/**
 * Of services that are exported to other clusters and imported from them, as far as they may be read. A controller's extension that is out of order
 * must cost the pods of the cluster nothing: what was known of it goes on, and the list is incomplete.
 * @param version of the API, as `v1beta1`
 */
export function mcsFollowers(options: FollowersOptions, version: string, last: LastMcs): Follower[] {
  const group = `/apis/${mcsGroup}/${encodeURIComponent(version)}`
  const follower = <T extends ObjectFacts>(
    resource: string,
    project: (raw: RawObject) => T,
    asEvent: (event: ObjectEvent<T>) => ClusterEvent,
  ) => {
    const path = within(options, group, resource)
    const remembered: Remembered<T> = {
      objects: () => last.get(path) as ReadonlyMap<string, T> | undefined,
      keep: objects => last.set(path, objects),
      forget: () => last.delete(path),
    }
    const denied = (error: unknown) => options.log.debug('exported or imported services may not be listed', { path, error })
    return unlessRefused([403, 404], followerOf(options, path, project, asEvent, remembered), denied)
  }
  return [
    follower('serviceexports', exportFacts, event => ({ of: 'export', event })),
    follower('serviceimports', importFacts, event => ({ of: 'import', event })),
  ]
}

function within({ namespace }: FollowersOptions, group: string, resource: string): string {
  return `${group}${namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${resource}`
}

/** Outlasts the lists of one collection. */
interface Remembered<T extends ObjectFacts> {
  readonly objects: () => ReadonlyMap<string, T> | undefined
  readonly keep: (objects: ReadonlyMap<string, T>) => void
  readonly forget: () => void
}

function followerOf<T extends ObjectFacts>(
  { state, ...options }: FollowersOptions,
  path: string,
  project: (raw: RawObject) => T,
  asEvent: (event: ObjectEvent<T>) => ClusterEvent,
  remembered?: Remembered<T>,
): Follower {
  const reflector = new Reflector({ ...options, path, project })
  let reflection: Reflection<T> | null = null
  return {
    async list(signal) {
      try {
        reflection = await reflector.list(signal)
      } catch (error) {
        // There is no such collection any more.
        if (error instanceof ApiError && error.status === 404) remembered?.forget()
        if (signal.aborted || !(error instanceof SourceCallError) || remembered?.objects() === undefined) throw error
        return { missing: [`${error.message}: what was known of these goes on`], pages: 0 }
      }
      // It is kept up by following, and so is what is remembered.
      remembered?.keep(reflection.objects)
      return reflection
    },
    async enter() {
      const touched = new Set<string>()
      let entered = 0
      for (const object of (reflection?.objects ?? remembered?.objects())?.values() ?? []) {
        state.apply(asEvent({ kind: 'put', object, before: undefined }), touched)
        touched.clear()
        // Thousands in one go would keep everybody else waiting.
        if (++entered % inOneGo === 0) await nextTurn()
      }
    },
    async follow(onTouched, signal) {
      if (!reflection) return
      const tell = (events: readonly ObjectEvent<T>[]) => {
        const touched = new Set<string>()
        for (const event of events) state.apply(asEvent(event), touched)
        if (touched.size > 0) onTouched(touched)
      }
      await reflector.follow(reflection, tell, signal)
    },
  }
}

/** What the server answers to with one of these statuses is as if there were none of it. */
function unlessRefused(statuses: readonly number[], follower: Follower, onRefused: (error: ApiError) => void): Follower {
  return {
    ...follower,
    async list(signal) {
      try {
        return await follower.list(signal)
      } catch (error) {
        if (!(error instanceof ApiError) || !statuses.includes(error.status)) throw error
        onRefused(error)
        return { missing: [], pages: 0 }
      }
    },
  }
}
