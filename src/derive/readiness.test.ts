import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Inbound, isAgentless } from '../model/kinds/dataplane.ts'
import type { DataplaneFacts } from './facts.ts'
import { readiness } from './readiness.ts'
import { aDataplane, goodFacts } from './test-support.ts'

function check(facts: Partial<DataplaneFacts> | undefined, expected: string, inbound: Partial<Inbound> = {}): void {
  const dataplane = aDataplane('web-1', { inbound: [{ port: 8080, name: 'main', ...inbound }] })
  const { state, reason } = readiness(dataplane.spec, facts === undefined ? undefined : goodFacts(facts)).inbounds.get('main')!
  assert.equal(reason === '' ? state : `${state}: ${reason}`, expected)
}

test('an instance is ready when its proxy is and its application answers', () => {
  check({}, 'ready')
})

test('an instance is not ready while anything of it is missing', () => {
  const closed = { id: 'c1', controlPlaneId: 'cp-1', connectedAtMs: 1000, disconnectedAtMs: 2000 }
  check({ connections: [] }, 'not-ready: its proxy has not connected')
  check({ connections: [closed] }, 'not-ready: its proxy is disconnected')
  check({ certificate: null }, 'not-ready: its proxy has no certificate')
  check({ trusts: false }, 'not-ready: its proxy has not accepted its trust bundles')
  check({ acknowledged: null }, 'not-ready: its proxy has not accepted its listeners')
  check({ bound: new Set() }, 'not-ready: its proxy has not bound self_inbound_dp_main')
  check({ applications: new Map() }, 'not-ready: its application has not been asked yet')
})

test('what failed says why', () => {
  check(
    { applications: new Map([['main', { ready: false, reason: 'connection refused' }]]) },
    'not-ready: its application does not answer: connection refused',
  )
  check(
    { bound: new Set(), bindFailures: new Map([['self_inbound_dp_main', 'EADDRINUSE']]) },
    'not-ready: its proxy could not bind self_inbound_dp_main: EADDRINUSE',
  )
  check(
    { trusts: false, refusals: [{ type: 'sds', atMs: 1, reason: 'no certificate in it' }] },
    'not-ready: its proxy refused its trust bundles: no certificate in it',
  )
  check(
    { acknowledged: null, refusals: [{ type: 'lds', atMs: 1, reason: 'no such filter' }] },
    'not-ready: its proxy refused its listeners: no such filter',
  )
})

test('a proxy that reconnects is ready again', () => {
  const connection = { id: 'c1', controlPlaneId: 'cp-1', connectedAtMs: 1000, disconnectedAtMs: 2000 }
  check({ connections: [connection, { ...connection, id: 'c2', disconnectedAtMs: null }] }, 'ready')
})

test('a refusal of a later configuration leaves it ready: the last accepted one is in force', () => {
  check({ refusals: [{ type: 'lds', atMs: 1, reason: 'no such filter' }] }, 'ready')
})

test('a draining instance gets no new requests and is not dead', () => {
  check({ draining: true }, 'draining: its proxy is stopping')
})

test('an application that is never asked counts as healthy', () => {
  check({ applications: new Map() }, 'ready', { serviceProbe: { disabled: true } })
})

test('without an agent the state in the Dataplane decides', () => {
  check(undefined, 'ready')
  check(undefined, 'not-ready: its state is NotReady', { state: 'NotReady' })
  check(undefined, 'not-ready: its state is Ignored', { state: 'Ignored' })
  check(undefined, 'not-ready: its state is NotReady', { health: { ready: false } })
  assert.equal(isAgentless({ labels: { 'skerry.io/proxy': 'none' } }), true)
})

test('a state that says not ready overrules an agent', () => {
  check({}, 'not-ready: its state is NotReady', { state: 'NotReady' })
})

test('one inbound may be ready and another not', () => {
  const { inbounds } = readiness(
    aDataplane('web-1', {
      inbound: [
        { port: 8080, name: 'main' },
        { port: 9090, name: 'admin' },
      ],
    }).spec,
    goodFacts(),
  )

  assert.deepEqual([inbounds.get('main')?.state, inbounds.get('admin')?.state], ['ready', 'not-ready'])
})

test('a zone gateway is ready by its listener', () => {
  const { spec } = aDataplane('gateway', { listeners: [{ type: 'ZoneIngress', address: '10.0.0.1', port: 10001 }] })

  assert.equal(
    readiness(spec, goodFacts({ bound: new Set(['zone_ingress_10001']) })).zoneListeners.get('zone_ingress_10001')?.state,
    'ready',
  )
  assert.equal(readiness(spec, goodFacts()).zoneListeners.get('zone_ingress_10001')?.state, 'not-ready')
})
