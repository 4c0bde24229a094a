import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admitDataplane } from './admit-dataplane.ts'
import type { DataplaneClaims } from './token-claims.ts'

const listening = (type: 'ZoneIngress' | 'ZoneEgress') => ({
  networking: { address: '10.0.0.1', listeners: [{ type, address: '10.0.0.1', port: 10001, name: 'main' }] },
})
const spec = { networking: { address: '10.0.0.1' } }
const payments = { mesh: 'default', name: 'payments-1', labels: { 'kuma.io/workload': 'payments', team: 'money' }, spec }

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
  check({ mesh: 'default', tags: { team: ['people', 'money'] } }, 'ok')
  check({ mesh: 'default', tags: { team: ['people'] } }, 'SKERRY_TOKEN_OTHER_LABELS')
  check({ mesh: 'default', tags: { region: ['eu'] } }, 'SKERRY_TOKEN_OTHER_LABELS')
})

test('leaving the workload label away does not get around a token that is bound to a workload', () => {
  check({ mesh: 'default', workload: 'payments' }, 'SKERRY_TOKEN_OTHER_WORKLOAD', {
    mesh: 'default',
    name: 'admin',
    labels: {},
    spec,
  })
  check({ mesh: 'default', workload: 'payments' }, 'ok', { mesh: 'default', name: 'payments', labels: {}, spec })
})

test('only a token that says so is for a zone gateway, whatever else it says, and it is for nothing else', () => {
  const gateway = { ...payments, spec: listening('ZoneIngress') }
  for (const bound of [{}, { workload: 'payments' }, { name: 'payments-1' }, { tags: { team: ['money'] } }]) {
    check({ mesh: 'default', ...bound }, 'SKERRY_TOKEN_OTHER_TYPE', gateway)
    check({ mesh: 'default', type: 'dataplane', ...bound }, 'SKERRY_TOKEN_OTHER_TYPE', gateway)
    check({ mesh: 'default', type: 'ingress', ...bound }, 'ok', gateway)
    check({ mesh: 'default', type: 'ingress', ...bound }, 'SKERRY_TOKEN_OTHER_TYPE')
  }
  check({ mesh: 'default', type: 'ingress', workload: 'orders' }, 'SKERRY_TOKEN_OTHER_WORKLOAD', gateway)
  check({ mesh: 'default' }, 'ok', { ...payments, spec: listening('ZoneEgress') })
})
