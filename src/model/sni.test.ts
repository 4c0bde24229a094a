import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatSni, multiZoneServiceSni, parseSni, serviceSni, sniOf } from './sni.ts'

test('a service of a zone has the zone in its SNI, one of all zones has not', () => {
  assert.equal(serviceSni({ mesh: 'default', zone: 'east', name: 'backend', section: 'http' }), 'sni.msvc.default.east.backend.http')
  assert.equal(multiZoneServiceSni({ mesh: 'default', name: 'backend', section: '80' }), 'sni.mzsvc.default.backend.80')
})

test('a synced service has the same SNI everywhere', () => {
  const labels = { 'kuma.io/zone': 'east', 'kuma.io/display-name': 'backend' }
  assert.equal(
    sniOf({ kind: 'MeshService', mesh: 'default', name: 'backend-586b984b597z5874', labels }, '80'),
    'sni.msvc.default.east.backend.80',
  )
})

test('an SNI reads as what was written', () => {
  const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?$/)
  const zonal = fc.record({
    short: fc.constant('msvc' as const),
    mesh: label,
    zone: label,
    namespace: fc.oneof(fc.constant(''), label),
    name: label,
    section: label,
  })
  fc.assert(fc.property(zonal, it => assert.deepEqual(parseSni(formatSni(it)), { ...it })))
})

test('other server names are not ours', () => {
  for (const text of [
    '',
    'example.com',
    'sni.msvc.default',
    'sni.web.default.east.backend.80',
    'sni.msvc.a..c.d',
    'sni.msvc.a.b.c.d.e.f',
  ]) {
    assert.equal(parseSni(text), null, text)
  }
})
