import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adapterContract } from '../adapter.contract.ts'
import type { World } from '../scripted-platform.ts'
import { ScriptedPlatform } from '../scripted-platform.ts'
import { someDeps } from '../test-support.ts'
import { eureka } from './list.ts'
import { hashcodeOf, translateInstance } from './translate.ts'

function applications(names: readonly string[], counted = new Set(names).size) {
  const instance = names.map(name => ({
    instanceId: name,
    app: 'WEB',
    vipAddress: 'web',
    ipAddr: '10.0.0.1',
    status: 'UP',
    port: { $: 8080, '@enabled': 'true' },
  }))
  return {
    applications: {
      apps__hashcode: counted === 0 ? '' : `UP_${counted}_`,
      application: names.length > 0 ? [{ name: 'WEB', instance }] : [],
    },
  }
}

const open = (url: string) =>
  eureka.open({ mesh: 'default', name: 'eureka', spec: { type: 'Eureka', eureka: { url: `${url}/eureka` } } }, someDeps())

adapterContract('Eureka', {
  script: { respond: (_, { names }: World) => ({ body: applications(names) }) },
  open,
  isPaged: false,
})

test('an answer with fewer instances than the server counts is not complete', async () => {
  await using platform = new ScriptedPlatform({ respond: (_, { names }) => ({ body: applications(names, 5) }) })
  platform.names = ['a', 'b']
  await using adapter = await open(await platform.start())
  const signal = AbortSignal.timeout(10_000)

  const listing = await adapter.list((await adapter.scopes(signal)).scopes[0]!, signal)

  assert.deepEqual(listing.missing, ['the server counts UP_5_, the answer has UP_2_'])
})

test('states are counted in the order of their names', () => {
  assert.equal(hashcodeOf([{ status: 'UP' }, { status: 'DOWN' }, { status: 'UP' }]), 'DOWN_1_UP_2_')
})

test('what is out of service drains, and what is down is unhealthy', () => {
  const stateOf = (status: string) => {
    const { outcome } = translateInstance(
      { app: 'WEB', instanceId: 'a', ipAddr: '10.0.0.1', status, port: { $: 80, '@enabled': true } },
      { type: 'Eureka' },
    )
    return outcome.kind === 'workload' ? outcome.workload.state : outcome.reason
  }

  assert.deepEqual(['UP', 'STARTING', 'OUT_OF_SERVICE', 'DOWN'].map(stateOf), ['ready', 'starting', 'draining', 'unhealthy'])
})
