import assert from 'node:assert/strict'
import { test } from 'node:test'
import { typeUrls } from '../envoy/resources.ts'
import { silentLog } from '../std/log.ts'
import { openDashboard } from './dashboard.ts'
import { aZone, type TestZone, turns, until } from './testing.ts'

async function aShownZone() {
  const zone = await aZone()
  const { registry, clock } = zone
  const model = openDashboard({ registry, core: zone, zone: zone.zone, instanceId: 'cp-1', clock, log: silentLog })
  return {
    zone,
    model,
    row: () => {
      model.settle()
      return model.proxies.table.get('default/web-1')
    },
    codes: () => {
      model.settle()
      return [...model.problems.table.values()].map(({ code }) => code)
    },
    events: () => [...model.events.table.values()].map(({ type }) => type),
    [Symbol.asyncDispose]: async () => {
      model.close()
      await zone[Symbol.asyncDispose]()
    },
  }
}

/** The agent has told everything, and its proxy has its configuration. */
async function aRunningProxy(zone: TestZone, refuse?: Parameters<TestZone['proxy']>[0]['refuse']) {
  const agent = await zone.agent({})
  await agent.next('registered')
  agent.tellAll()
  await agent.next('certificate')
  const proxy = await zone.proxy({ name: 'web-1', ...(refuse ? { refuse } : {}) })
  await until(() => proxy.updates.some(({ typeUrl }) => typeUrl === typeUrls.listener))
  await turns()
  return { agent, proxy }
}

test('a zone tells of its proxies from live facts, before anything of them is written: up, and gone again', async () => {
  await using shown = await aShownZone()
  const { agent, proxy } = await aRunningProxy(shown.zone)

  await until(() => shown.row()?.state === 'SYNCED' && shown.row()?.ready === true)
  assert.ok(Date.parse(shown.row()!.certificate!.notAfter) > shown.zone.clock.now())
  assert.deepEqual([shown.row()?.version, shown.row()?.engine, shown.row()?.role], ['1.0.0', 'skerry', 'sidecar'])
  assert.deepEqual(shown.codes(), [])
  assert.deepEqual(shown.model.describe(), { total: 1, connected: 1, ready: 1 })

  await agent.breakOff()
  assert.equal(shown.row()?.state, 'OFFLINE')
  assert.deepEqual(shown.codes(), ['SKERRY_PROXY_OFFLINE'])
  assert.ok(shown.events().includes('proxy.disconnected'))
  await proxy.close()
})

test('what a proxy refuses is told in its own words', async () => {
  await using shown = await aShownZone()
  const { agent, proxy } = await aRunningProxy(shown.zone, ({ typeUrl }) =>
    typeUrl === typeUrls.listener ? 'listener web: no such thing' : null,
  )

  await until(() => shown.row()?.state === 'NACKED')
  assert.deepEqual(
    shown.row()?.refused.map(({ type, reason }) => [type, reason.includes('no such thing')]),
    [['lds', true]],
  )
  assert.ok(shown.codes().includes('SKERRY_PROXY_NACKED'))
  assert.ok(shown.events().includes('proxy.refused'))
  await proxy.close()
  await agent.breakOff()
})
