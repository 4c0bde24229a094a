import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { Resource } from '../model/resource.ts'
import { resolveHost } from './host.ts'
import { planProxy } from './plan-proxy.ts'
import { aMultiZoneService, anIdentity, anInstance, aRemoteZone, aResource, aService, aView } from './testing.ts'
import type { MeshView } from './view.ts'

const permission = aResource('MeshTrafficPermission', 'allow', {
  rules: [{ default: { allow: [{ spiffeID: { type: 'Prefix', value: 'spiffe://default.' } }] } }],
} as never)

function theMesh(...more: Parameters<typeof aView>[1][]) {
  return aView(
    'azure-1',
    anIdentity(),
    permission,
    aService('payments', 'azure-1'),
    aService('payments', 'aws-1', { storedName: 'payments-x1' }),
    aMultiZoneService('payments'),
    ...aRemoteZone('aws-1'),
    ...more,
  )
}

test('a sidecar lets in who a permission allows, and has its own identity', () => {
  const dataplane = anInstance('web-1', 'web') as Dataplane
  const plan = planProxy(theMesh(dataplane), dataplane)

  assert.equal(plan.spiffeId, 'spiffe://default.azure-1.mesh.local/workload/web')
  const [inbound] = plan.listeners
  assert.ok(inbound?.kind === 'inbound')
  assert.deepEqual(inbound.permissions.allow, [{ type: 'Prefix', value: 'spiffe://default.' }])
})

test('without any permission nobody may enter', () => {
  const dataplane = anInstance('web-1', 'web') as Dataplane
  const [inbound] = planProxy(aView('azure-1', anIdentity(), dataplane), dataplane).listeners
  assert.ok(inbound?.kind === 'inbound')
  assert.deepEqual(inbound.permissions.allow, [])
})

test('an outbound without kind means the multi-zone service, and accepts the identities of all zones', () => {
  const dataplane = anInstance('web-1', 'web', { outbound: [{ port: 9001, backendRef: { name: 'payments' } }] }) as Dataplane
  const plan = planProxy(theMesh(dataplane), dataplane)

  const cluster = plan.clusters.find(candidate => candidate.kind === 'service')
  assert.ok(cluster?.kind === 'service')
  assert.equal(cluster.name, 'kri_mzsvc_default___payments_http')
  assert.equal(cluster.tls?.sni, 'sni.mzsvc.default.payments.http')
  assert.deepEqual(cluster.tls?.allowedIds, [
    'spiffe://default.aws-1.mesh.local/workload/payments',
    'spiffe://default.azure-1.mesh.local/workload/payments',
  ])
})

test('an outbound to nothing answers 503 with the reason, and warns', () => {
  const dataplane = anInstance('web-1', 'web', { outbound: [{ port: 9001, backendRef: { name: 'nowhere' } }] }) as Dataplane
  const plan = planProxy(theMesh(dataplane), dataplane)

  const outbound = plan.listeners.find(listener => listener.kind === 'outbound')
  assert.ok(outbound?.kind === 'outbound' && outbound.target.protocol === 'http')
  assert.deepEqual(outbound.target.virtualHost.routes[0]!.action, {
    kind: 'respond',
    status: 503,
    body: 'nowhere names no service that is known in this zone',
  })
  assert.match(plan.warnings[0]!.reason, /nowhere/)
})

test('a zone gateway offers each local service by its own SNI and by that of what unites it', () => {
  const gateway = aResource<Dataplane>('Dataplane', 'gateway', {
    networking: { address: '10.0.0.9', listeners: [{ type: 'ZoneIngress', address: '10.0.0.9', port: 10001, name: 'ingress' }] },
  })
  const [listener] = planProxy(theMesh(gateway), gateway).listeners
  assert.ok(listener?.kind === 'zone-ingress')
  assert.deepEqual(
    listener.chains.map(chain => chain.sni),
    ['sni.msvc.default.azure-1.payments.http', 'sni.mzsvc.default.payments.http'],
  )
})

test('a gateway serves the routes that name it, by host', () => {
  const gateway = aResource<Dataplane>(
    'Dataplane',
    'edge',
    { networking: { address: '0.0.0.0', gateway: { type: 'BUILTIN' } } },
    { 'kuma.io/workload': 'edge' },
  )
  const meshGateway = aResource('MeshGateway', 'edge', {
    selector: { matchLabels: { 'kuma.io/workload': 'edge' } },
    listeners: [{ port: 8080, protocol: 'HTTP' }],
  } as never)
  const route = aResource('MeshHTTPRoute', 'shop', {
    targetRef: { kind: 'MeshGateway', labels: { 'kuma.io/display-name': 'edge' } },
    to: [
      {
        targetRef: { kind: 'Mesh' },
        hostnames: ['shop.example'],
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: '/' } }],
            default: { backendRefs: [{ kind: 'MeshMultiZoneService', labels: { 'kuma.io/display-name': 'payments' } }] },
          },
        ],
      },
    ],
  } as never)
  const plan = planProxy(theMesh(gateway, meshGateway, route), gateway)

  const [listener] = plan.listeners
  assert.ok(listener?.kind === 'gateway')
  assert.deepEqual(listener.virtualHosts[0]!.domains, ['shop.example'])
  const { action } = listener.virtualHosts[0]!.routes[0]!
  assert.ok(action.kind === 'forward')
  assert.deepEqual(action.clusters, [{ cluster: 'kri_mzsvc_default___payments_http', weight: 1 }])
})

test('a route of a service splits by weight and leaves the rest to the service', () => {
  const route = aResource('MeshHTTPRoute', 'split', {
    to: [
      {
        targetRef: { kind: 'MeshMultiZoneService', labels: { 'kuma.io/display-name': 'payments' } },
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: '/v2' } }],
            default: {
              backendRefs: [
                { kind: 'MeshService', labels: { 'kuma.io/display-name': 'payments', 'kuma.io/zone': 'azure-1' }, weight: 9 },
                { kind: 'MeshMultiZoneService', labels: { 'kuma.io/display-name': 'payments' } },
              ],
            },
          },
        ],
      },
    ],
  } as never)
  const dataplane = anInstance('web-1', 'web', { outbound: [{ port: 9001, backendRef: { name: 'payments' } }] }) as Dataplane
  const outbound = planProxy(theMesh(dataplane, route), dataplane).listeners.find(listener => listener.kind === 'outbound')
  assert.ok(outbound?.kind === 'outbound' && outbound.target.protocol === 'http')
  const [first, second] = outbound.target.virtualHost.routes
  assert.ok(first?.action.kind === 'forward')
  assert.deepEqual(
    first.action.clusters.map(backend => backend.weight),
    [9, 1],
  )
  assert.equal(second?.name, 'default')
})

test('host names mean services: short, by zone, multi-zone, with and without port', () => {
  const view = theMesh(aService('hello', 'aws-1', { storedName: 'hello-x' }))
  const meant = (host: string) => resolveHost(view, host)?.service.key ?? null
  assert.equal(meant('payments.mesh'), 'MeshMultiZoneService/payments')
  assert.equal(meant('payments.mesh:80'), 'MeshMultiZoneService/payments')
  assert.equal(meant('payments.mesh:81'), null)
  assert.equal(meant('payments.svc.mesh.local'), 'MeshService/payments')
  assert.equal(meant('payments.svc.aws-1.mesh.local'), 'MeshService/payments-x1')
  assert.equal(meant('hello.mesh'), 'MeshService/hello-x')
  assert.equal(meant('example.com'), null)
})

test('a name that a generator gave a service comes before what the name says by itself, and goes with the status that says so', () => {
  const named = (hostname: string, isGenerated = true): Resource => {
    const generator = isGenerated ? { hostnameGeneratorRef: { coreName: 'corp' } } : {}
    return { ...aService('hello', 'azure-1'), status: { addresses: [{ hostname, origin: 'x', ...generator }] } }
  }
  const meant = (view: MeshView, host: string) => resolveHost(view, host)?.service.key ?? null
  const view = theMesh(named('hello.corp.example'))
  assert.equal(meant(view, 'hello.corp.example'), 'MeshService/hello')
  assert.equal(meant(view, 'HELLO.corp.example.:80'), 'MeshService/hello')
  assert.equal(meant(view, 'hello.corp.example:81'), null)
  assert.equal(meant(view, 'hello.svc.mesh.local'), 'MeshService/hello')

  const after = (resource: Resource) => view.with([{ kind: 'put', resource }], 2)
  assert.equal(meant(after(named('payments.mesh')), 'payments.mesh'), 'MeshService/hello')
  assert.equal(meant(after(named('payments.mesh')), 'hello.corp.example'), null)
  assert.equal(meant(after(named('payments.mesh', false)), 'payments.mesh'), 'MeshMultiZoneService/payments')
})
