import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Resource, ResourceDraft } from '../model/resource.ts'
import { aMultiZoneService, anAcknowledgement, aRemoteZone, aService } from '../policy/testing.ts'
import { inspectDataplane } from './inspect.ts'
import { aDraft, aZone, type TestZone } from './testing.ts'

const networking = {
  address: '10.0.0.2',
  inbound: [{ name: 'main', port: 8080 }],
  outbound: [{ port: 9000, backendRef: { kind: 'MeshMultiZoneService', name: 'payments' } }],
}

/** As it comes from global. */
const fromGlobal = ({ kind, mesh, name, labels, spec }: Resource): ResourceDraft => ({
  kind,
  mesh,
  name: `${name}-x`,
  labels: { ...labels, 'kuma.io/origin': 'global' },
  spec,
})

function warningsOf(zone: TestZone): string[] {
  const { warnings } = inspectDataplane(zone, 'default', 'caller') as { warnings: { resource: string; reason: string }[] }
  return warnings.map(({ resource, reason }) => `${resource}: ${reason}`)
}

async function withPayments(): Promise<TestZone> {
  const zone = await aZone({ global: { connected: true, silentZones: ['aws-1'] } })
  const others = [...aRemoteZone('aws-1', 2, 'east'), aService('payments', 'aws-1'), aMultiZoneService('payments')]
  await zone.registry.commit(others.map(resource => ({ kind: 'put', draft: fromGlobal(resource) })))
  await zone.put(aDraft('caller', { workload: 'caller', networking }))
  await zone.acknowledgements.settled()
  return zone
}

test('a zone that is not called yet is told with who does not trust whom', async () => {
  await using zone = await withPayments()
  const [warning] = warningsOf(zone)
  assert.match(warning!, /^kri_mzsvc_default___payments_http: zone aws-1 is not called yet: not every proxy of zone east has acknowledged/)
})

test('a zone that comes last because it seems dead is told with the evidence', async () => {
  await using zone = await withPayments()
  await zone.acknowledgements.close()
  await zone.registry.commit([{ kind: 'put', draft: anAcknowledgement('east', ['east', 'aws-1']) }])
  assert.deepEqual(warningsOf(zone), [])

  zone.doubts.told('default', 'gateway', [{ address: '127.0.0.1:2', reachable: false, reason: 'no connection' }])
  await zone.clock.run(5_000)
  assert.deepEqual(warningsOf(zone), [
    'kri_mzsvc_default___payments_http: zone aws-1 comes last, because it seems dead: global does not hear it, and no gateway of zone east reaches it: no connection',
  ])
})
