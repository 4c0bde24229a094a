import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goodFacts } from '../derive/test-support.ts'
import { inspectPolicy } from './inspect-policy.ts'
import { aDraft, aZone } from './testing.ts'

const networking = { address: '10.0.0.2', inbound: [{ name: 'main', port: 8080 }] }
const rules = [{ default: { local: { tcp: { connectionRate: { num: 1, interval: '1s' } } } } }]

test('a policy that a data plane does not enforce is told with the proxies that it has no effect on', async () => {
  await using zone = await aZone()
  await zone.put(
    aDraft('web-1', { workload: 'web', networking }),
    aDraft('web-2', { workload: 'web', networking }),
    aDraft('away', { workload: 'web', networking }),
    aDraft('orders-1', { workload: 'orders', networking }),
  )
  const targetRef = { kind: 'Dataplane', labels: { 'kuma.io/workload': 'web' } }
  const few = { kind: 'MeshRateLimit', mesh: 'default', name: 'few', labels: {}, spec: { targetRef, rules } }
  await zone.registry.commit([{ kind: 'put', draft: few }])
  for (const name of ['web-1', 'web-2', 'orders-1']) zone.facts.set(`default/${name}`, goodFacts())
  const wanted = { mesh: 'default', kind: 'MeshRateLimit', kri: 'kri_mrl_default___few_' }

  const inspected = inspectPolicy({ ...zone, zone: 'east' }, wanted)

  assert.equal(inspected?.reached, 3)
  assert.equal(inspected.problems.length, 1)
  assert.deepEqual(inspected.problems[0]!.dataplanes, ['web-1', 'web-2'])
  assert.match(inspected.problems[0]!.reason, /not enforced by the built-in proxy/)
  assert.equal(inspectPolicy({ ...zone, zone: 'east' }, { ...wanted, kri: 'kri_mrl_default___other_' }), null)
})
