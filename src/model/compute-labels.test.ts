import assert from 'node:assert/strict'
import { test } from 'node:test'
import { computeLabels } from './compute-labels.ts'
import type { ResourceDraft } from './resource.ts'

const aDraft = (draft: Partial<ResourceDraft>): ResourceDraft => ({
  kind: 'MeshService',
  mesh: 'default',
  name: 'redis',
  labels: {},
  spec: {},
  ...draft,
})
const east = { mode: 'zone', zone: 'east' } as const

test("a zone's resource says whose it is", () => {
  assert.deepEqual(computeLabels(aDraft({ labels: { team: 'db' } }), east), {
    kind: 'ok',
    labels: {
      team: 'db',
      'kuma.io/display-name': 'redis',
      'kuma.io/mesh': 'default',
      'kuma.io/origin': 'zone',
      'kuma.io/zone': 'east',
      'kuma.io/env': 'universal',
    },
  })
})

test("global's resource is of no zone", () => {
  const { kind, ...rest } = computeLabels(aDraft({ kind: 'MeshMultiZoneService' }), { mode: 'global' })

  assert.equal(kind, 'ok')
  assert.deepEqual(rest, { labels: { 'kuma.io/display-name': 'redis', 'kuma.io/mesh': 'default', 'kuma.io/origin': 'global' } })
})

test('what only global provides is of no zone even where a zone alone makes it', () => {
  const computed = computeLabels(aDraft({ kind: 'MeshMultiZoneService' }), east)

  assert.ok(computed.kind === 'ok' && computed.labels['kuma.io/zone'] === undefined && computed.labels['kuma.io/origin'] === 'zone')
})

test('a zone gateway is marked as one', () => {
  const spec = { networking: { address: '10.0.0.1', listeners: [{ type: 'ZoneIngress', address: '10.0.0.1', port: 10001 }] } }
  const computed = computeLabels(aDraft({ kind: 'Dataplane', name: 'gateway', spec }), east)

  assert.ok(computed.kind === 'ok' && computed.labels['kuma.io/listener-zoneingress'] === 'enabled')
  assert.equal(computed.labels['kuma.io/listener-zoneegress'], undefined)
})

test('a way out of the mesh is marked as one', () => {
  const spec = { networking: { address: '10.0.0.1', listeners: [{ type: 'ZoneEgress', address: '10.0.0.1', port: 10002 }] } }
  const computed = computeLabels(aDraft({ kind: 'Dataplane', name: 'egress', spec }), east)

  assert.ok(computed.kind === 'ok' && computed.labels['kuma.io/listener-zoneegress'] === 'enabled')
})

test('computed labels may be sent back as they are', () => {
  const first = computeLabels(aDraft({}), east)
  assert.ok(first.kind === 'ok')

  assert.deepEqual(computeLabels(aDraft({ labels: first.labels }), east), first)
})

test('nobody can claim to write for another zone', () => {
  const labels = { 'kuma.io/zone': 'west', 'kuma.io/origin': 'global', 'kuma.io/policy-role': 'producer' }

  assert.deepEqual(computeLabels(aDraft({ labels }), east), {
    kind: 'invalid',
    violations: [
      { field: 'labels["kuma.io/zone"]', reason: 'kuma.io/zone label should have east value' },
      { field: 'labels["kuma.io/origin"]', reason: 'kuma.io/origin label should have zone value' },
      {
        field: 'labels["kuma.io/policy-role"]',
        reason: 'kuma.io/policy-role label must not be set: the control plane computes it, and here there is none',
      },
    ],
  })
})
