import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { displayNameOf, keepsNameOnSync, syncedName, syncedNameOf } from './names.ts'

test('synced names have the suffixes that Kuma gives them', () => {
  assert.equal(syncedName('backend', 'mesh-1', 'zone-uni'), 'backend-586b984b597z5874')
  assert.equal(syncedName('backend', 'mesh-1', 'zone-k8s', 'ns-k8s'), 'backend-z7f47x24v9f5x2b4')
  assert.equal(syncedName('matched-for-rules-mt-bbbbbb', 'mesh-1', '', 'ns-k8s'), 'matched-for-rules-mt-bbbbbb-485z48vw7dffvb45')
  assert.equal(syncedName('redis-zone-1', 'default', 'zone-1'), 'redis-zone-1-2v6wfvvcvbc9f55d')
})

test('a synced name follows from the labels and not from the name it has', () => {
  const labels = { 'kuma.io/display-name': 'backend', 'kuma.io/zone': 'zone-uni' }
  assert.equal(syncedNameOf({ mesh: 'mesh-1', name: 'whatever', labels }), 'backend-586b984b597z5874')
})

test('a synced name is a DNS subdomain of at most 253 characters, however long the name was', () => {
  const name = fc.stringMatching(/^[a-z]([-a-z0-9]{0,251}[a-z0-9])?$/)
  fc.assert(fc.property(name, it => assert.match(syncedName(it, 'm', 'z'), /^[a-z][-a-z0-9]{0,235}-[bcdfghjklmnpqrstvwxz2456789]{16}$/)))
})

test('what names a mesh keeps its name', () => {
  assert.equal(keepsNameOnSync('Mesh'), true)
  assert.equal(keepsNameOnSync('MeshService'), false)
})

test('without a label a resource is called by its name', () => {
  assert.equal(displayNameOf({ name: 'web-1', labels: {} }), 'web-1')
  assert.equal(displayNameOf({ name: 'web-1-x', labels: { 'kuma.io/display-name': 'web-1' } }), 'web-1')
})
