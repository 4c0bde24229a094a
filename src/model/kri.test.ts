import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatKri, kindOfKri, kriOf, parseKri } from './kri.ts'

test('a KRI keeps its empty parts', () => {
  assert.equal(kriOf({ kind: 'Mesh', mesh: '', name: 'default', labels: {} }), 'kri_m____default_')

  const backend = {
    kind: 'MeshService',
    mesh: 'default',
    name: 'backend-x2',
    labels: { 'kuma.io/zone': 'east', 'kuma.io/display-name': 'backend' },
  }
  assert.equal(kriOf(backend, '80'), 'kri_msvc_default_east__backend_80')
})

test('the stored name of a synced resource is not part of its identity', () => {
  const labels = { 'kuma.io/zone': 'east', 'kuma.io/display-name': 'backend' }
  const atHome = { kind: 'MeshService', mesh: 'default', name: 'backend', labels }
  const synced = { ...atHome, name: 'backend-586b984b597z5874' }

  assert.equal(kriOf(synced), kriOf(atHome))
})

test('a KRI reads as what was written', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}$/)
  const optional = fc.oneof(fc.constant(''), name)
  const kri = fc.record({
    short: fc.constantFrom('msvc', 'mzsvc', 'dp', 'mtp'),
    mesh: optional,
    zone: optional,
    namespace: optional,
    name,
    section: fc.stringMatching(/^[a-z0-9_-]{0,10}$/),
  })
  fc.assert(fc.property(kri, it => assert.deepEqual(parseKri(formatKri(it)), { ...it })))
})

test('other text is not a KRI', () => {
  for (const text of ['', 'kri_', 'kri_msvc_default_east_backend', 'msvc_default_east__backend_', 'kri_msvc_default_east___']) {
    assert.equal(parseKri(text), null, text)
  }
})

test('a KRI tells its kind', () => {
  assert.equal(kindOfKri(parseKri('kri_mzsvc_default___redis_')!), 'MeshMultiZoneService')
})
