import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aDraft, aZone, until } from './testing.ts'

test('a fact that leaves readiness as it is tells nobody', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  agent.tellAll()
  await until(() => zone.proxyState('web-1') === 'ready')
  const told: string[] = []
  zone.readiness.onChange = (_mesh, name) => told.push(name)

  zone.facts.update('default/web-1', facts => facts && { ...facts, exchanges: {} })
  assert.deepEqual(told, [])
  zone.facts.update('default/web-1', facts => facts && { ...facts, bound: new Set() })
  assert.deepEqual(told, ['web-1'])
})

test('a fact is compared with what followed from the newest Dataplane', async () => {
  await using zone = await aZone()
  const agent = await zone.agent({})
  agent.tellAll()
  await until(() => zone.proxyState('web-1') === 'ready')
  const facts = zone.factsOf('web-1')!
  zone.facts.set('default/web-1', { ...facts, applications: new Map([['main', { ready: false, reason: '' }]]) })
  const networking = { address: '10.0.0.1', inbound: [{ name: 'main', port: 8080, serviceProbe: { disabled: true } }] }
  await zone.put(aDraft('web-1', { networking }))
  assert.equal(zone.proxyState('web-1'), 'ready')
  const told: string[] = []
  zone.readiness.onChange = (_mesh, name) => told.push(name)

  zone.facts.set('default/web-1', { ...facts, bound: new Set() })

  assert.equal(zone.proxyState('web-1'), 'not-ready')
  assert.deepEqual(told, ['web-1'])
})
