import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adapterContract } from '../adapter.contract.ts'
import { type AdapterDeps, ListAgainError, type Source } from '../adapter.ts'
import { type Reply, ScriptedPlatform, type ScriptedRequest, type World } from '../scripted-platform.ts'
import { someDeps } from '../test-support.ts'
import { consul } from './list.ts'
import { translateInstance } from './translate.ts'

const source = (address: string): Source => ({
  mesh: 'default',
  name: 'consul',
  spec: { type: 'Consul', consul: { address, datacenters: ['dc1'] } },
})
const open = (address: string, deps: AdapterDeps) => consul.open(source(address), deps)

function respond({ path }: ScriptedRequest, { names }: World): Reply {
  const headers = { 'x-consul-index': '7', 'x-consul-knownleader': 'true', 'x-consul-lastcontact': '0' }
  if (path === '/v1/catalog/services') return { headers, body: names.length > 0 ? { web: [] } : {} }
  if (path === '/v1/health/service/web') return { headers, body: names.map(anEntry) }
  return { headers, body: [] }
}

function anEntry(name: string) {
  return {
    Node: { Node: name, Address: '10.0.0.1' },
    Service: { ID: name, Service: 'web', Address: '', Port: 8080, Tags: ['team=pay'] },
    Checks: [],
  }
}

adapterContract('Consul', { script: { respond }, open, isPaged: false })

test('a check that is critical makes an instance unhealthy, and maintenance makes it drain', () => {
  const stateOf = (...checks: object[]) => {
    const { outcome } = translateInstance({ ...anEntry('a'), Checks: checks }, {}, source('x').spec)
    return outcome.kind === 'workload' ? outcome.workload.state : outcome.reason
  }

  assert.equal(stateOf({ CheckID: 'c', Name: 'http', Status: 'warning' }), 'ready')
  assert.equal(stateOf({ CheckID: 'c', Name: 'http', Status: 'critical' }), 'unhealthy')
  assert.equal(stateOf({ CheckID: '_node_maintenance', Status: 'critical' }), 'draining')
})

test('proxies of its own mesh are no workloads', () => {
  const entry = anEntry('a')

  const { outcome } = translateInstance({ ...entry, Service: { ...entry.Service, Kind: 'connect-proxy' } }, {}, source('x').spec)

  assert.deepEqual(outcome, { kind: 'left-out', reason: "it is a connect-proxy of Consul's own mesh" })
})

test('an answer of servers without a leader, or far behind it, is not complete', async () => {
  for (const [header, value] of [
    ['x-consul-knownleader', 'false'],
    ['x-consul-lastcontact', '90000'],
  ] as const) {
    await using platform = new ScriptedPlatform({
      respond: (request, world) => ({ ...respond(request, world), headers: { 'x-consul-index': '7', [header]: value } }),
    })
    platform.names = ['a', 'b']
    await using adapter = await open(await platform.start(), someDeps())
    const { scopes } = await adapter.scopes(AbortSignal.timeout(5000))

    const listing = await adapter.list(scopes[0]!, AbortSignal.timeout(5000))

    assert.equal(listing.complete, false)
    assert.equal(listing.items.length, 2)
  }
})

test('an index that moves, also backwards, asks for another listing', async () => {
  for (const now of ['8', '3']) {
    await using platform = new ScriptedPlatform({
      respond: ({ path, query }, world) => {
        const reply = respond({ path } as ScriptedRequest, world)
        return query.has('index') ? { ...reply, headers: { ...reply.headers, 'x-consul-index': now } } : reply
      },
    })
    await using adapter = await open(await platform.start(), someDeps())
    const { scopes } = await adapter.scopes(AbortSignal.timeout(5000))
    const { cursor } = await adapter.list(scopes[0]!, AbortSignal.timeout(5000))

    await assert.rejects(
      adapter.follow!(scopes[0]!, cursor, () => {}, AbortSignal.timeout(5000)),
      ListAgainError,
    )
  }
})
