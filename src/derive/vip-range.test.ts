import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIpv4, overlap, parseIpv4, parseVipRange, rangeSize } from './vip-range.ts'

function check(cidr: string, expected: [first: string, last: string] | null) {
  const range = parseVipRange(cidr)
  assert.deepEqual(range && [formatIpv4(range.first), formatIpv4(range.last)], expected, cidr)
}

test('a range leaves out the address of its network and that for everybody, where there is room', () => {
  check('241.0.0.0/8', ['241.0.0.1', '241.255.255.254'])
  check('10.1.2.3/30', ['10.1.2.1', '10.1.2.2'])
  check('10.1.2.2/31', ['10.1.2.2', '10.1.2.3'])
  check('10.1.2.3/32', ['10.1.2.3', '10.1.2.3'])
  check('0.0.0.0/0', ['0.0.0.1', '255.255.255.254'])
  assert.equal(rangeSize(parseVipRange('241.0.0.0/8')!), 2 ** 24 - 2)
})

test('what is no range of IPv4 is none', () => {
  for (const text of ['', '241.0.0.0', '241.0.0.0/33', '241.0.0/8', '256.0.0.0/8', 'fd00::/8', '1.2.3.4/', '1.2.3.4/-1', '1.2.3.4/8 '])
    check(text, null)
})

test('ranges share addresses or do not', () => {
  const range = (text: string) => parseVipRange(text)!
  assert.equal(overlap(range('241.0.0.0/8'), range('242.0.0.0/8')), false)
  assert.equal(overlap(range('241.0.0.0/8'), range('241.7.0.0/16')), true)
})

test('an address is the same after it was a number', () => {
  fc.assert(
    fc.property(fc.ipV4(), ip => {
      assert.equal(formatIpv4(parseIpv4(ip)!), ip)
    }),
  )
})
