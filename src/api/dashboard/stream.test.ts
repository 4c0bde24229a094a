import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openEvents } from '../testing-events.ts'
import { aProxy, aService, aStrategy } from './testing.ts'
import { aTwoZoneMesh, root } from './testing-api.ts'

test('one stream tells what changes, by topic, as the lists show it', async () => {
  await using mesh = await aTwoZoneMesh()
  const { revision } = await mesh.get('/summary', 'Summary')
  await using events = await openEvents(mesh.api, `${root}/stream?topics=summary,services,proxies`)
  const ready = await events.next()
  assert.deepEqual([ready.event, ready.data.revision], ['ready', revision])
  assert.equal((await events.next()).event, 'summary')

  await mesh.put(aService('payments', 0, 2))
  await mesh.clock.run(200)
  const changed = await events.next()
  assert.equal(changed.event, 'services')
  assert.deepEqual(changed.data.put, [(await mesh.get('/services/default/payments', 'ServiceItem')).item])
  const summary = await events.next()
  assert.deepEqual([summary.event, summary.data.counts.services.degraded], ['summary', 1])

  await mesh.remove(aProxy('pay-1', { zone: 'azure-1' }))
  await mesh.clock.run(200)
  const { event, data } = await events.next()
  assert.deepEqual([event, data.put, data.deleted], ['proxies', [], ['default/pay-1-azure-1']])
})

test('a stream goes on from a revision, or says that it cannot', async () => {
  await using mesh = await aTwoZoneMesh()
  const { revision } = await mesh.get('/services', 'ServicePage')
  await mesh.put(aService('orders', 1, 1))
  await mesh.put(aService('orders', 1, 2))

  await using resumed = await openEvents(mesh.api, `${root}/stream?topics=services&from=${revision}`)
  assert.equal((await resumed.next()).event, 'ready')
  const { event, id, data } = await resumed.next()
  assert.deepEqual([event, data.put.map((it: { name: string; total: number }) => [it.name, it.total])], ['services', [['orders', 2]]])
  assert.equal(id, data.revision)

  await using other = await openEvents(mesh.api, `${root}/stream?topics=services`, { 'last-event-id': 'other.7' })
  const resync = await other.next()
  assert.deepEqual([resync.event, resync.data.code], ['resync', 'SKERRY_RESYNC'])
  await mesh.put(aService('orders', 2, 2))
  await mesh.clock.run(200)
  assert.equal((await other.next()).event, 'services')

  const { status, body } = await mesh.api.get(`${root}/stream?topics=sevices`)
  assert.deepEqual([status, body.invalid_parameters[0].field], [400, 'topics'])
})

test('a policy that orders zones has services read again, and the stream ends with the API', async () => {
  const mesh = await aTwoZoneMesh()
  await using events = await openEvents(mesh.api, `${root}/stream?topics=services`)
  await events.next()
  await mesh.put(aStrategy('any', 'payments', [{ to: { type: 'Any' } }]))
  await mesh.clock.run(200)
  assert.equal((await events.next()).data.reload, true)

  const ended = events.ended()
  await mesh[Symbol.asyncDispose]()
  assert.equal(await ended, true)
})
