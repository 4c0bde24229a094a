import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import { kindByName } from '../model/kinds/index.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { checkSpec } from '../model/validate.ts'
import { deriveMeshServices, type MeshServiceInput } from './mesh-service.ts'
import { aDataplane, aService, written } from './test-support.ts'

const derive = (dataplanes: readonly Dataplane[], existing: readonly MeshService[] = [], input: Partial<MeshServiceInput> = {}) =>
  deriveMeshServices({
    mesh: 'default',
    zone: 'east',
    dataplanes,
    existing,
    spiffeIdsOf: it => [`spiffe://default.east.mesh.local/workload/${it.labels['kuma.io/workload']}`],
    stateOf: () => 'Available',
    ...input,
  })

test('a workload becomes a service', () => {
  const inbound = [{ port: 15001, servicePort: 8080, name: 'http', protocol: 'http' as const }]
  const { services, changed } = derive([aDataplane('web-1', { inbound }), aDataplane('web-2', { inbound })])

  assert.deepEqual(services, [
    {
      kind: 'MeshService',
      mesh: 'default',
      name: 'web',
      labels: {
        'kuma.io/managed-by': 'skerry',
        'kuma.io/display-name': 'web',
        'kuma.io/mesh': 'default',
        'kuma.io/origin': 'zone',
        'kuma.io/zone': 'east',
        'kuma.io/env': 'universal',
      },
      spec: {
        state: 'Available',
        selector: { dataplaneLabels: { matchLabels: { 'kuma.io/workload': 'web' } } },
        ports: [{ name: 'http', port: 8080, targetPort: 'http', appProtocol: 'http' }],
        identities: [{ type: 'SpiffeID', value: 'spiffe://default.east.mesh.local/workload/web' }],
      },
    },
  ])
  assert.equal(changed.length, 1)
  assert.deepEqual(checkSpec(kindByName('MeshService')!, services[0]!.spec).violations, [])
})

test('what is already written is not written again', () => {
  const dataplanes = [aDataplane('web-1', { inbound: [{ port: 8080, name: 'main' }] })]
  const existing = derive(dataplanes).services.map(written)

  assert.deepEqual(derive(dataplanes, existing).changed, [])
  assert.equal(derive(dataplanes, existing, { stateOf: () => 'Unavailable' }).changed[0]?.spec.state, 'Unavailable')
})

test('a status survives a change of the spec', () => {
  const dataplanes = [aDataplane('web-1', { inbound: [{ port: 8080, name: 'main' }] })]
  const existing = derive(dataplanes).services.map(draft => written({ ...draft, status: { dataplaneProxies: { total: 1 } } }))

  const { changed } = derive(dataplanes, existing, { stateOf: () => 'Unavailable' })
  assert.deepEqual(changed[0]?.status, { dataplaneProxies: { total: 1 } })
})

test('a service is exported while all of its instances are, and as it was while it has none', () => {
  const inbound = [{ port: 8080, name: 'main' }]
  const exported = { 'kuma.io/workload': 'web', 'skerry.io/exported': 'true' }
  const all = [aDataplane('web-1', { inbound, labels: exported }), aDataplane('web-2', { inbound, labels: exported })]
  const labelOf = (services: readonly { labels: Readonly<Record<string, string>> }[]) => services[0]?.labels['skerry.io/exported']

  const existing = derive(all).services.map(written)
  assert.equal(labelOf(existing), 'true')
  assert.equal(labelOf(derive([], existing).services), 'true')
  const { changed } = derive([...all, aDataplane('web-3', { inbound })], existing)
  assert.equal(changed.length, 1)
  assert.equal(labelOf(changed), undefined)
})

test('the port of a service stays when its instances move to another', () => {
  const existing = derive([aDataplane('web-1', { inbound: [{ port: 8080, name: 'main' }] })]).services.map(written)
  const { services } = derive([aDataplane('web-2', { inbound: [{ port: 9999, name: 'main' }] })], existing)

  assert.deepEqual(services[0]?.spec.ports, [{ name: 'main', port: 8080, targetPort: 'main', appProtocol: 'tcp' }])
})

test('the oldest instance decides, and who differs is told', () => {
  const old = aDataplane('z', { creationTime: '2026-01-01T00:00:00Z', inbound: [{ port: 8080, name: 'main', protocol: 'http' }] })
  const young = aDataplane('a', {
    creationTime: '2026-01-02T00:00:00Z',
    inbound: [
      { port: 9090, name: 'main', protocol: 'grpc' },
      { port: 8080, name: 'admin' },
    ],
  })
  const { services, conflicts } = derive([young, old])

  assert.deepEqual(services[0]?.spec.ports, [{ name: 'main', port: 8080, targetPort: 'main', appProtocol: 'http' }])
  assert.deepEqual(
    conflicts.map(({ dataplane, reason }) => `${dataplane}: ${reason}`),
    [
      'a: its inbound main speaks grpc, that of z http: the oldest decides',
      'a: its inbound admin has the number of another port of the service (8080): give it a servicePort of its own',
    ],
  )
})

test("a user's service of that name is left alone", () => {
  const existing = [aService('web', { ports: [{ port: 1234 }] })]

  assert.deepEqual(derive([aDataplane('web-1', { inbound: [{ port: 8080, name: 'main' }] })], existing).services, [])
})

test('a service whose last instance is gone becomes unavailable', () => {
  const existing = derive([aDataplane('web-1', { inbound: [{ port: 8080, name: 'main' }] })]).services.map(written)
  const { services, changed } = derive([], existing)

  assert.equal(services[0]?.spec.state, 'Unavailable')
  assert.deepEqual(services[0]?.spec.ports, existing[0]?.spec.ports)
  assert.equal(changed.length, 1)
  assert.deepEqual(derive([], services.map(written)).changed, [])
})

test('services of other zones are not touched', () => {
  const remote = aService('pay-x2', { zone: 'west', labels: { 'kuma.io/origin': 'global', 'kuma.io/managed-by': 'skerry' } })

  assert.deepEqual(derive([], [remote]), { services: [], changed: [], conflicts: [] })
})

test('gateways, ignored inbounds and unlabelled Dataplanes make no service', () => {
  const dataplanes = [
    aDataplane('edge', { gateway: { type: 'BUILTIN' } }),
    aDataplane('quiet', { inbound: [{ port: 80, state: 'Ignored' }] }),
    aDataplane('nameless', { labels: {}, inbound: [{ port: 80 }] }),
  ]
  assert.deepEqual(derive(dataplanes).services, [])
})
