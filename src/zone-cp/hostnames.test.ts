import assert from 'node:assert/strict'
import { test } from 'node:test'
import { typeUrls } from '../envoy/resources.ts'
import type { MeshExternalService } from '../model/kinds/mesh-external-service.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { memoryDisk } from '../registry/memory-store.ts'
import { aDataplane, aDraft, aZone, type TestZone, turns, until } from './testing.ts'

const aws = { 'kuma.io/display-name': 'payments', 'kuma.io/zone': 'aws-1', 'kuma.io/origin': 'global', 'kuma.io/env': 'universal' }

/** As global sends a service of another zone, with what global's own generators are. */
const fromGlobal: ResourceDraft[] = [
  { kind: 'MeshService', mesh: 'default', name: 'payments-x', labels: aws, spec: { ports: [{ port: 80, appProtocol: 'http' }] } },
  aGenerator('synced', 'meshService', '{{ .DisplayName }}.svc.{{ .Zone }}.mesh.local', { 'kuma.io/origin': 'global' }),
]

function aGenerator(name: string, selector: string, template: string, matchLabels: Record<string, string> = {}): ResourceDraft {
  const spec = { selector: { [selector]: { matchLabels } }, template }
  return { kind: 'HostnameGenerator', mesh: '', name, labels: { 'kuma.io/origin': 'global' }, spec }
}

function anExternalService(name: string): ResourceDraft {
  const spec = { match: { type: 'HostnameGenerator', port: 80, protocol: 'http' }, endpoints: [{ address: '192.0.2.9', port: 80 }] }
  return { kind: 'MeshExternalService', mesh: 'default', name, labels: {}, spec }
}

const union: ResourceDraft = {
  kind: 'MeshMultiZoneService',
  mesh: 'default',
  name: 'payments',
  labels: {},
  spec: { selector: { meshService: { matchLabels: { 'kuma.io/display-name': 'payments' } } }, ports: [{ port: 80, appProtocol: 'http' }] },
}

const commit = (zone: TestZone, ...drafts: ResourceDraft[]) => zone.registry.commit(drafts.map(draft => ({ kind: 'put', draft })))

function service(zone: TestZone, name: string) {
  return zone.get<MeshService>('MeshService', name)?.status
}

function namesOf(status: Pick<NonNullable<MeshService['status']>, 'addresses'> | undefined): string[] {
  return (status?.addresses ?? []).map(({ hostname }) => hostname)
}

test('every service of the zone has its names, the generators that gave them, and an address', async () => {
  await using zone = await aZone()
  await zone.put(aDraft('web-1'), union, anExternalService('api'))
  await commit(zone, ...fromGlobal)
  await until(() => (service(zone, 'web')?.vips?.length ?? 0) > 0)
  await zone.derived.settled()

  const multiZone = zone.get<MeshMultiZoneService>('MeshMultiZoneService', 'payments')?.status
  const external = zone.get<MeshExternalService>('MeshExternalService', 'api')?.status
  assert.deepEqual(namesOf(service(zone, 'web')), ['web.svc.mesh.local', 'web.mesh'])
  assert.deepEqual(namesOf(service(zone, 'payments-x')), ['payments.svc.aws-1.mesh.local'])
  assert.deepEqual(namesOf(multiZone), ['payments.mzsvc.mesh.local', 'payments.mesh'])
  assert.deepEqual(namesOf(external), ['api.extsvc.mesh.local'])
  assert.deepEqual(service(zone, 'payments-x')?.hostnameGenerators, [
    {
      hostnameGeneratorRef: { coreName: 'synced' },
      conditions: [{ type: 'Generated', status: 'True', reason: 'Generated', message: '' }],
    },
  ])
  const vips = [service(zone, 'web')?.vips?.[0]?.ip, service(zone, 'payments-x')?.vips?.[0]?.ip]
  assert.deepEqual(vips.sort(), ['241.0.0.1', '241.0.0.2'])
  assert.equal(external?.vip?.ip, '242.0.0.1')
  assert.deepEqual(multiZone?.vips, [{ ip: '243.0.0.1' }])
})

test('addresses are the same after a restart, whatever came and went before it', async () => {
  const disk = memoryDisk()
  const ips = (zone: TestZone) => ['b', 'c', 'd'].map(name => service(zone, name)?.vips?.[0]?.ip)
  let before: unknown[] = []
  {
    await using zone = await aZone({ disk })
    await zone.put(...['a', 'b', 'c'].map(name => aDraft(`${name}-1`, { workload: name })))
    await until(() => ['a', 'b', 'c'].every(name => service(zone, name)?.vips))
    const ofA = service(zone, 'a')?.vips?.[0]?.ip
    await zone.remove('Dataplane', 'a-1')
    await zone.remove('MeshService', 'a')
    await zone.put(aDraft('d-1', { workload: 'd' }))
    await until(() => service(zone, 'd')?.vips !== undefined)
    before = ips(zone)
    assert.equal(new Set(before).size, 3)
    assert.ok(!before.includes(ofA))
  }

  await using zone = await aZone({ disk })
  await zone.put(aDraft('e-1', { workload: 'e' }))
  await until(() => service(zone, 'e')?.vips !== undefined)

  assert.deepEqual(ips(zone), before)
  assert.ok(!before.includes(service(zone, 'e')?.vips?.[0]?.ip))
})

test('a range that is exhausted is a condition, until an address is free again', async () => {
  await using zone = await aZone({
    vipCidrs: { vipCidrMeshService: '10.9.0.0/32', vipCidrMeshExternalService: '10.8.0.0/24', vipCidrMeshMultiZoneService: '10.7.0.0/24' },
  })
  await zone.put(aDraft('a-1', { workload: 'a' }))
  await until(() => service(zone, 'a')?.vips !== undefined)
  await zone.put(aDraft('b-1', { workload: 'b' }))
  await until(() => service(zone, 'b')?.conditions !== undefined)
  assert.deepEqual(service(zone, 'b')?.conditions, [
    {
      type: 'VipAssigned',
      status: 'False',
      reason: 'RangeExhausted',
      message: 'no address of 10.9.0.0/32 is free: 1 of 1 are held',
    },
  ])
  assert.deepEqual(namesOf(service(zone, 'b')), ['b.svc.mesh.local', 'b.mesh'])

  await zone.remove('Dataplane', 'a-1')
  await zone.remove('MeshService', 'a')
  await zone.clock.run(3_599_000)
  assert.equal(service(zone, 'b')?.vips, undefined)
  await zone.clock.run(2_000)
  await until(() => service(zone, 'b')?.vips !== undefined)
  assert.deepEqual(service(zone, 'b')?.vips, [{ ip: '10.9.0.0' }])
  assert.equal(service(zone, 'b')?.conditions, undefined)
})

test('services of different kinds that want one name: the older has it, the other is told, and gets it when it is free', async () => {
  await using zone = await aZone()
  await zone.put(aDraft('web-1'))
  await until(() => service(zone, 'web') !== undefined)
  zone.clock.advance(1000)
  await zone.put(anExternalService('api'))
  await commit(
    zone,
    aGenerator('corp-a', 'meshService', 'shop.corp.example'),
    aGenerator('corp-b', 'meshExternalService', 'shop.corp.example'),
  )
  await zone.derived.settled()
  const external = () => zone.get<MeshExternalService>('MeshExternalService', 'api')?.status

  assert.ok(namesOf(service(zone, 'web')).includes('shop.corp.example'))
  assert.ok(!namesOf(external()).includes('shop.corp.example'))
  const conditions = external()?.hostnameGenerators?.find(it => it.hostnameGeneratorRef.coreName === 'corp-b')?.conditions
  assert.deepEqual(conditions, [
    { type: 'Generated', status: 'False', reason: 'Collision', message: 'Hostname collision with MeshService: web' },
  ])

  await zone.registry.commit([{ kind: 'delete', key: { kind: 'HostnameGenerator', mesh: '', name: 'corp-a' } }])
  await zone.derived.settled()
  assert.ok(namesOf(external()).includes('shop.corp.example'))
})

test('what changes at one service leaves the status of the others as it was written', async () => {
  await using zone = await aZone()
  await zone.put(...['a', 'b', 'c'].map(name => aDraft(`${name}-1`, { workload: name })))
  await until(() => ['a', 'b', 'c'].every(name => service(zone, name)?.vips))
  await zone.derived.settled()
  const revisions = () => ['a', 'b', 'c'].map(name => zone.get('MeshService', name)?.revision)
  const before = revisions()

  await zone.put(aDraft('a-2', { workload: 'a' }))
  await zone.derived.settled()

  assert.notEqual(revisions()[0], before[0])
  assert.deepEqual(revisions().slice(1), before.slice(1))
})

test('a proxy that asks for a generated name is answered, with another service when the name is given away, and with none when it is gone', async () => {
  await using zone = await aZone()
  const networking = { ...aDataplane('web-1').networking, httpProxy: { port: 15080 } }
  const agent = await zone.agent({ dataplane: aDataplane('web-1', { networking }) })
  await agent.next('registered')
  await zone.put(...['a', 'b'].map(name => aDraft(`${name}-1`, { workload: name })))
  const proxy = await zone.proxy({ name: 'web-1' })
  const host = 'http_proxy/shop.corp.example'
  proxy.subscribe(typeUrls.virtualHost, host, 'http_proxy/a.svc.mesh.local', 'http_proxy/a.mesh')
  await until(() => proxy.missing(typeUrls.virtualHost).includes(host))
  await until(() => proxy.held(typeUrls.virtualHost).length === 2)
  const clusters = () => proxy.held(typeUrls.cluster).filter(name => name.includes('__b_'))
  assert.deepEqual(clusters(), [])

  const generator = (workload: string) => aGenerator('corp', 'meshService', 'shop.corp.example', { 'kuma.io/display-name': workload })
  await commit(zone, generator('a'))
  await until(() => proxy.held(typeUrls.virtualHost).includes(host))
  assert.deepEqual(clusters(), [])

  await commit(zone, generator('b'))
  await until(() => clusters().length === 1)

  await zone.registry.commit([{ kind: 'delete', key: { kind: 'HostnameGenerator', mesh: '', name: 'corp' } }])
  await until(() => !proxy.held(typeUrls.virtualHost).includes(host))
  await turns()
  assert.equal(proxy.held(typeUrls.virtualHost).length, 2)
  await proxy.close()
})
