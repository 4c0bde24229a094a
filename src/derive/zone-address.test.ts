import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MeshZoneAddress } from '../model/kinds/mesh-zone-address.ts'
import { aDataplane, written } from './test-support.ts'
import { deriveZoneAddresses } from './zone-address.ts'

const gateway = aDataplane('east-gateway', { listeners: [{ type: 'ZoneIngress', address: '0.0.0.0', port: 10001 }] })
const derive = (dataplanes = [gateway], existing: readonly MeshZoneAddress[] = [], isServing = () => true) =>
  deriveZoneAddresses({ mesh: 'default', zone: 'east', dataplanes, existing, isServing })

test('a zone gateway gives the zone an address, reachable from outside', () => {
  const { changed } = derive()

  assert.deepEqual(
    changed.map(({ name, spec }) => [name, spec]),
    [['east-gateway', { address: '10.0.0.1', port: 10001 }]],
  )
})

test('what is written is not written again, and goes with its gateway', () => {
  const existing = derive().addresses.map(written)

  assert.deepEqual([derive([gateway], existing).changed, derive([gateway], existing).removed], [[], []])
  assert.deepEqual(derive([], existing).removed, ['east-gateway'])
  assert.deepEqual(derive([gateway], existing, () => false).removed, ['east-gateway'])
})

test('several listeners have several names', () => {
  const listeners = [
    { type: 'ZoneIngress' as const, address: '1.1.1.1', port: 1, name: 'public' },
    { type: 'ZoneIngress' as const, address: '10.1.1.1', port: 2 },
    { type: 'ZoneEgress' as const, address: '10.1.1.1', port: 3 },
  ]
  assert.deepEqual(
    derive([aDataplane('gw', { listeners })]).addresses.map(({ name, spec }) => [name, spec.address]),
    [
      ['gw-public', '1.1.1.1'],
      ['gw-2', '10.1.1.1'],
    ],
  )
})

test("a user's address and those of other zones stay", () => {
  const [draft] = derive().addresses
  const byUser = written({ ...draft!, name: 'mine', labels: { 'kuma.io/origin': 'zone' } })
  const remote = written({ ...draft!, name: 'theirs', labels: { ...draft!.labels, 'kuma.io/origin': 'global' } })

  assert.deepEqual(derive([], [byUser, remote]).removed, [])
})
