import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anItem } from '../../adapters/test-support.ts'
import type { Dataplane } from '../../model/kinds/dataplane.ts'
import { memoryDisk } from '../../registry/memory-store.ts'
import { ManualClock } from '../../std/clock.ts'
import { aDataplane } from '../testing.ts'
import { aDiscovery, intervalMs } from './testing.ts'

const exported = { 'skerry.io/exported': 'true' }

test('the Dataplane of a proxy is exported while its platform says so, also when that changed while the zone was down', async () => {
  const disk = memoryDisk()
  const clock = new ManualClock()
  const labelOf = ({ registry }: Awaited<ReturnType<typeof aDiscovery>>) =>
    registry.list<Dataplane>('Dataplane')[0]?.labels['skerry.io/exported']
  {
    await using before = await aDiscovery({ disk, clock })
    const { mesh, labels, networking } = aDataplane('web-1')
    await before.put({ kind: 'Dataplane', mesh, name: 'web-1', labels, spec: { networking } })
    before.adapter.items = [anItem('pod-1', { workload: 'web', address: '10.0.0.1', labels: exported })]
    await before.source()
    await before.pass(2000)
    assert.equal(labelOf(before), 'true')
  }

  await using after = await aDiscovery({ disk, clock })
  after.adapter.fail()
  await after.pass(1000)
  assert.equal(labelOf(after), 'true')
  after.adapter.error = null
  after.adapter.items = [anItem('pod-1', { workload: 'web', address: '10.0.0.1' })]
  await after.pass(intervalMs * 2)

  assert.equal(labelOf(after), undefined)
})
