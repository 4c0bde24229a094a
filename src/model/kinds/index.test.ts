import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findKind, kindByName, kindByPath, kindByShort, kinds, suggestKinds } from './index.ts'

test('no two kinds share a name, a path or a short name', () => {
  for (const field of ['kind', 'path', 'short'] as const) assert.equal(new Set(kinds.map(kind => kind[field])).size, kinds.length)
})

test('a kind is found under every word that people use for it', () => {
  for (const word of ['MeshService', 'meshservices', 'MESHSERVICE', 'mesh-service', 'mesh-services', 'msvc']) {
    assert.equal(findKind(word)?.kind, 'MeshService', word)
  }
  for (const word of ['mesh-load-balancing-strategy', 'mesh-load-balancing-strategies', 'mlbs']) {
    assert.equal(findKind(word)?.kind, 'MeshLoadBalancingStrategy', word)
  }
  for (const word of ['meshhttproute', 'mesh-http-route', 'meshhttproutes']) assert.equal(findKind(word)?.kind, 'MeshHTTPRoute', word)
  for (const word of ['zone', 'zones', 'z']) assert.equal(findKind(word)?.kind, 'Zone', word)
  for (const word of ['zoneinsight', 'zone-insights', 'zoneinsights']) assert.equal(findKind(word)?.kind, 'ZoneInsight', word)
})

test('no word means two kinds', () => {
  for (const kind of kinds) {
    for (const word of [kind.kind, kind.path, kind.short]) assert.equal(findKind(word), kind, word)
  }
})

test('a mistyped kind is guessed', () => {
  assert.deepEqual(suggestKinds('meshservce')[0], 'meshservices')
  assert.deepEqual(suggestKinds('dataplan')[0], 'dataplanes')
  assert.deepEqual(suggestKinds('pineapple'), [])
})

test('kinds are found by type, by path and by short name', () => {
  assert.equal(kindByName('Mesh')?.path, 'meshes')
  assert.equal(kindByPath('global-secrets')?.kind, 'GlobalSecret')
  assert.equal(kindByShort('mzsvc')?.kind, 'MeshMultiZoneService')
  assert.equal(kindByName('constructor'), undefined)
  assert.equal(findKind('constructor'), undefined)
})

test('secrets never travel', () => {
  for (const kind of kinds.filter(kind => kind.secret)) assert.equal(kind.sync, 'none')
})
