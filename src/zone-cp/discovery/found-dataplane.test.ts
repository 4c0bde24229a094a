import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FoundWorkload } from '../../adapters/adapter.ts'
import type { Dataplane } from '../../model/kinds/dataplane.ts'
import { foundDataplane, rememberedItem } from './found-dataplane.ts'

test('what is remembered of a workload makes the same Dataplane again, before anything was listed', () => {
  const workload: FoundWorkload = {
    workload: 'web-shop',
    namespace: 'shop',
    address: '10.0.0.1',
    ports: [{ name: 'http', port: 8080, protocol: 'http' }],
    state: 'ready',
    labels: { team: 'front', 'skerry.io/exported': 'true' },
    locality: { cloud: 'aws', cluster: 'prod' },
  }
  const by = { mesh: 'default', zone: 'aws-1', source: 'eks', scopeKey: 'scope' }
  const dataplane = foundDataplane(workload, '0123456789', by)

  const { outcome } = rememberedItem(dataplane as unknown as Dataplane)

  assert.equal(outcome.kind, 'workload')
  assert.deepEqual(outcome.kind === 'workload' && foundDataplane(outcome.workload, '0123456789', by), dataplane)
})
