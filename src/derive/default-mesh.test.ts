import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Origin } from '../model/compute-labels.ts'
import type { HostnameGenerator } from '../model/kinds/hostname-generator.ts'
import { formatKey } from '../model/resource.ts'
import { fromWire, toWire } from '../model/wire.ts'
import { defaultHostnameGenerators, defaultMesh } from './default-mesh.ts'
import type { NameableService } from './hostname-generator.ts'
import { HostnameTable } from './hostname-table.ts'
import { aMultiZoneService, anExternalService, aService } from './test-support.ts'

test('what a first start makes is what a user could write', () => {
  for (const draft of defaultMesh({ mode: 'global' })) {
    const wire = toWire({ ...draft, labels: {}, creationTime: '', modificationTime: '', revision: 1 })
    assert.deepEqual(fromWire(wire, { strict: true }).kind, 'ok', draft.kind)
  }
})

test('a service is known by the same names with the generators as without them, in its own zone and in others', () => {
  const generatorsOf = (origin: Origin) =>
    defaultHostnameGenerators(origin).map(draft => ({ ...draft, creationTime: '', modificationTime: '', revision: 1 }) as HostnameGenerator)
  const generators = [...generatorsOf({ mode: 'zone', zone: 'east' }), ...generatorsOf({ mode: 'global' })]
  const check = (service: NameableService, expected: string[]) => {
    const [withGenerators, without] = [generators, []].map(these => {
      const table = new HostnameTable('east')
      table.setGenerators(these)
      table.set(service)
      return table
    })
    const made = withGenerators!.statusOf(formatKey(service))!.addresses.filter(it => it.hostnameGeneratorRef)
    assert.deepEqual(
      made.map(({ hostname }) => hostname),
      expected,
    )
    if (service.kind === 'MeshExternalService') return
    assert.deepEqual(withGenerators!.hostnamesOf(formatKey(service)), without!.hostnamesOf(formatKey(service)))
  }
  const own = { 'kuma.io/origin': 'zone', 'kuma.io/env': 'universal' }
  const sent = { 'kuma.io/origin': 'global', 'kuma.io/env': 'universal' }

  check(aService('web', { zone: 'east', labels: own }), ['web.svc.mesh.local'])
  check(aService('web', { zone: 'west', labels: sent }), ['web.svc.west.mesh.local'])
  check({ ...aMultiZoneService('web'), labels: { 'kuma.io/origin': 'global' } }, ['web.mzsvc.mesh.local'])
  check({ ...aMultiZoneService('web'), labels: { 'kuma.io/origin': 'zone' } }, ['web.mzsvc.mesh.local'])
  check(anExternalService('api', { labels: own }), ['api.extsvc.mesh.local'])
  check(anExternalService('api', { labels: sent }), ['api.extsvc.mesh.local'])
})

test('a service of another zone’s Kubernetes is known by its namespace, and an instance of a headless one by its pod', () => {
  const table = new HostnameTable('east')
  table.setGenerators(
    defaultHostnameGenerators({ mode: 'global' }).map(
      draft => ({ ...draft, creationTime: '', modificationTime: '', revision: 1 }) as HostnameGenerator,
    ),
  )
  const kubernetes = { 'kuma.io/origin': 'global', 'kuma.io/env': 'kubernetes', 'k8s.kuma.io/namespace': 'shop' }
  const plain = aService('web', { zone: 'west', labels: { ...kubernetes, 'k8s.kuma.io/is-headless-service': 'false' } })
  const headless = aService('db-0', {
    zone: 'west',
    labels: {
      ...kubernetes,
      'k8s.kuma.io/is-headless-service': 'true',
      'k8s.kuma.io/service-name': 'db',
      'statefulset.kubernetes.io/pod-name': 'db-0',
    },
  })
  for (const service of [plain, headless]) table.set(service)

  assert.equal(table.hostnamesOf(formatKey(plain))[0], 'web.shop.svc.west.mesh.local')
  assert.equal(table.hostnamesOf(formatKey(headless))[0], 'db-0.db.shop.svc.west.mesh.local')
})
