import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import { translateAzureVm } from './translate.ts'

const spec: DiscoverySourceSpec = { type: 'AzureVM', azure: { subscriptions: ['s'] }, defaults: { port: 80, protocol: 'http' } }
const id = '/subscriptions/s/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/Web-1'
const aVm = (extra: object = {}) => ({
  id,
  name: 'web-1',
  location: 'westeurope',
  zones: ['1'],
  tags: { 'skerry-service': 'web' },
  ...extra,
})

test('a running machine is an instance of the service that its tag says, in its zone as nodes of AKS spell it', () => {
  const item = translateAzureVm({ vm: aVm(), power: 'running', address: '10.0.0.4' }, 's', spec)

  assert.equal(item.id, id.toLowerCase())
  assert.deepEqual(item.outcome, {
    kind: 'workload',
    workload: {
      workload: 'web',
      address: '10.0.0.4',
      ports: [{ name: '80', port: 80, protocol: 'http' }],
      state: 'ready',
      labels: {},
      locality: { cloud: 'azure', account: 's', region: 'westeurope', zone: 'westeurope-1' },
    },
  })
})

for (const [power, expected] of [
  ['starting', 'starting'],
  ['running', 'ready'],
  ['stopping', 'draining'],
  ['deallocating', 'draining'],
  ['stopped', 'left out: it does not run: stopped'],
  ['deallocated', 'left out: it does not run: deallocated'],
  [undefined, 'starting'],
] as const) {
  test(`a machine whose power is ${power ?? 'not known'} is ${expected}`, () => {
    const { outcome } = translateAzureVm({ vm: aVm(), power, address: '10.0.0.4' }, 's', spec)

    assert.equal(outcome.kind === 'workload' ? outcome.workload.state : `left out: ${outcome.reason}`, expected)
  })
}

test('a machine that is being deleted drains while it still runs', () => {
  const vm = aVm({ properties: { provisioningState: 'Deleting' } })

  const { outcome } = translateAzureVm({ vm, power: 'running', address: '10.0.0.4' }, 's', spec)

  assert.deepEqual(outcome.kind === 'workload' && [outcome.workload.state, outcome.workload.reason], ['draining', 'it is being deleted'])
})
