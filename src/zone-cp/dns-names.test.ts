import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { test } from 'node:test'
import { goodFacts } from '../derive/test-support.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { startDns } from './dns-names.ts'
import { factsKey } from './readiness-tracker.ts'
import { aDraft, aZone, type TestZone } from './testing.ts'

test('a service has its names, and they lead to its healthy instances', async () => {
  await using zone = await aZone()
  await using dns = await open(zone)
  await zone.put(service('shop'), instance('shop-1', '10.0.0.1'), instance('shop-2', '10.0.0.2'))

  for (const name of ['shop.mesh', 'shop.svc.mesh.local', 'shop.default.svc.skerry', 'shop.east.default.svc.skerry']) {
    assert.deepEqual((await dns.resolver.resolve4(name)).sort(), ['10.0.0.1', '10.0.0.2'], name)
  }
  assert.deepEqual((await dns.resolver.resolveSrv('_http._tcp.shop.mesh')).map(({ port, name }) => `${name}:${port}`).sort(), [
    '0a000001.addr.skerry:8080',
    '0a000002.addr.skerry:8080',
  ])

  zone.facts.set(factsKey('default', 'shop-1'), goodFacts({ draining: true }))
  assert.deepEqual(await dns.resolver.resolve4('shop.mesh'), ['10.0.0.2'])
  await zone.remove('Dataplane', 'shop-2')
  await assert.rejects(dns.resolver.resolve4('shop.mesh'), { code: 'ENODATA' })
  await zone.remove('MeshService', 'shop')
  await assert.rejects(dns.resolver.resolve4('shop.mesh'), { code: 'ENOTFOUND' })
  await assert.rejects(dns.resolver.resolve4('svc.skerry'), { code: 'ENOTFOUND' })
})

test('a service of another zone leads to the gateways of that zone, and only when nothing is nearer', async () => {
  await using zone = await aZone()
  await using dns = await open(zone)
  const labels = { 'kuma.io/display-name': 'shop', 'kuma.io/zone': 'west', 'kuma.io/origin': 'zone' }
  const theirs = service('shop-x', labels)
  const drafts: ResourceDraft[] = [
    { ...theirs, spec: { ...(theirs.spec as object), state: 'Available' } },
    { kind: 'ServiceCapacity', mesh: 'default', name: 'shop-x', labels, spec: { service: 'shop', healthy: 2, total: 2, weight: 2 } },
    {
      kind: 'MeshZoneAddress',
      mesh: 'default',
      name: 'gw',
      labels: { 'kuma.io/zone': 'west' },
      spec: { address: '192.0.2.7', port: 10001 },
    },
  ]
  await zone.registry.commit(drafts.map(draft => ({ kind: 'put', draft })))

  for (const name of ['shop.mesh', 'shop.svc.west.mesh.local', 'shop.default.svc.skerry', 'shop.west.default.svc.skerry']) {
    assert.deepEqual(await dns.resolver.resolve4(name), ['192.0.2.7'], name)
  }
  await zone.put(service('shop'), instance('shop-1', '10.0.0.1'))
  assert.deepEqual(await dns.resolver.resolve4('shop.mesh'), ['10.0.0.1'])
  assert.deepEqual(await dns.resolver.resolve4('shop.svc.west.mesh.local'), ['192.0.2.7'])
})

test('what a HostnameGenerator names is answered from the moment it is there, until it is gone', async () => {
  await using zone = await aZone()
  await using dns = await open(zone)
  await zone.put(service('shop'), instance('shop-1', '10.0.0.1'))
  await assert.rejects(dns.resolver.resolve4('shop.corp.example'), { code: 'EREFUSED' })
  await zone.registry.commit([
    {
      kind: 'put',
      draft: {
        kind: 'HostnameGenerator',
        mesh: '',
        name: 'corp',
        labels: {},
        spec: { selector: { meshService: { matchLabels: {} } }, template: '{{ .DisplayName }}.corp.example' },
      },
    },
  ])

  assert.deepEqual(await dns.resolver.resolve4('shop.corp.example'), ['10.0.0.1'])
  await zone.registry.commit([{ kind: 'delete', key: { kind: 'HostnameGenerator', mesh: '', name: 'corp' } }])
  await assert.rejects(dns.resolver.resolve4('shop.corp.example'), { code: 'EREFUSED' })
})

test('of two services that want one generated name the one that has it is answered, until it goes', async () => {
  await using zone = await aZone()
  await using dns = await open(zone)
  const generator = (name: string, selector: string): ResourceDraft => {
    const spec = { selector: { [selector]: { matchLabels: {} } }, template: 'shop.corp.example' }
    return { kind: 'HostnameGenerator', mesh: '', name, labels: {}, spec }
  }
  await zone.put(service('shop'), instance('shop-1', '10.0.0.1'))
  zone.clock.advance(1000)
  const spec = { match: { type: 'HostnameGenerator', port: 80 }, endpoints: [{ address: '192.0.2.9', port: 80 }] }
  await zone.put({ kind: 'MeshExternalService', mesh: 'default', name: 'api', labels: {}, spec })
  const both = [generator('b', 'meshService'), generator('a', 'meshExternalService')]
  await zone.registry.commit(both.map(draft => ({ kind: 'put', draft: { ...draft, labels: { 'kuma.io/origin': 'zone' } } })))

  // The older generator would decide, and of two of one age the name: it is the one of external services.
  assert.deepEqual(await dns.resolver.resolve4('shop.corp.example'), ['192.0.2.9'])
  assert.deepEqual(await dns.resolver.resolve4('api.extsvc.mesh.local'), ['192.0.2.9'])
  await zone.remove('MeshExternalService', 'api')
  assert.deepEqual(await dns.resolver.resolve4('shop.corp.example'), ['10.0.0.1'])
})

async function open(zone: TestZone) {
  const dns = await startDns({ host: '127.0.0.1', port: 0 }, zone, { ...zone, clock: systemClock, log: silentLog })
  const resolver = new Resolver({ timeout: 2000, tries: 2 })
  resolver.setServers([`127.0.0.1:${dns.address.port}`])
  return { resolver, [Symbol.asyncDispose]: () => dns[Symbol.asyncDispose]() }
}

function service(name: string, labels: Record<string, string> = {}): ResourceDraft {
  const spec = {
    selector: { dataplaneLabels: { matchLabels: { app: name } } },
    ports: [{ name: 'http', port: 80, targetPort: 'main', appProtocol: 'http' }],
  }
  return { kind: 'MeshService', mesh: 'default', name, labels, spec }
}

function instance(name: string, address: string): ResourceDraft {
  const inbound = [{ name: 'main', port: 8080, servicePort: 80, protocol: 'http' }]
  return { ...aDraft(name, { networking: { address, inbound } }), labels: { app: 'shop' } }
}
