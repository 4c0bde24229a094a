import assert from 'node:assert/strict'
import type { NetworkInterfaceInfo } from 'node:os'
import { test } from 'node:test'
import { ownAddress } from './own-address.ts'

const at = (address: string, internal = false) =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo

test('the own address is neither loopback nor link-local, and of IPv4 where there is one', () => {
  assert.equal(
    ownAddress({ lo: [at('127.0.0.1', true)], eth0: [at('169.254.172.2')], eth1: [at('fe80::1'), at('2001:db8::7'), at('10.0.3.7')] }),
    '10.0.3.7',
  )
  assert.equal(ownAddress({ eth1: [at('fe80::1'), at('2001:db8::7')] }), '2001:db8::7')
  assert.equal(ownAddress({ lo: [at('127.0.0.1', true)], eth0: [at('169.254.172.2')] }), undefined)
})
