import type { DataPlaneKind } from '../envoy/client-kind.ts'
import { encodeEndpoints } from '../envoy/endpoint.ts'
import { grpcEndpoints } from '../envoy/grpc/endpoints.ts'
import { typeUrls } from '../envoy/resources.ts'
import { type GatewayServes, type InstanceState, planEndpoints, type ZoneDoubt } from '../policy/endpoints.ts'
import type { EndpointSet, EndpointSetRef } from '../policy/plan.ts'
import type { MeshView } from '../policy/view.ts'
import type { Log } from '../std/log.ts'
import type { EncodedResource } from '../xds/resource.ts'
import type { Snapshot } from '../xds/snapshot.ts'
import type { EncodedCache } from './encoded-cache.ts'

/** Whose snapshot has the endpoints of the clusters that it asks for. */
export interface EndpointSubscriber {
  readonly snapshot: Snapshot
  /** In whose form. */
  readonly client: DataPlaneKind
}

/** The endpoints behind a ref, shared by all who see the service alike. */
interface SharedSet<S> {
  readonly mesh: string
  readonly ref: EndpointSetRef
  value: EndpointSet
  text: string
  /** With the names of the clusters that it fills for them. */
  readonly subscribers: Map<S, Set<string>>
  /** By form and cluster name: one encoding for all subscribers. */
  encoded: Map<string, EncodedResource>
}

interface Options {
  readonly view: (mesh: string) => MeshView
  readonly stateOf: InstanceState
  readonly doubt: (mesh: string) => ZoneDoubt
  readonly serves: (mesh: string) => GatewayServes
  readonly cache: EncodedCache
  readonly log: Log
}

/** Every set of endpoints that a connected proxy uses, kept once. A change costs the sets of its service and their subscribers. */
export class EndpointSets<S extends EndpointSubscriber> {
  readonly #options: Options
  readonly #sets = new Map<string, SharedSet<S>>()
  readonly #byService = new Map<string, Set<SharedSet<S>>>()
  /** Cluster name → the set that fills it. */
  readonly #bySubscriber = new Map<S, Map<string, SharedSet<S>>>()
  readonly #dirty = new Set<SharedSet<S>>()

  constructor(options: Options) {
    this.#options = options
  }

  /** The endpoints behind a ref, whether anybody uses them or not. */
  value(mesh: string, ref: EndpointSetRef): EndpointSet {
    return this.#sets.get(setKey(mesh, ref))?.value ?? this.#plan(mesh, ref)
  }

  /** Makes these – by cluster name – all that a subscriber has. */
  subscribe(subscriber: S, mesh: string, wanted: ReadonlyMap<string, EndpointSetRef>): void {
    const before = this.#bySubscriber.get(subscriber) ?? new Map<string, SharedSet<S>>()
    const after = new Map<string, SharedSet<S>>()
    for (const [cluster, ref] of wanted) {
      const set = this.#setFor(mesh, ref)
      after.set(cluster, set)
      const clusters = set.subscribers.get(subscriber)
      if (clusters) clusters.add(cluster)
      else set.subscribers.set(subscriber, new Set([cluster]))
      subscriber.snapshot.set(typeUrls.endpoints, this.#encode(set, cluster, subscriber.client))
    }
    for (const [cluster, set] of before) {
      if (after.get(cluster) === set) continue
      this.#release(set, subscriber, cluster)
      if (!after.has(cluster)) subscriber.snapshot.remove(typeUrls.endpoints, cluster)
    }
    this.#bySubscriber.set(subscriber, after)
  }

  /** A subscriber is gone. */
  unsubscribe(subscriber: S): void {
    for (const [cluster, set] of this.#bySubscriber.get(subscriber) ?? []) this.#release(set, subscriber, cluster)
    this.#bySubscriber.delete(subscriber)
  }

  /** Who has endpoints of a service, and under which cluster names. */
  *subscribersOf(mesh: string, service: string): Generator<{ readonly subscriber: S; readonly cluster: string }> {
    for (const set of this.#byService.get(serviceKey(mesh, service)) ?? []) {
      for (const [subscriber, clusters] of set.subscribers) for (const cluster of clusters) yield { subscriber, cluster }
    }
  }

  /** The endpoints of a service may be others now: `refill` looks. */
  touch(mesh: string, service: string): void {
    for (const set of this.#byService.get(serviceKey(mesh, service)) ?? []) this.#dirty.add(set)
  }

  refill(): void {
    for (const set of this.#dirty) {
      try {
        this.#refill(set)
      } catch (error) {
        this.#options.log.error('endpoints could not be planned; they stay as they were', {
          mesh: set.mesh,
          service: set.ref.service,
          error,
        })
      }
    }
    this.#dirty.clear()
  }

  #refill(set: SharedSet<S>): void {
    const value = this.#plan(set.mesh, set.ref)
    const text = JSON.stringify(value)
    if (text === set.text) return
    set.value = value
    set.text = text
    set.encoded = new Map()
    for (const [subscriber, clusters] of set.subscribers) {
      for (const cluster of clusters) subscriber.snapshot.set(typeUrls.endpoints, this.#encode(set, cluster, subscriber.client))
    }
  }

  #setFor(mesh: string, ref: EndpointSetRef): SharedSet<S> {
    const key = setKey(mesh, ref)
    let set = this.#sets.get(key)
    if (!set) {
      const value = this.#plan(mesh, ref)
      set = { mesh, ref, value, text: JSON.stringify(value), subscribers: new Map(), encoded: new Map() }
      this.#sets.set(key, set)
      const byService = this.#byService.get(serviceKey(mesh, ref.service)) ?? new Set()
      this.#byService.set(serviceKey(mesh, ref.service), byService.add(set))
    }
    return set
  }

  #release(set: SharedSet<S>, subscriber: S, cluster: string): void {
    const clusters = set.subscribers.get(subscriber)
    clusters?.delete(cluster)
    if (clusters?.size === 0) set.subscribers.delete(subscriber)
    if (set.subscribers.size > 0) return
    this.#sets.delete(setKey(set.mesh, set.ref))
    this.#dirty.delete(set)
    const byService = this.#byService.get(serviceKey(set.mesh, set.ref.service))
    byService?.delete(set)
    if (byService?.size === 0) this.#byService.delete(serviceKey(set.mesh, set.ref.service))
  }

  #plan(mesh: string, ref: EndpointSetRef): EndpointSet {
    const { view, stateOf, doubt, serves } = this.#options
    return planEndpoints(view(mesh), ref, stateOf, doubt(mesh), serves(mesh))
  }

  #encode(set: SharedSet<S>, cluster: string, client: DataPlaneKind): EncodedResource {
    const key = client === 'grpc' ? `grpc ${cluster}` : cluster
    let encoded = set.encoded.get(key)
    if (!encoded) {
      const value = client === 'grpc' ? grpcEndpoints(set.value) : set.value
      encoded = this.#options.cache.encode(typeUrls.endpoints, cluster, encodeEndpoints(cluster, value))
      set.encoded.set(key, encoded)
    }
    return encoded
  }
}

function setKey(mesh: string, ref: EndpointSetRef): string {
  return `${mesh} ${ref.key}`
}

function serviceKey(mesh: string, service: string): string {
  return `${mesh} ${service}`
}
