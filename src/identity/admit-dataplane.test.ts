import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admitDataplane } from './admit-dataplane.ts'
import type { DataplaneClaims } from './token-claims.ts'

const payments = { mesh: 'default', name: 'payments-1', workload: 'payments' }

const check = (claims: DataplaneClaims, expected: string, dataplane: Parameters<typeof admitDataplane>[1] = payments) => {
  const admission = admitDataplane(claims, dataplane)
  assert.equal(admission.kind === 'ok' ? 'ok' : admission.code, expected)
}

test('a token binds what it names and leaves open what it does not', () => {
  check({ mesh: 'default' }, 'ok')
  check({ mesh: 'default', workload: 'payments' }, 'ok')
  check({ mesh: 'default', workload: 'payments', name: 'payments-1' }, 'ok')
  check({ mesh: 'shop' }, 'SKERRY_TOKEN_OTHER_MESH')
  check({ mesh: 'default', workload: 'orders' }, 'SKERRY_TOKEN_OTHER_WORKLOAD')
  check({ mesh: 'default', workload: 'payments', name: 'payments-2' }, 'SKERRY_TOKEN_OTHER_NAME')
})

test('leaving the workload label away does not get around a token that is bound to a workload', () => {
  check({ mesh: 'default', workload: 'payments' }, 'SKERRY_TOKEN_OTHER_WORKLOAD', { mesh: 'default', name: 'admin', workload: undefined })
  check({ mesh: 'default', workload: 'payments' }, 'ok', { mesh: 'default', name: 'payments', workload: undefined })
})
