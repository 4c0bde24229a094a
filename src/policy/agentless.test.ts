import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { Resource } from '../model/resource.ts'
import { agentlessOf } from './agentless.ts'
import { endpointSetRef, type GatewayServes, planEndpoints } from './endpoints.ts'
import type { EndpointSet, LocalityPlan } from './plan.ts'
import { planProxy } from './plan-proxy.ts'
import { anIdentity, anInstance, aRemoteZone, aResource, aService, aView } from './testing.ts'
import type { MeshView } from './view.ts'

const anywhere: LocalityPlan = { ignoreZones: false, affinity: [], failover: null, overprovisioning: 140, exact: false }

function aTask(
  name: string,
  over: { workload?: string; address?: string; state?: string; labels?: object; lambda?: object } = {},
): Resource {
  const { workload = 'shop', address = '10.1.0.1', state = 'Ready', labels = {}, lambda } = over
  const inbound = [{ name: 'http', port: 8080, protocol: 'http', state }]
  const networking = { address, inbound, ...(lambda ? { lambda } : {}) }
  return aResource('Dataplane', name, { networking } as never, { 'kuma.io/workload': workload, 'skerry.io/proxy': 'none', ...labels })
}

function aGateway(name: string, address = '10.0.0.99'): Resource {
  const listeners = [{ type: 'ZoneIngress', address: '0.0.0.0', port: 10001, name: 'zone' }]
  return aResource('Dataplane', name, { networking: { address, listeners } } as never, {
    'kuma.io/workload': name,
    'kuma.io/listener-zoneingress': 'enabled',
  })
}

function deny(name: string, labels: Record<string, string>): Resource {
  const rules = [{ default: { deny: [{ spiffeID: { type: 'Exact', value: 'spiffe://x/y' } }] } }]
  return aResource('MeshTrafficPermission', name, { targetRef: { kind: 'Dataplane', labels }, rules } as never)
}

function callers(view: MeshView, serves?: GatewayServes, locality = anywhere): EndpointSet {
  return planEndpoints(view, endpointSetRef('MeshService/shop', 'http', 'all', locality), () => 'ready', undefined, serves)
}

const shown = ({ groups }: EndpointSet) =>
  groups.flatMap(group => group.endpoints.map(({ name, address, weight }) => `${group.priority} ${name} ${address} ${weight}`))
const groupsIn = (view: MeshView) =>
  [...agentlessOf(view).groups].map(({ name, members }) => `${name}: ${members.map(it => it.dataplane.name)}`)

test('instances under the same policies are one group, and one that a policy treats otherwise is another', () => {
  const tasks = [aTask('a'), aTask('b', { address: '10.1.0.2' }), aTask('c', { labels: { version: 'v2' } })]
  assert.deepEqual(groupsIn(aView('azure-1', anIdentity(), ...tasks)), ['agentless_shop_http: a,b,c'])

  const [plain, other] = groupsIn(aView('azure-1', anIdentity(), ...tasks, deny('no', { version: 'v2' })))
  assert.equal(plain, 'agentless_shop_http: a,b')
  assert.match(other!, /^agentless_shop_http_[0-9a-f]{10}: c$/)
})

test('after any changes the groups are as if they were made anew', () => {
  const task = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    workload: fc.constantFrom('shop', 'cart'),
    proxy: fc.constantFrom('none', 'sidecar'),
    version: fc.constantFrom('v1', 'v2'),
    there: fc.boolean(),
  })
  const others = [anIdentity(), deny('no', { version: 'v2' })]
  fc.assert(
    fc.property(fc.array(fc.array(task, { maxLength: 4 }), { maxLength: 6 }), batches => {
      let view = aView('azure-1', ...others)
      for (const [index, batch] of batches.entries()) {
        const changes = batch.map(({ name, workload, proxy, version, there }) =>
          there
            ? { kind: 'put' as const, resource: aTask(name, { workload, labels: { version, 'skerry.io/proxy': proxy } }) }
            : { kind: 'delete' as const, key: { kind: 'Dataplane', name } },
        )
        view = view.with(changes, index + 2)
        const shown = (it: MeshView) =>
          [...agentlessOf(it).groups].map(({ name, members }) => [name, members.map(at => at.dataplane.name).sort()])
        assert.deepEqual(shown(view), shown(aView('azure-1', ...others, ...view.list('Dataplane'))))
        for (const dataplane of view.list('Dataplane')) {
          const group = agentlessOf(view).groupOf(dataplane, dataplane.spec.networking.inbound![0]!)
          assert.equal(
            group?.members.some(member => member.dataplane === dataplane) ?? false,
            dataplane.labels['skerry.io/proxy'] === 'none',
          )
        }
      }
    }),
  )
})

test('without an identity nobody can answer for a workload', () => {
  const view = aView('azure-1', aTask('a'), aService('shop', 'azure-1'), aGateway('gateway-1'))
  assert.deepEqual(groupsIn(view), [])
  assert.deepEqual(callers(view).groups, [])
})

test('only a zone gateway gets their listeners, each with the identity of the workload', () => {
  const view = aView('azure-1', anIdentity(), aTask('a'), aGateway('gateway-1'), anInstance('web-1', 'web'))
  const plan = (name: string) => planProxy(view, view.get('Dataplane', name) as Dataplane)

  const listeners = plan('gateway-1').listeners.flatMap(listener =>
    listener.kind === 'agentless' ? [[listener.name, listener.spiffeId]] : [],
  )
  assert.deepEqual(listeners, [['agentless_shop_http', 'spiffe://default.azure-1.mesh.local/workload/shop']])
  assert.equal(plan('gateway-1').spiffeId, 'spiffe://default.azure-1.mesh.local/workload/gateway-1')
  assert(plan('web-1').listeners.every(listener => listener.kind !== 'agentless'))
})

test('callers go to the gateways that serve them, each as heavy as the instances are many, beside those with a sidecar', () => {
  const gateways = [aGateway('gateway-1', '10.0.0.98'), aGateway('gateway-2', '10.0.0.99')]
  const view = aView('azure-1', anIdentity(), aTask('a'), aTask('b'), anInstance('c', 'shop'), aService('shop', 'azure-1'), ...gateways)

  assert.deepEqual(shown(callers(view)), ['0 c 10.0.0.1 2', '0 gateway-1 10.0.0.98 2', '0 gateway-2 10.0.0.99 2'])
  assert.deepEqual(shown(callers(view, gateway => gateway === 'gateway-2')), ['0 c 10.0.0.1 1', '0 gateway-2 10.0.0.99 2'])
  assert.deepEqual(shown(callers(view, () => false)), ['0 c 10.0.0.1 1'])
})

test('until a gateway has taken the service, callers are not told', () => {
  const service = aService('shop', 'azure-1', { state: 'Unavailable' })
  assert.deepEqual(callers(aView('azure-1', anIdentity(), aTask('a'), service, aGateway('gateway-1'))).groups, [])
})

test('the gateway itself goes to its own listeners, and those to the instances that are ready', () => {
  const tasks = [aTask('a'), aTask('b', { address: '10.1.0.2' }), aTask('c', { state: 'NotReady' })]
  const view = aView('azure-1', anIdentity(), ...tasks, anInstance('d', 'shop'), aService('shop', 'azure-1'), aGateway('gateway-1'))

  const ingress = planEndpoints(view, endpointSetRef('MeshService/shop', 'http', 'local', anywhere), () => 'ready')
  const [group] = ingress.groups
  assert.deepEqual(
    group!.endpoints.map(({ name, listener, weight }) => [name, listener, weight]),
    [
      ['agentless_shop_http', 'agentless_shop_http', 2],
      ['d', undefined, 1],
    ],
  )
  const [cluster] = planProxy(view, view.get('Dataplane', 'gateway-1') as Dataplane).clusters.filter(
    it => it.name === 'agentless_shop_http',
  )
  assert(cluster?.kind === 'service')
  assert.deepEqual(shown(planEndpoints(view, cluster.endpoints, () => 'ready')), ['0 a 10.1.0.1 1', '0 b 10.1.0.2 1'])
})

test('another zone comes after the own, whose instances have no proxy', () => {
  const own = [anIdentity(), aTask('a'), aService('shop', 'azure-1'), aGateway('gateway-1')]
  const union = aResource('MeshMultiZoneService', 'shop', {
    selector: { meshService: { matchLabels: { 'kuma.io/display-name': 'shop' } } },
    ports: [{ name: 'http', port: 80, appProtocol: 'http' }],
  } as never)
  const view = aView('azure-1', ...own, ...aRemoteZone('aws-1'), aService('shop', 'aws-1', { storedName: 'shop-of-aws' }), union)

  const set = planEndpoints(view, endpointSetRef('MeshMultiZoneService/shop', 'http', 'all', anywhere), () => 'ready')
  assert.deepEqual(
    set.groups.map(({ priority, zone }) => [priority, zone]),
    [
      [0, 'azure-1'],
      [1, 'aws-1'],
    ],
  )
})

test('a change of what has nothing to do with them gives the same answer, the same object, and an instance more the same listener', () => {
  const view = aView('azure-1', anIdentity(), aTask('a'), aService('shop', 'azure-1'))
  const [before] = agentlessOf(view).groups

  assert.equal(agentlessOf(view.with([{ kind: 'put', resource: aService('other', 'azure-1') }], 2)), agentlessOf(view))
  const [after] = agentlessOf(view.with([{ kind: 'put', resource: aTask('b') }], 3)).groups
  assert.equal(after!.listener, before!.listener)
  assert.equal(after!.members.length, 2)
})

test('a function is a cluster of its own kind', () => {
  const lambda = { arn: 'arn:aws:lambda:eu-west-1:123456789012:function:shop', region: 'eu-west-1', payload: 'http-2.0' }
  const [group] = agentlessOf(aView('azure-1', anIdentity(), aTask('a', { lambda }))).groups

  assert.equal(group!.cluster.kind, 'lambda')
  assert.deepEqual(group!.listener.lambda, lambda)
})
