import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { encodeListener } from '../../src/envoy/listener.ts'
import { typeUrls } from '../../src/envoy/resources.ts'
import { encodeVirtualHost } from '../../src/envoy/route.ts'
import {
  anApplication,
  anEndpointSet,
  anInbound,
  anOutbound,
  aProxyPlan,
  aRoute,
  aServiceCluster,
  aTcpTarget,
  aTrust,
  aVirtualHost,
} from '../../src/envoy/test-plans.ts'
import type { ListenerPlan } from '../../src/policy/plan.ts'
import type { BoundListeners } from '../../src/proxy/control/listeners.ts'
import { Control, type ControlOptions } from '../../src/proxy/control.ts'
import { Backoff } from '../../src/std/backoff.ts'
import { type Clock, ManualClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { FakeAds, RecordingDataPlane, settle, until } from './support.ts'

const identity = { chainPem: 'chain', keyPem: 'key', spiffeId: 'spiffe://a/web' }
const application = anApplication(8080)
const httpProxy: ListenerPlan = { kind: 'http-proxy', name: 'http_proxy', address: '127.0.0.1', port: 10_000 }
const outboundName = anOutbound().name

function aControl(context: TestContext, options: { ads?: FakeAds; clock?: Clock } & Partial<ControlOptions> = {}) {
  const ads = options.ads ?? new FakeAds()
  const data = new RecordingDataPlane()
  const clock = options.clock ?? new ManualClock()
  const control = new Control({
    data,
    node: { id: 'default.web-1' },
    connect: () => ads.connect(),
    clock,
    backoff: new Backoff({ baseMs: 0, maxMs: 0 }),
    log: silentLog,
    drainMs: 1000,
    ...options,
  })
  context.after(() => control.close())
  return { ads, data, clock: clock as ManualClock, control }
}

test('what is told is set in the order in which it can work: clusters, endpoints, routes, listeners', async context => {
  const { ads, data, control } = aControl(context)
  ads.publish(aProxyPlan({ listeners: [anOutbound()], clusters: [aServiceCluster()] }), { payments: anEndpointSet() })

  control.start()
  await until('the listener is set', () => data.listeners.size === 1)

  assert.deepEqual(data.news(), ['cluster payments', 'endpoints payments', `routes ${outboundName}`, `listener ${outboundName}`])
  await until('all is acknowledged', () => ads.acknowledged.length === 4)
  assert.deepEqual(ads.refused, [])
})

test('an inbound listener waits for the certificate and the bundles', async context => {
  const { ads, data, control } = aControl(context)
  const plan = aProxyPlan({ listeners: [anInbound()], clusters: [application] })
  ads.publish(plan)
  control.start()
  await until('the cluster is there', () => data.calls.includes('endpoints self_inbound_dp_main'))
  await settle()
  assert.equal(data.listeners.size, 0)

  control.setIdentity(identity)
  await settle()
  assert.equal(data.listeners.size, 0)

  ads.publish({ ...plan, trust: [aTrust()] })
  await until('the listener is set', () => data.listeners.size === 1)
})

test('routes wait for the endpoints of their clusters, but not for ever', async context => {
  const { ads, data, clock, control } = aControl(context)
  ads.publish(aProxyPlan({ listeners: [anOutbound()], clusters: [aServiceCluster()] }))
  control.start()
  await until('the routes are acknowledged', () => ads.acknowledged.includes(`RouteConfiguration ${outboundName}`))
  assert.equal(data.listeners.size, 0)

  clock.advance(5000)
  await until('the listener is set all the same', () => data.listeners.size === 1)
  assert.equal(data.routes.size, 1)
})

test('a changed route is swapped in without touching its listener', async context => {
  const { ads, data, control } = aControl(context)
  const plan = (status: number) => {
    const routes = [aRoute({ action: { kind: 'respond', status, body: '' } })]
    return aProxyPlan({ listeners: [anOutbound({ target: { protocol: 'http', virtualHost: aVirtualHost({ routes }) } })] })
  }
  ads.publish(plan(200))
  control.start()
  await until('the listener is set', () => data.listeners.size === 1)
  data.news()

  ads.publish(plan(404))
  await until('the routes came', () => data.calls.length > 0)
  await settle()

  assert.deepEqual(data.news(), [`routes ${outboundName}`])
})

test('a resource that cannot be honoured is refused, what is beside it is taken, and what was before stays', async context => {
  const { ads, data, control } = aControl(context)
  ads.publish(aProxyPlan({ listeners: [anOutbound()], clusters: [aServiceCluster()] }), { payments: anEndpointSet() })
  control.start()
  await until('the listener is set', () => data.listeners.size === 1)
  data.news()

  ads.put({ type: typeUrls.cluster, name: 'payments', bytes: Uint8Array.of(0xff) })
  ads.publish(aProxyPlan({ clusters: [aServiceCluster({ name: 'orders' })] }), { orders: anEndpointSet() })
  await until('it is refused', () => ads.refused.length === 1)
  await until('the other is in force', () => data.endpoints.has('orders'))

  assert.match(ads.refused[0]!, /^payments: not a envoy\.config\.cluster\.v3\.Cluster/)
  assert.deepEqual(
    data.news().filter(call => call.startsWith('cluster')),
    ['cluster orders'],
  )
  assert.deepEqual(
    control
      .resources()
      .filter(({ typeUrl }) => typeUrl === typeUrls.cluster)
      .map(({ name }) => name),
    ['payments', 'orders'],
  )
})

for (const protocol of ['tcp', 'http'] as const) {
  test(`a port that is taken is a refusal, and is tried again until it is free (${protocol})`, async context => {
    const bound: BoundListeners[] = []
    const { ads, data, clock, control } = aControl(context, { onBound: state => bound.push(state) })
    const target = protocol === 'http' ? anOutbound().target : aTcpTarget([{ cluster: 'payments', weight: 1 }])
    data.taken.set(10_001, 'address in use')
    ads.publish(aProxyPlan({ listeners: [anOutbound({ target })], clusters: [aServiceCluster()] }), { payments: anEndpointSet() })
    control.start()
    await until('it is refused', () => ads.refused.length === 1)
    assert.equal(ads.refused[0], `${outboundName}: address in use`)
    assert.deepEqual(bound.at(-1), { listeners: [], failures: [{ listener: outboundName, reason: 'address in use' }] })
    assert.deepEqual(
      control.resources().filter(({ typeUrl }) => typeUrl === typeUrls.listener),
      [],
    )

    data.taken.clear()
    ads.acknowledged.length = 0
    clock.advance(200)
    await until('it is acknowledged after all', () => ads.acknowledged.includes(`Listener ${outboundName}`))

    assert.deepEqual(bound.at(-1), { listeners: [outboundName], failures: [] })
    assert.equal(ads.refused.length, 1)
  })
}

test('a listener that is gone takes its routes, and a cluster its endpoints', async context => {
  const { ads, data, control } = aControl(context)
  ads.publish(aProxyPlan({ listeners: [anOutbound()], clusters: [aServiceCluster()] }), { payments: anEndpointSet() })
  control.start()
  await until('the listener is set', () => data.listeners.size === 1)

  ads.snapshot.remove(typeUrls.listener, outboundName)
  ads.snapshot.remove(typeUrls.cluster, 'payments')
  await until('the cluster is gone', () => data.calls.includes('no cluster payments'))
  await settle()

  assert(data.calls.indexOf(`no listener ${outboundName}`) < data.calls.indexOf('no cluster payments'))
  assert.deepEqual(ads.asked.slice(-2), [`no RouteConfiguration ${outboundName}`, 'no ClusterLoadAssignment payments'])
  assert.deepEqual(control.resources(), [])
})

test('a host is asked for when a request wants it, and joins the table when its cluster is warm', async context => {
  const { ads, data, control } = aControl(context)
  ads.publish(aProxyPlan({ listeners: [httpProxy] }))
  control.start()
  await until('the listener is set', () => data.listeners.size === 1)
  assert.equal(data.routes.get('http_proxy')?.onDemand, true)

  data.onHostWanted('http_proxy', 'payments.mesh')
  await until('it is asked for', () => ads.asked.includes('VirtualHost http_proxy/payments.mesh'))
  ads.publish(
    aProxyPlan({
      clusters: [aServiceCluster()],
      onDemand: [aVirtualHost({ name: 'payments.mesh', domains: ['payments.mesh'] })],
      listeners: [httpProxy],
    }),
  )
  await until('it has come', () => ads.acknowledged.includes('VirtualHost http_proxy/payments.mesh'))
  assert.equal(data.routes.get('http_proxy')?.exact.size, 0)
  ads.publishEndpoints({ payments: anEndpointSet() })

  await until('it can be served', () => data.routes.get('http_proxy')?.exact.has('payments.mesh') ?? false)
})

test('a host that nobody has is said to be missing, until there is one', async context => {
  const { ads, data, control } = aControl(context)
  ads.publish(aProxyPlan({ listeners: [httpProxy] }))
  ads.snapshot.setMissing(typeUrls.virtualHost, 'http_proxy/nobody.mesh')
  control.start()
  await until('the listener is set', () => data.listeners.size === 1)
  data.news()

  data.onHostWanted('http_proxy', 'nobody.mesh')
  await until('it is missing', () => data.calls.includes('no host nobody.mesh'))
  data.onHostWanted('http_proxy', 'nobody.mesh')
  assert.deepEqual(data.news(), ['no host nobody.mesh', 'no host nobody.mesh'])

  const host = aVirtualHost({ name: 'nobody.mesh', domains: ['nobody.mesh'], routes: [] })
  ads.put({ type: typeUrls.virtualHost, name: 'http_proxy/nobody.mesh', bytes: encodeVirtualHost('http_proxy', host) })
  await until('it is there', () => data.routes.get('http_proxy')?.exact.has('nobody.mesh') ?? false)
})

test('a proxy that starts again serves from what it had, and gets only what differs', async context => {
  const first = aControl(context)
  const plan = aProxyPlan({
    trust: [aTrust()],
    listeners: [anInbound(), anOutbound(), httpProxy],
    clusters: [application, aServiceCluster()],
  })
  first.ads.publish(plan, { payments: anEndpointSet() })
  first.control.setIdentity(identity)
  first.control.start()
  await until('all is set', () => first.data.listeners.size === 3)
  await until('all is accepted', () => first.ads.acknowledged.length === 9)
  const saved = first.control.resources()
  await first.control.close()

  const second = aControl(context, { ads: first.ads })
  second.control.setIdentity(identity)
  await second.control.restore(saved)
  assert.deepEqual([...second.data.listeners.keys()].sort(), [...first.data.listeners.keys()].sort())
  assert.deepEqual(second.data.endpoints.get('payments'), first.data.endpoints.get('payments'))
  second.data.news()
  first.ads.acknowledged.length = 0
  second.control.start()
  await until('it is connected', () => first.ads.connections === 2)
  first.ads.snapshot.remove(typeUrls.listener, outboundName)
  await until('the difference has come', () => second.data.calls.length > 0)

  assert.deepEqual(second.data.news(), [`no listener ${outboundName}`])
  assert.deepEqual(first.ads.acknowledged, [])
})

test('saved resources that this version cannot read are left out, and come again from the zone', async context => {
  const { ads, data, control } = aControl(context)
  const good = {
    typeUrl: typeUrls.listener,
    name: outboundName,
    version: 'old',
    value: encodeListener(anOutbound({ target: aTcpTarget([]) })),
  }
  ads.publish(aProxyPlan({ listeners: [anOutbound()], clusters: [aServiceCluster()] }), { payments: anEndpointSet() })

  await control.restore([good, { typeUrl: typeUrls.cluster, name: 'payments', version: 'new', value: Uint8Array.of(0xff) }])
  control.start()
  await until('the cluster came', () => data.endpoints.has('payments'))
  await until('the listener is the zone’s', () => data.listeners.get(outboundName)?.handler.kind === 'http')
})

test('a cut stream leaves everything in force, and the next one goes on', async context => {
  const { ads, data, clock, control } = aControl(context)
  ads.publish(aProxyPlan({ listeners: [anOutbound()], clusters: [aServiceCluster()] }), { payments: anEndpointSet() })
  control.start()
  await until('the listener is set', () => data.listeners.size === 1)
  data.news()

  ads.cut()
  await settle()
  clock.advance(1)
  await until('it is connected again', () => ads.connections === 2)
  ads.publishEndpoints({ payments: anEndpointSet({ groups: [] }) })
  await until('the change has come', () => data.calls.length > 0)

  assert.deepEqual(data.news(), ['endpoints payments'])
})

test('a cluster that comes back gets its endpoints again, though they are the same', async context => {
  const { ads, data, control } = aControl(context)
  const plan = aProxyPlan({ clusters: [aServiceCluster()] })
  ads.publish(plan, { payments: anEndpointSet() })
  control.start()
  await until('the endpoints are set', () => data.endpoints.has('payments'))
  ads.snapshot.remove(typeUrls.cluster, 'payments')
  await until('the cluster is gone', () => data.calls.includes('no cluster payments'))
  data.news()

  ads.publish(plan)
  await until('its endpoints are back', () => data.calls.includes('endpoints payments'))
})

test('listeners for the advertised address are bound where the user says', async context => {
  const { ads, data, control } = aControl(context, { bindAddress: ({ address }) => (address === '127.0.0.1' ? '0.0.0.0' : address) })
  ads.publish(
    aProxyPlan({
      listeners: [anOutbound({ target: aTcpTarget([{ cluster: 'payments', weight: 1 }]) })],
      clusters: [aServiceCluster()],
    }),
    {
      payments: anEndpointSet(),
    },
  )
  control.start()
  await until('the listener is set', () => data.listeners.size === 1)

  assert.equal(data.listeners.get(outboundName)?.address, '0.0.0.0')
})
