import assert from 'node:assert/strict'
import { test } from 'node:test'
import { typeUrls } from '../envoy/resources.ts'
import type { Resource } from '../model/resource.ts'
import type { InstanceState } from '../policy/endpoints.ts'
import { aMultiZoneService, anAcknowledgement, anIdentity, anInstance, aRemoteZone, aService } from '../policy/testing.ts'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry } from '../registry/registry.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import type { Snapshot } from '../xds/snapshot.ts'
import { Reconciler } from './reconcile.ts'
import { TrustCounts } from './trust/trust-counts.ts'

async function aReconciler(stateOf: InstanceState, ...resources: Resource[]) {
  const registry = await Registry.open(new MemoryStore(), { clock: systemClock, log: silentLog })
  const put = (...more: Resource[]) => registry.commit(more.map(draft => ({ kind: 'put', draft })))
  await put(...resources)
  const reconciler = new Reconciler({
    registry,
    zone: 'azure-1',
    stateOf,
    doubt: () => () => null,
    trust: new TrustCounts(systemClock),
    clock: systemClock,
    log: silentLog,
  })
  return { registry, reconciler, put, turn: () => new Promise(resolve => setImmediate(resolve)) }
}

/** Every change of a snapshot from now on, as `short type name`. */
function changesOf(snapshot: Snapshot): string[] {
  const seen: string[] = []
  snapshot.watch((type, name) => seen.push(`${Object.entries(typeUrls).find(([, url]) => url === type)?.[0]} ${name}`))
  return seen
}

const web = anInstance('web-1', 'web', {
  port: 8000,
  outbound: [
    { port: 9001, backendRef: { name: 'payments' } },
    { port: 9002, backendRef: { name: 'orders' } },
  ],
})
const idle = anInstance('idle-1', 'idle', { port: 8001 })
const mesh = [
  anIdentity(),
  aService('payments', 'azure-1'),
  aService('orders', 'azure-1'),
  aMultiZoneService('payments'),
  web,
  idle,
  anInstance('payments-1', 'payments'),
  anInstance('orders-1', 'orders', { port: 8081 }),
]

test('a change of readiness touches the endpoints of that service at its callers, and nothing else', async () => {
  let state: ReturnType<InstanceState> = 'not-ready'
  const { reconciler, turn } = await aReconciler(() => state, ...mesh)
  const caller = reconciler.open('default', 'web-1')
  const bystander = reconciler.open('default', 'idle-1')
  const [atCaller, atBystander] = [changesOf(caller.snapshot), changesOf(bystander.snapshot)]

  state = 'ready'
  reconciler.readinessChanged('default', 'payments-1')
  await turn()

  assert.deepEqual(atCaller, ['endpoints kri_mzsvc_default___payments_http'])
  assert.deepEqual(atBystander, [])
})

test('callers that see a service alike share the bytes of its endpoints', async () => {
  const second = anInstance('web-2', 'web', { port: 8002, outbound: [{ port: 9003, backendRef: { name: 'payments' } }] })
  const { reconciler } = await aReconciler(() => 'ready', ...mesh, second)
  const [a, b] = [reconciler.open('default', 'web-1'), reconciler.open('default', 'web-2')]
  const endpoints = (snapshot: Snapshot) => snapshot.get(typeUrls.endpoints, 'kri_mzsvc_default___payments_http')
  assert.ok(endpoints(a.snapshot))
  assert.equal(endpoints(a.snapshot), endpoints(b.snapshot))
})

test('a proxy that waits for a service gets it when it appears', async () => {
  const { reconciler, put, turn } = await aReconciler(() => 'ready', anIdentity(), web)
  const { snapshot } = reconciler.open('default', 'web-1')
  assert.equal([...snapshot.wildcard(typeUrls.cluster)].length, 1)

  await put(aService('orders', 'azure-1'))
  await turn()

  assert.ok(snapshot.get(typeUrls.cluster, 'kri_msvc_default_azure-1__orders_http'))
})

test('a host that an application asks for becomes a virtual host, an unknown one is said to be missing', async () => {
  const proxied = anInstance('web-3', 'web', { port: 8003, httpProxy: 3128 })
  const { reconciler, turn } = await aReconciler(() => 'ready', ...mesh, proxied)
  const proxy = reconciler.open('default', 'web-3')

  proxy.setAsked(new Set(['payments.mesh', 'nowhere.mesh']))
  await turn()

  assert.equal(typeof proxy.snapshot.get(typeUrls.virtualHost, 'http_proxy/payments.mesh'), 'object')
  assert.equal(proxy.snapshot.get(typeUrls.virtualHost, 'http_proxy/nowhere.mesh'), 'missing')
})

test('another zone’s instances come in when its address and the acknowledgements of both zones are there', async () => {
  const { reconciler, put, turn } = await aReconciler(() => 'ready', ...mesh, aService('payments', 'aws-1', { storedName: 'payments-x' }))
  const caller = reconciler.open('default', 'web-1')
  const seen = changesOf(caller.snapshot)

  await put(...aRemoteZone('aws-1'))
  await turn()
  assert.deepEqual(seen, ['secret trust'])

  await put(anAcknowledgement('azure-1', ['azure-1', 'aws-1']))
  await turn()
  assert.deepEqual(seen, ['secret trust', 'endpoints kri_mzsvc_default___payments_http'])
})

test('what another zone acknowledges touches the endpoints of its services only', async () => {
  const { reconciler, put, turn } = await aReconciler(
    () => 'ready',
    ...mesh,
    aService('payments', 'aws-1', { storedName: 'payments-x' }),
    aService('orders', 'gcp-1', { storedName: 'orders-x' }),
    aMultiZoneService('orders'),
    ...aRemoteZone('aws-1'),
    ...aRemoteZone('gcp-1', 10002),
    anAcknowledgement('azure-1', ['azure-1', 'aws-1', 'gcp-1']),
  )
  const caller = reconciler.open('default', 'web-1')
  const seen = changesOf(caller.snapshot)

  await put(anAcknowledgement('aws-1', ['aws-1']))
  await turn()

  assert.deepEqual(seen, ['endpoints kri_mzsvc_default___payments_http'])
})

test('callersKnow waits for every caller’s acknowledgement of the endpoints as they are', async () => {
  let state: ReturnType<InstanceState> = 'ready'
  const { reconciler } = await aReconciler(() => state, ...mesh)
  const caller = reconciler.open('default', 'web-1')
  const cluster = 'kri_mzsvc_default___payments_http'

  state = 'draining'
  reconciler.readinessChanged('default', 'payments-1')
  const known = reconciler.callersKnow('default', 'payments-1', 5000)
  const current = caller.snapshot.get(typeUrls.endpoints, cluster)
  assert.ok(typeof current === 'object')
  caller.acknowledged(typeUrls.endpoints, new Map([[cluster, current.version]]))

  assert.equal(await known, true)
  assert.equal(await reconciler.callersKnow('default', 'orders-1', 10), false)
})

test('what a closed proxy was subscribed to is let go', async () => {
  const { reconciler, turn } = await aReconciler(() => 'ready', ...mesh)
  const caller = reconciler.open('default', 'web-1')
  const seen = changesOf(caller.snapshot)
  caller.close()

  reconciler.readinessChanged('default', 'payments-1')
  await turn()

  assert.deepEqual(seen, [])
})
