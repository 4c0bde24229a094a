import assert from 'node:assert/strict'
import { test } from 'node:test'
import { typeUrls } from '../../envoy/resources.ts'
import { trustSecret } from '../../envoy/tls.ts'
import type { MeshTrust } from '../../model/kinds/mesh-trust.ts'
import type { TrustAcknowledgement } from '../../model/kinds/trust-acknowledgement.ts'
import type { ResourceDraft } from '../../model/resource.ts'
import { memoryDisk } from '../../registry/memory-store.ts'
import { testCertificate } from '../../std/test-certificate.ts'
import { aDataplane, aDraft, aZone, type TestProxy, type TestZone, turns, until } from '../testing.ts'

const { rootCaPem } = await testCertificate()

/** Another zone's bundle, as it comes from global. */
const westTrust: ResourceDraft = {
  kind: 'MeshTrust',
  mesh: 'default',
  name: 'identity-west-x',
  labels: { 'kuma.io/origin': 'global', 'kuma.io/zone': 'west' },
  spec: { trustDomain: 'default.west.mesh.local', caBundles: [{ type: 'Pem', pem: { value: rootCaPem } }] },
}

function said(zone: TestZone) {
  const resource = zone.get<TrustAcknowledgement>('TrustAcknowledgement', 'east')
  return { domains: resource?.spec.trusts.map(({ trustDomain }) => trustDomain.split('.')[1]), behind: resource?.status?.behind ?? [] }
}

async function come(zone: TestZone, name: string, options: object = {}): Promise<TestProxy> {
  const proxy = await zone.proxy({ name, ...options })
  proxy.subscribe(typeUrls.secret, trustSecret)
  await until(() => proxy.held(typeUrls.secret).includes(trustSecret))
  await turns()
  return proxy
}

test('a zone without proxies trusts whom it knows, and says what it signs with', async () => {
  await using zone = await aZone()
  await zone.acknowledgements.settled()

  const resource = zone.get<TrustAcknowledgement>('TrustAcknowledgement', 'east')!
  assert.deepEqual(resource.spec.trusts, resource.spec.signedBy)
  assert.equal(resource.spec.signedBy[0]?.trustDomain, 'default.east.mesh.local')
  assert.equal(resource.labels['kuma.io/zone'], 'east')
  assert.ok(zone.get<MeshTrust>('MeshTrust', 'identity-east'))
})

test('another zone’s bundle is acknowledged when every proxy that verifies has taken it', async () => {
  await using zone = await aZone()
  await zone.put(aDraft('a'), aDraft('b'))
  const a = await come(zone, 'a')
  let isSilent = false
  const b = await come(zone, 'b', {
    refuse: ({ typeUrl }: { typeUrl: string }) => (isSilent && typeUrl === typeUrls.secret ? 'later' : null),
  })
  await zone.acknowledgements.settled()
  assert.deepEqual(said(zone), { domains: ['east'], behind: [] })

  isSilent = true
  await zone.registry.commit([{ kind: 'put', draft: westTrust }])
  await turns()
  assert.deepEqual(said(zone), { domains: ['east'], behind: [] })

  await zone.clock.run(5_000)
  await until(() => said(zone).behind.length > 0)
  assert.deepEqual(said(zone), { domains: ['east', 'west'], behind: ['b'] })
  await a.close()
  await b.close()
})

test('a restart of the control plane takes back nothing: proxies that return say that they still hold it', async () => {
  const disk = memoryDisk()
  const agent = { dataplane: aDataplane('a') }
  let earlier: TestProxy
  {
    await using before = await aZone({ disk })
    await before.registry.commit([{ kind: 'put', draft: westTrust }])
    await before.agent(agent)
    earlier = await come(before, 'a')
    await before.acknowledgements.settled()
    assert.deepEqual(said(before).domains, ['east', 'west'])
  }

  await using after = await aZone({ disk })
  await after.registry.commit([{ kind: 'delete', key: westTrust }])
  await after.acknowledgements.settled()
  assert.deepEqual(said(after).domains, ['east', 'west'], 'it waits for the proxy that it knows')

  const returned = await after.proxy({ name: 'a', holding: earlier })
  await until(() => said(after).domains?.length === 1)
  await returned.close()
})

test('a returning proxy is counted by what it claims, though nothing is sent to it', async () => {
  const disk = memoryDisk()
  let earlier: TestProxy
  {
    await using before = await aZone({ disk })
    await before.put(aDraft('a'))
    earlier = await come(before, 'a')
  }
  await using after = await aZone({ disk })
  const returned = await after.proxy({ name: 'a', holding: earlier })
  await until(() => after.trust.of('default').counted > 0)

  assert.equal(returned.updates.filter(update => update.typeUrl === typeUrls.secret).length, 0)
  await returned.close()
})

test('when a mesh goes, what was said about it goes too', async () => {
  await using zone = await aZone()
  await zone.acknowledgements.settled()
  await zone.remove('Mesh', 'default')
  await zone.acknowledgements.settled()
  assert.equal(zone.get('TrustAcknowledgement', 'east'), undefined)
})
