import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import * as fc from 'fast-check'
import { DeltaDiscoveryResponseSchema } from '../gen/envoy/service/discovery/v3/discovery_pb.js'
import type { DeltaRequest } from './discovery-request.ts'
import { DiscoveryState } from './discovery-state.ts'
import { encodeResource } from './resource.ts'
import { CDS, envoyTypes, LDS, plainTypes, type ResourceTypes, VHDS } from './resource-types.ts'
import { Snapshot } from './snapshot.ts'

const names = ['a', 'b', 'c', 'd']
const name = fc.constantFrom(...names)

type Step =
  | { readonly kind: 'set'; readonly typeUrl: string; readonly name: string; readonly content: string }
  | { readonly kind: 'remove'; readonly typeUrl: string; readonly name: string }
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly typeUrl: string; readonly name: string }
  | { readonly kind: 'deliver' | 'hear' }
  | { readonly kind: 'reconnect' }

function stepsOf(typeUrls: readonly string[]): fc.Arbitrary<Step[]> {
  const typeUrl = fc.constantFrom(...typeUrls)
  return fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('set' as const), typeUrl, name, content: fc.constantFrom('1', '2', '3', 'bad') }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), typeUrl, name }) },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constantFrom('subscribe' as const, 'unsubscribe' as const),
          typeUrl,
          name: fc.constantFrom(...names, '*'),
        }),
      },
      { weight: 9, arbitrary: fc.record({ kind: fc.constantFrom('deliver' as const, 'hear' as const) }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'reconnect' as const }) },
    ),
    { maxLength: 60, size: 'max' },
  )
}

/** A client as the protocol describes it, refusing whatever is bad; what travels arrives only when a step says so. */
class ModelClient {
  readonly #snapshot: Snapshot
  readonly #types: ResourceTypes
  readonly #wanted = new Map<string, Set<string>>()
  readonly #held = new Map<string, Map<string, { version: string; content: string }>>()
  #state!: DiscoveryState
  #introduced = new Set<string>()
  #requests: DeltaRequest[] = []
  #underWay: { typeUrl: string; bytes: Uint8Array }[] = []
  #unwatch = () => {}

  constructor(snapshot: Snapshot, types: ResourceTypes) {
    this.#snapshot = snapshot
    this.#types = types
    this.reconnect()
  }

  wanted(typeUrl: string): Set<string> {
    return getOrMake(this.#wanted, typeUrl, () => new Set())
  }

  held(typeUrl: string): Map<string, { version: string; content: string }> {
    return getOrMake(this.#held, typeUrl, () => new Map())
  }

  reconnect(): void {
    this.#unwatch()
    const state = new DiscoveryState('delta', this.#types)
    this.#state = state
    this.#unwatch = this.#snapshot.watch((typeUrl, name) => state.changed(typeUrl, name))
    this.#underWay = []
    this.#requests = []
    this.#introduced = new Set()
    for (const [typeUrl, wanted] of this.#wanted) if (wanted.size > 0) this.#say(typeUrl, { subscribe: [...wanted] })
  }

  subscribe(typeUrl: string, name: string): void {
    this.wanted(typeUrl).add(name)
    this.#say(typeUrl, { subscribe: [name] })
  }

  unsubscribe(typeUrl: string, name: string): void {
    const wanted = this.wanted(typeUrl)
    if (!wanted.delete(name)) return
    for (const held of this.held(typeUrl).keys()) if (!wanted.has('*') && !wanted.has(held)) this.held(typeUrl).delete(held)
    if (this.#introduced.has(typeUrl)) this.#say(typeUrl, { unsubscribe: [name] })
  }

  /** The oldest request arrives. */
  hear(): boolean {
    const request = this.#requests.shift()
    if (request) this.#state.onRequest({ variant: 'delta', ...request })
    return request !== undefined
  }

  pump(): void {
    for (let response = this.#state.next(this.#snapshot); response; response = this.#state.next(this.#snapshot)) {
      const { typeUrl } = response
      const unanswered = [...this.#underWay, ...this.#requests.filter(request => request.nonce !== '')]
      assert(!unanswered.some(other => other.typeUrl === typeUrl), 'two responses of a type under way')
      this.#underWay.push(response)
    }
  }

  /** The oldest response arrives and is answered. */
  deliver(): boolean {
    const response = this.#underWay.shift()
    if (response === undefined) return false
    const { typeUrl, nonce, resources, removedResources } = fromBinary(DeltaDiscoveryResponseSchema, response.bytes)
    const mentioned = [...resources.map(resource => resource.name), ...removedResources]
    assert.equal(new Set(mentioned).size, mentioned.length, 'a name is mentioned twice')
    const isBad = resources.some(resource => resource.resource && Buffer.from(resource.resource.value).toString() === 'bad')
    if (!isBad) {
      const held = this.held(typeUrl)
      const wanted = this.wanted(typeUrl)
      for (const { name, version, resource } of resources) {
        if (!wanted.has('*') && !wanted.has(name)) continue
        if (resource) held.set(name, { version, content: Buffer.from(resource.value).toString() })
        else held.delete(name)
      }
      for (const name of removedResources) held.delete(name)
    }
    this.#say(typeUrl, { nonce, ...(isBad && { error: 'bad' }) })
    return true
  }

  #say(typeUrl: string, part: { subscribe?: string[]; unsubscribe?: string[]; nonce?: string; error?: string }): void {
    const initialVersions = this.#introduced.has(typeUrl)
      ? {}
      : Object.fromEntries([...this.held(typeUrl)].map(([name, { version }]) => [name, version]))
    this.#introduced.add(typeUrl)
    this.#requests.push({ typeUrl, subscribe: [], unsubscribe: [], nonce: '', initialVersions, ...part })
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

function check(types: ResourceTypes, typeUrls: readonly string[], steps: readonly Step[]): void {
  const snapshot = new Snapshot()
  const client = new ModelClient(snapshot, types)
  const set = (typeUrl: string, name: string, content: string) => snapshot.set(typeUrl, encodeResource(typeUrl, name, Buffer.from(content)))
  for (const typeUrl of typeUrls) for (const each of names) snapshot.setMissing(typeUrl, each)
  for (const step of steps) {
    if (step.kind === 'set') set(step.typeUrl, step.name, step.content)
    else if (step.kind === 'remove') snapshot.setMissing(step.typeUrl, step.name)
    else if (step.kind === 'subscribe') client.subscribe(step.typeUrl, step.name)
    else if (step.kind === 'unsubscribe') client.unsubscribe(step.typeUrl, step.name)
    else if (step.kind === 'reconnect') client.reconnect()
    else if (step.kind === 'hear') client.hear()
    else client.deliver()
    client.pump()
  }
  // In the end everything is good and every message arrives.
  for (const typeUrl of typeUrls) {
    for (const each of names) {
      const resource = snapshot.get(typeUrl, each)
      if (typeof resource === 'object' && Buffer.from(resource.value).toString() === 'bad') set(typeUrl, each, 'good')
    }
  }
  client.pump()
  while (client.hear() || client.deliver()) client.pump()

  for (const typeUrl of typeUrls) {
    const wanted = client.wanted(typeUrl)
    const expected = names.flatMap(each => {
      const resource = snapshot.get(typeUrl, each)
      if (typeof resource !== 'object' || !(wanted.has('*') || wanted.has(each))) return []
      return [`${each}=${Buffer.from(resource.value)}`]
    })
    const held = [...client.held(typeUrl)].map(([each, { content }]) => `${each}=${content}`).sort()
    assert.deepEqual(held, expected)
  }
}

test('whatever happens on the way, a client ends with what its server has: one type', () => {
  fc.assert(
    fc.property(stepsOf(['Kind']), steps => check(plainTypes, ['Kind'], steps)),
    { numRuns: 1500 },
  )
})

test('whatever happens on the way, a client ends with what its server has: types that wait for each other', () => {
  const typeUrls = [CDS, LDS, VHDS]
  fc.assert(
    fc.property(stepsOf(typeUrls), steps => check(envoyTypes, typeUrls, steps)),
    { numRuns: 1500 },
  )
})
