import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { LeaderRole } from '../registry/leader-role.ts'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry } from '../registry/registry.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { MultiZoneStatus } from './multi-zone-status.ts'

function aService(name: string, zone: string): ResourceDraft {
  const labels = { 'kuma.io/display-name': name, 'kuma.io/zone': zone, 'kuma.io/origin': 'zone' }
  return { kind: 'MeshService', mesh: 'default', name: `${name}-${zone}`, labels, spec: { ports: [{ port: 80 }] } }
}

const union: ResourceDraft = {
  kind: 'MeshMultiZoneService',
  mesh: 'default',
  name: 'payments',
  labels: { 'kuma.io/display-name': 'payments' },
  spec: { selector: { meshService: { matchLabels: { 'kuma.io/display-name': 'payments' } } }, ports: [{ port: 80 }] },
}

test('global says of which zones a multi-zone service is made, and keeps that up to date', async () => {
  const store = new MemoryStore()
  await using registry = await Registry.open(store, { clock: systemClock, log: silentLog })
  await using leading = new LeaderRole({ leadership: store, role: 'global', log: silentLog })
  await registry.commit([{ kind: 'put', draft: union }])
  await using _ = new MultiZoneStatus({ registry, leading, log: silentLog })
  const zones = () => registry.get<MeshMultiZoneService>(union)?.status?.meshServices?.map(({ zone }) => zone)
  const settled = () => new Promise(resolve => setTimeout(resolve, 20))

  await registry.commit(
    [aService('payments', 'azure-1'), aService('payments', 'aws-1'), aService('web', 'gcp-1')].map(draft => ({ kind: 'put', draft })),
  )
  await settled()
  assert.deepEqual(zones(), ['aws-1', 'azure-1'])
  const { revision } = registry

  await registry.commit([{ kind: 'put', draft: aService('web', 'aws-1') }])
  await settled()
  assert.equal(registry.revision, revision + 1)

  await registry.commit([{ kind: 'delete', key: aService('payments', 'azure-1') }])
  await settled()
  assert.deepEqual(zones(), ['aws-1'])
})

test('a replica that does not lead writes nothing; when it comes to lead, it catches up', async () => {
  const store = new MemoryStore()
  await using registry = await Registry.open(store, { clock: systemClock, log: silentLog })
  const other = new LeaderRole({ leadership: store, role: 'global', log: silentLog })
  const settled = () => new Promise(resolve => setTimeout(resolve, 20))
  await settled()
  await using leading = new LeaderRole({ leadership: store, role: 'global', log: silentLog })
  await using _ = new MultiZoneStatus({ registry, leading, log: silentLog })
  const zones = () => registry.get<MeshMultiZoneService>(union)?.status?.meshServices?.map(({ zone }) => zone)

  await registry.commit([union, aService('payments', 'aws-1')].map(draft => ({ kind: 'put', draft })))
  await settled()
  assert.equal(zones(), undefined)

  await other[Symbol.asyncDispose]()
  await settled()
  assert.deepEqual(zones(), ['aws-1'])
})
