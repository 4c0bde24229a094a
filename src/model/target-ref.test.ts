import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selectsDataplane, targetedInbound } from './service-instances.ts'
import { matchesLabels } from './target-ref.ts'

test('labels match when the resource has all that are asked for', () => {
  const web = { name: 'web-1', labels: { app: 'web', tier: 'front' } }

  assert.equal(matchesLabels(web, { app: 'web' }), true)
  assert.equal(matchesLabels(web, { app: 'web', tier: 'back' }), false)
  assert.equal(matchesLabels(web, { team: 'pay' }), false)
  assert.equal(matchesLabels(web, {}), true)
  assert.equal(matchesLabels(web, undefined), true)
})

test('a resource is found by its display name, and by its own name when it has none', () => {
  assert.equal(matchesLabels({ name: 'web-1', labels: {} }, { 'kuma.io/display-name': 'web-1' }), true)
  assert.equal(matchesLabels({ name: 'web-x', labels: { 'kuma.io/display-name': 'web-1' } }, { 'kuma.io/display-name': 'web-1' }), true)
  assert.equal(matchesLabels({ name: 'web-x', labels: { 'kuma.io/display-name': 'web-1' } }, { 'kuma.io/display-name': 'web-x' }), false)
})

test('a service without labels to match has no instances', () => {
  const dataplane = { name: 'web-1', labels: { app: 'web' } }

  assert.equal(selectsDataplane({}, dataplane), false)
  assert.equal(selectsDataplane({ selector: { dataplaneLabels: { matchLabels: {} } } }, dataplane), false)
  assert.equal(selectsDataplane({ selector: { dataplaneLabels: { matchLabels: { app: 'web' } } } }, dataplane), true)
  assert.equal(selectsDataplane({ selector: { dataplaneRef: { name: 'web-1' } } }, dataplane), true)
  assert.equal(selectsDataplane({ selector: { dataplaneRef: { name: 'web-2' } } }, dataplane), false)
})

test('a target port names an inbound or its number', () => {
  const dataplane = { spec: { networking: { address: '10.0.0.1', inbound: [{ port: 8080, name: 'http' }, { port: 9090 }] } } }

  assert.equal(targetedInbound(dataplane, { port: 80, targetPort: 'http' })?.port, 8080)
  assert.equal(targetedInbound(dataplane, { port: 80, targetPort: 9090 })?.port, 9090)
  assert.equal(targetedInbound(dataplane, { port: 80, targetPort: '9090' })?.port, 9090)
  assert.equal(targetedInbound(dataplane, { port: 8080 })?.port, 8080)
  assert.equal(targetedInbound(dataplane, { port: 80 }), undefined)
})
