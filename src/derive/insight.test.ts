import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindByName } from '../model/kinds/index.ts'
import { checkSpec } from '../model/validate.ts'
import { unknownZone } from './facts.ts'
import { dataplaneInsight, zoneInsight } from './insight.ts'
import { readiness } from './readiness.ts'
import { aDataplane, goodFacts } from './test-support.ts'

const violations = (kind: string, spec: unknown) => checkSpec(kindByName(kind)!, spec).violations

test("a proxy's facts read as Kuma's DataplaneInsight", () => {
  const facts = goodFacts({
    connections: [
      { id: 'c0', controlPlaneId: 'cp-0', connectedAtMs: 0, disconnectedAtMs: 500 },
      { id: 'c1', controlPlaneId: 'cp-1', connectedAtMs: 1000, disconnectedAtMs: null },
    ],
    exchanges: {
      cds: { sent: 3, acknowledged: 2, rejected: 1, lastUpdateMs: 2000 },
      lds: { sent: 1, acknowledged: 1, rejected: 0, lastUpdateMs: 1500 },
    },
    refusals: [{ type: 'cds', atMs: 2000, reason: 'no such cluster' }],
  })
  const insight = dataplaneInsight(facts, readiness(aDataplane('web-1', { inbound: [{ port: 8080, name: 'main' }] }).spec, facts))

  assert.deepEqual(violations('DataplaneInsight', insight), [])
  assert.deepEqual(insight.subscriptions?.[0], {
    id: 'c0',
    controlPlaneInstanceId: 'cp-0',
    connectTime: '1970-01-01T00:00:00.000Z',
    disconnectTime: '1970-01-01T00:00:00.500Z',
    generation: 1,
    status: {},
  })
  assert.deepEqual(insight.subscriptions?.[1]?.status, {
    lastUpdateTime: '1970-01-01T00:00:02.000Z',
    total: { responsesSent: 4, responsesAcknowledged: 3, responsesRejected: 1 },
    cds: { responsesSent: 3, responsesAcknowledged: 2, responsesRejected: 1 },
    lds: { responsesSent: 1, responsesAcknowledged: 1, responsesRejected: 0 },
  })
  assert.equal(insight.mTLS?.certificateExpirationTime, '1970-01-02T00:00:01.000Z')
  assert.deepEqual(insight.readiness, [{ inbound: 'main', ready: true }])
  assert.deepEqual(insight.refusals, [{ type: 'cds', time: '1970-01-01T00:00:02.000Z', reason: 'no such cluster' }])
})

test('a proxy that never connected has an insight too', () => {
  const facts = goodFacts({ connections: [], certificate: null, instanceId: '' })
  const insight = dataplaneInsight(facts, readiness(aDataplane('web-1', { inbound: [{ port: 8080, name: 'main' }] }).spec, facts))

  assert.deepEqual(violations('DataplaneInsight', insight), [])
  assert.deepEqual(insight, { subscriptions: [], readiness: [{ inbound: 'main', ready: false, reason: 'its proxy has not connected' }] })
})

test("a zone's facts read as Kuma's ZoneInsight", () => {
  const insight = zoneInsight({
    ...unknownZone,
    connections: [{ id: 'z1', controlPlaneId: 'global-1', connectedAtMs: 0, disconnectedAtMs: null }],
    zoneInstanceId: 'east-1',
    version: '0.1.0',
    exchanges: new Map([['MeshService', { sent: 2, acknowledged: 2, rejected: 0, lastUpdateMs: 10 }]]),
    lastBeatMs: 1000,
    behind: ['Mesh'],
    proxies: { connected: 2, ready: 1, total: 3 },
  })

  assert.deepEqual(violations('ZoneInsight', insight), [])
  assert.deepEqual(insight.healthCheck, { time: '1970-01-01T00:00:01.000Z' })
  assert.deepEqual(insight.sync, { inSync: false, behind: ['Mesh'] })
  assert.deepEqual(insight.subscriptions?.[0]?.status?.stat, {
    MeshService: { responsesSent: 2, responsesAcknowledged: 2, responsesRejected: 0 },
  })
})

test('a proxy that has accepted no listener is marked as such while it is connected', () => {
  const spec = aDataplane('web-1', { inbound: [{ port: 8080, name: 'main' }] }).spec
  const configuration = (facts: ReturnType<typeof goodFacts>) => dataplaneInsight(facts, readiness(spec, facts)).metadata?.configuration
  const open = { id: 'c', controlPlaneId: 'cp', connectedAtMs: 1, disconnectedAtMs: null }

  assert.equal(configuration(goodFacts({ connections: [open], acknowledged: null })), 'stale')
  assert.equal(configuration(goodFacts({ connections: [open], acknowledged: 1 })), undefined)
  assert.equal(configuration(goodFacts({ connections: [{ ...open, disconnectedAtMs: 2 }], acknowledged: null })), undefined)
})
