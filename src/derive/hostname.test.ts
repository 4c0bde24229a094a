import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostnamesOf, indexServices, resolveHost } from './hostname.ts'
import { aMultiZoneService, aService } from './test-support.ts'

const local = aService('pay', { zone: 'east' })
const west = aService('pay', { zone: 'west' })
const north = aService('pay', { zone: 'north' })
const everywhere = aMultiZoneService('pay')

test('X.mesh is the multi-zone service, else the local one, else that of the first zone', () => {
  assert.equal(resolveHost(indexServices([local, west, everywhere]), 'pay.mesh', 'east'), everywhere)
  assert.equal(resolveHost(indexServices([local, west]), 'pay.mesh', 'east'), local)
  assert.equal(resolveHost(indexServices([west, north]), 'pay.mesh', 'east'), north)
  assert.equal(resolveHost(indexServices([]), 'pay.mesh', 'east'), undefined)
})

test('long names mean exactly one service', () => {
  const index = indexServices([local, west, everywhere])

  assert.equal(resolveHost(index, 'pay.mzsvc.mesh.local', 'east'), everywhere)
  assert.equal(resolveHost(index, 'pay.svc.mesh.local', 'east'), local)
  assert.equal(resolveHost(index, 'pay.svc.west.mesh.local', 'east'), west)
  assert.equal(resolveHost(index, 'pay.svc.east.mesh.local', 'east'), local)
  assert.equal(resolveHost(index, 'pay.svc.south.mesh.local', 'east'), undefined)
  assert.equal(resolveHost(index, 'pay.west.mesh.local', 'east'), undefined)
  assert.equal(resolveHost(index, 'pay.example.com', 'east'), undefined)
})

test('port, case and a trailing dot do not matter', () => {
  const index = indexServices([local])

  for (const host of ['PAY.mesh', 'pay.mesh:80', 'pay.mesh.', 'pay.mesh.:8080']) assert.equal(resolveHost(index, host, 'east'), local, host)
})

test('a service lists the names that lead to it, as its callers see them', () => {
  const index = indexServices([local, west, everywhere])
  assert.deepEqual(hostnamesOf(everywhere, index, 'east'), ['pay.mzsvc.mesh.local', 'pay.mesh'])
  assert.deepEqual(hostnamesOf(local, index, 'east'), ['pay.svc.mesh.local'])
  assert.deepEqual(hostnamesOf(west, index, 'east'), ['pay.svc.west.mesh.local'])

  assert.deepEqual(hostnamesOf(west, indexServices([west]), 'east'), ['pay.svc.west.mesh.local', 'pay.mesh'])
})
