import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareNearness, type NamedByHost, pickByHost, readHost, shortHost, specificHost } from './hostname.ts'

function check(host: string, expected: ReturnType<typeof readHost>) {
  assert.deepEqual(readHost(host, 'east'), expected, host)
}

test('a host name says which service of which zone is meant, and the port', () => {
  check('pay.mesh', { scope: 'nearest', name: 'pay', port: undefined })
  check('pay.mzsvc.mesh.local', { scope: 'all-zones', name: 'pay', port: undefined })
  check('pay.svc.mesh.local:8080', { scope: 'zone', name: 'pay', zone: 'east', port: 8080 })
  check('pay.svc.west.mesh.local', { scope: 'zone', name: 'pay', zone: 'west', port: undefined })
})

test('case, a trailing dot and an empty port do not matter', () => {
  for (const host of ['PAY.Mesh', 'pay.mesh.', 'pay.mesh:', 'pay.mesh.:']) check(host, { scope: 'nearest', name: 'pay', port: undefined })
})

test('other names mean nothing', () => {
  for (const host of [
    '',
    'mesh',
    '.mesh',
    'pay',
    'a.pay.mesh',
    'pay.mesh.local',
    'pay.svc.a.b.mesh.local',
    'example.com',
    '[::1]:80',
    'pay.mesh:x',
  ])
    check(host, null)
})

const label = fc.stringMatching(/^[a-z]([-a-z0-9]{0,8}[a-z0-9])?$/)
const services = fc.uniqueArray(fc.record({ zone: fc.constantFrom('', 'east', 'west', 'north'), storedName: label }), {
  selector: ({ zone, storedName }) => `${zone}/${storedName}`,
  maxLength: 6,
})

test('nearness is a total order with the services of all zones first, then the local ones', () => {
  const sign = (a: NamedByHost, b: NamedByHost) => Math.sign(compareNearness(a, b, 'east'))
  fc.assert(
    fc.property(services, all => {
      for (const a of all) {
        for (const b of all) {
          assert.equal(sign(a, b), -sign(b, a) || 0)
          if (a !== b) assert.notEqual(sign(a, b), 0)
          for (const c of all) if (sign(a, b) < 0 && sign(b, c) < 0) assert.equal(sign(a, c), -1)
        }
      }
      const zones = all.toSorted((a, b) => compareNearness(a, b, 'east')).map(({ zone }) => (zone === '' ? 0 : zone === 'east' ? 1 : 2))
      assert.deepEqual(zones, zones.toSorted())
    }),
  )
})

test('the specific name of a service means a service of exactly its zone, and the short one the nearest', () => {
  fc.assert(
    fc.property(label, services, (name, all) => {
      const pick = (host: string) => pickByHost(readHost(host, 'east')!, all, service => service, 'east')
      for (const { zone } of all) assert.equal(pick(specificHost(name, zone, 'east'))?.zone, zone)
      assert.equal(pick(shortHost(name)), all.toSorted((a, b) => compareNearness(a, b, 'east'))[0])
    }),
  )
})
