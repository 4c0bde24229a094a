import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'
import type { Random } from '../../std/random.ts'
import { type ApiClient, ApiError } from './api-client.ts'
import { nodeFacts, podFacts, serviceFacts, sliceFacts } from './cluster-objects.ts'
import type { ClusterEvent, ClusterState } from './cluster-state.ts'
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
  return unlessDenied(
    followerOf(options, '/api/v1/nodes', nodeFacts, event => ({ of: 'node', event })),
    options.log,
  )
}

/** Of what is read in a namespace, or in all of them. */
export function openFollowers(options: FollowersOptions): Follower[] {
  const { namespace, state } = options
  const within = (group: string, resource: string) =>
    `${group}${namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${resource}`
  return [
    followerOf(
      options,
      within('/api/v1', 'services'),
      raw => serviceFacts(raw, state.intern),
      event => ({ of: 'service', event }),
    ),
    followerOf(
      options,
      within('/api/v1', 'pods'),
      raw => podFacts(raw, state.intern),
      event => ({ of: 'pod', event }),
    ),
    followerOf(options, within('/apis/discovery.k8s.io/v1', 'endpointslices'), sliceFacts, event => ({ of: 'slice', event })),
  ]
}

function followerOf<T extends ObjectFacts>(
  { state, ...options }: FollowersOptions,
  path: string,
  project: (raw: RawObject) => T,
  asEvent: (event: ObjectEvent<T>) => ClusterEvent,
): Follower {
  const reflector = new Reflector({ ...options, path, project })
  let reflection: Reflection<T> | null = null
  return {
    async list(signal) {
      reflection = await reflector.list(signal)
      return reflection
    },
    async enter() {
      const touched = new Set<string>()
      let entered = 0
      for (const object of reflection?.objects.values() ?? []) {
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

function unlessDenied(follower: Follower, log: Log): Follower {
  return {
    ...follower,
    async list(signal) {
      try {
        return await follower.list(signal)
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 403) throw error
        log.debug('nodes may not be listed: their zones are not known', { error })
        return { missing: [], pages: 0 }
      }
    },
  }
}
