import assert from 'node:assert/strict'
import { test } from 'node:test'
import { typeUrls } from '../envoy/resources.ts'
import { aDraft, aZone, turns, until } from './testing.ts'

const caller = {
  address: '10.0.0.2',
  inbound: [{ name: 'main', port: 8080, servicePort: 80, protocol: 'http' }],
  outbound: [{ port: 9001, backendRef: { name: 'payments' } }],
  httpProxy: { port: 3128 },
}

async function aZoneWithCaller() {
  const zone = await aZone()
  await zone.put(aDraft('web-1', { networking: caller }), aDraft('payments-1', { workload: 'payments' }))
  await zone.derived.settled()
  return zone
}

test('a proxy gets its configuration when its token and its Dataplane agree', async () => {
  await using zone = await aZoneWithCaller()

  const proxy = await zone.proxy({ name: 'web-1' })

  await until(() => proxy.held(typeUrls.listener).length === 3)
  assert.deepEqual(proxy.held(typeUrls.listener).sort(), ['http_proxy', 'kri_msvc_default_east__payments_main', 'self_inbound_dp_main'])
  await until(() => proxy.held(typeUrls.endpoints).includes('kri_msvc_default_east__payments_main'))
  await proxy.close()
})

test('who does not hold the token of the Dataplane gets nothing', async () => {
  await using zone = await aZoneWithCaller()
  const statusOf = async (options: Parameters<typeof zone.proxy>[0]) => {
    const proxy = await zone.proxy(options)
    await proxy.served
    await until(() => proxy.status !== null)
    assert.deepEqual(proxy.updates, [])
    return `${proxy.status!.code} ${/SKERRY_\w+/.exec(proxy.status!.message)?.[0] ?? ''}`.trim()
  }

  assert.equal(await statusOf({ name: 'web-1', token: 'nonsense' }), 'UNAUTHENTICATED SKERRY_TOKEN_MALFORMED')
  assert.equal(await statusOf({ name: 'web-1', claims: { mesh: 'other' } }), 'PERMISSION_DENIED SKERRY_TOKEN_OTHER_MESH')
  const payments = { mesh: 'default', workload: 'payments' }
  assert.equal(await statusOf({ name: 'web-1', claims: payments }), 'PERMISSION_DENIED SKERRY_TOKEN_OTHER_WORKLOAD')
  assert.equal(await statusOf({ name: '' }), 'INVALID_ARGUMENT')
})

test('a stream that comes before its Dataplane waits for it, but not for ever', async () => {
  await using zone = await aZone()
  const proxy = await zone.proxy({ name: 'web-1' })
  await turns()
  await zone.put(aDraft('web-1'))
  await until(() => proxy.held(typeUrls.listener).length === 1)
  await proxy.close()

  const { timers } = zone.clock
  const forgotten = await zone.proxy({ name: 'web-2' })
  await until(() => zone.clock.timers > timers)
  await zone.clock.run(10_000)
  await forgotten.served
  await until(() => forgotten.status !== null)
  assert.equal(forgotten.status?.code, 'NOT_FOUND')
})

test('a stream that ends while it waits leaves no timer behind', async () => {
  await using zone = await aZone()
  const before = zone.clock.timers
  const proxy = await zone.proxy({ name: 'web-1' })
  await until(() => zone.clock.timers > before)

  await proxy.close()

  assert.equal(zone.clock.timers, before)
})

test('a stream of another process ends the one before, one of the same process does not', async () => {
  await using zone = await aZoneWithCaller()
  const first = await zone.proxy({ name: 'web-1', instanceId: 'process-1' })
  await until(() => first.held(typeUrls.listener).length > 0)

  const same = await zone.proxy({ name: 'web-1', instanceId: 'process-1' })
  await until(() => same.held(typeUrls.listener).length > 0)
  assert.equal(first.status, null)

  const other = await zone.proxy({ name: 'web-1', instanceId: 'process-2' })
  await until(() => other.held(typeUrls.listener).length > 0)
  await until(() => same.status !== null)
  assert.equal(same.status?.code, 'ABORTED')
  for (const proxy of [first, other]) await proxy.close()
})

test('a host that is asked for becomes a virtual host, an unknown one is said to stand for nothing', async () => {
  await using zone = await aZoneWithCaller()
  const proxy = await zone.proxy({ name: 'web-1' })

  proxy.subscribe(typeUrls.virtualHost, 'http_proxy/payments.mesh', 'http_proxy/nowhere.mesh')

  await until(() => proxy.held(typeUrls.virtualHost).includes('http_proxy/payments.mesh'))
  await until(() => proxy.missing(typeUrls.virtualHost).includes('http_proxy/nowhere.mesh'))
  await proxy.close()
})

test('a host that stood for nothing is answered when its service comes', async () => {
  await using zone = await aZoneWithCaller()
  const proxy = await zone.proxy({ name: 'web-1' })
  proxy.subscribe(typeUrls.virtualHost, 'http_proxy/orders.mesh')
  await until(() => proxy.missing(typeUrls.virtualHost).length === 1)

  await zone.put(aDraft('orders-1', { workload: 'orders' }))

  await until(() => proxy.held(typeUrls.virtualHost).includes('http_proxy/orders.mesh'))
  await proxy.close()
})

test('a refusal is kept with its reason until the proxy accepts that type again', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  await agent.next('registered')
  let reason: string | null = 'port 8080 is taken'
  const proxy = await zone.proxy({ name: 'web-1', refuse: ({ typeUrl }) => (typeUrl === typeUrls.listener ? reason : null) })

  await until(() => zone.factsOf('web-1')?.refusals.length === 1)
  assert.deepEqual(
    zone.factsOf('web-1')?.refusals.map(({ type, reason }) => [type, reason]),
    [['lds', 'port 8080 is taken']],
  )
  assert.equal(zone.factsOf('web-1')?.acknowledged, null)
  assert.equal(zone.factsOf('web-1')?.exchanges.lds?.rejected, 1)

  reason = null
  proxy.subscribe(typeUrls.listener, 'self_inbound_dp_main')
  await until(() => zone.factsOf('web-1')?.refusals.length === 0)
  assert.equal(zone.factsOf('web-1')?.acknowledged, 1)
  await proxy.close()
})

test('acknowledging what is well is no news', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  await agent.next('registered')
  const before = zone.factsOf('web-1')?.refusals
  const proxy = await zone.proxy({ name: 'web-1' })

  await until(() => zone.factsOf('web-1')?.exchanges.lds?.acknowledged === 1)

  assert.equal(zone.factsOf('web-1')?.refusals, before)
  await proxy.close()
})

test('a proxy that cannot be planned is refused: with nothing in it, its configuration would be taken away', async () => {
  await using zone = await aZone()
  const networking = { address: '10.0.0.1', listeners: [null] }
  await zone.registry.commit([{ kind: 'put', draft: { ...aDraft('web-1'), spec: { networking } } }])

  const proxy = await zone.proxy({ name: 'web-1' })
  await proxy.served
  await until(() => proxy.status !== null)

  assert.equal(proxy.status?.code, 'INTERNAL')
  assert.deepEqual(proxy.updates, [])
})

test('an Envoy is told in its own words where its certificate is, the built-in proxy is not', async () => {
  await using zone = await aZoneWithCaller()
  const listenerOf = async (userAgentName: string) => {
    const proxy = await zone.proxy({ name: 'web-1', userAgentName })
    const listeners = () => proxy.updates.filter(({ typeUrl }) => typeUrl === typeUrls.listener).flatMap(update => update.added)
    const inbound = () => listeners().find(({ name }) => name === 'self_inbound_dp_main')
    await until(() => inbound() !== undefined)
    await proxy.close()
    return Buffer.from(inbound()!.value!).toString('latin1')
  }

  assert.match(await listenerOf('envoy'), /skerry_agent/)
  assert.doesNotMatch(await listenerOf('skerry'), /skerry_agent/)
})
