import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aRoot } from '../../identity/test-support.ts'
import { aCapacity, aMesh, anInsight, aProxy, aService, aStrategy, aUnion, aZone, inZone } from './testing.ts'
import { anApiOver, aTwoZoneMesh, root } from './testing-api.ts'

test('when all is well there are no problems, and everything is counted', async () => {
  await using mesh = await aTwoZoneMesh()
  await mesh.clock.run(60_001)
  const summary = await mesh.get('/summary', 'Summary')

  assert.deepEqual(summary.problems, [])
  assert.equal(summary.mode, 'global')
  const { zones, services, proxies, meshes, workloads } = summary.counts
  assert.deepEqual(
    [zones.online, zones.silent, services.available, proxies.synced, proxies.ready, meshes, workloads],
    [2, 0, 1, 2, 2, 1, 1],
  )
})

test('a zone that falls silent is the first problem, and what it told last is no news of its proxies and services', async () => {
  await using mesh = await aTwoZoneMesh()
  await mesh.clock.run(30_000)
  mesh.link('aws-1', { connected: false, lastHeard: mesh.clock.now() - 5_000, lastError: 'UNAVAILABLE: the connection was lost' })

  const { problems, counts } = await mesh.get('/summary', 'Summary')
  assert.deepEqual(
    problems.map((it: { code: string; severity: string }) => [it.code, it.severity]),
    [['SKERRY_ZONE_SILENT', 'critical']],
  )
  assert.match(problems[0].cause, /^it is not connected, last heard at .*: UNAVAILABLE: the connection was lost$/)
  assert.deepEqual(problems[0].subject, { kind: 'Zone', kri: 'kri_z____aws-1_', mesh: null, zone: 'aws-1', name: 'aws-1' })
  assert.equal((await mesh.api.get(problems[0].link)).status, 200)
  assert.deepEqual([counts.proxies.unknown, counts.proxies.connected, counts.proxies.ready], [1, 1, 1])
  const service = (await mesh.get('/services/default/payments', 'ServiceItem')).item
  assert.deepEqual([service.state, service.healthy, service.total], ['available', 1, 1])
  assert.deepEqual(
    service.zones.map((it: { zone: string; state: string }) => `${it.zone} ${it.state}`),
    ['aws-1 unknown', 'azure-1 available'],
  )

  mesh.link('aws-1')
  assert.deepEqual(await mesh.codes(), [])
  assert.equal((await mesh.get('/summary', 'Summary')).counts.proxies.synced, 2)
})

test('zones that a restarted global has not heard yet count as silent after a minute, and those that never came as that', async () => {
  await using mesh = await anApiOver()
  const at = new Date(mesh.clock.now() - 9_000).toISOString()
  const insight = { subscriptions: [{ id: '1', connectTime: at, disconnectTime: at, version: { kumaCp: { version: '1.2.3' } } }] }
  await mesh.put(aZone('aws-1'), aZone('new-1'), { kind: 'ZoneInsight', mesh: '', name: 'aws-1', labels: {}, spec: insight })

  const states = async () => (await mesh.get('/zones?sort=name', 'ZonePage')).items.map((it: { name: string; state: string }) => it.state)
  assert.deepEqual(await states(), ['expected', 'expected'])
  assert.deepEqual(await mesh.codes(), [])
  await mesh.clock.run(60_002)

  assert.deepEqual(await states(), ['silent', 'never-connected'])
  assert.deepEqual(await mesh.codes(), ['SKERRY_ZONE_SILENT', 'SKERRY_ZONE_NEVER_CONNECTED'])
  const { item } = await mesh.get('/zones/aws-1', 'ZoneItem')
  assert.deepEqual([item.since, item.version], [at, '1.2.3'])
})

test('a zone that does not catch up is lagging after three heartbeats, with kinds, revisions and time', async () => {
  await using mesh = await aTwoZoneMesh()
  mesh.link('aws-1', { behind: ['MeshTrust'], owedRevision: 9, heldRevision: 5 })
  await mesh.clock.run(5_000)
  mesh.link('aws-1', { behind: ['MeshTrust'], owedRevision: 9, heldRevision: 5 })
  assert.deepEqual(await mesh.codes(), [])
  assert.deepEqual((await mesh.get('/zones/aws-1', 'ZoneItem')).item.lag, {
    kinds: ['MeshTrust'],
    revisions: 4,
    since: new Date(mesh.clock.now() - 5_000).toISOString(),
    ms: 5_000,
  })
  await mesh.clock.run(10_001)
  assert.deepEqual(await mesh.codes(), ['SKERRY_ZONE_LAGGING'])
  mesh.link('aws-1')
  assert.deepEqual(await mesh.codes(), [])
})

test('what was not accepted in sync is told, in both directions, and what discovery holds back or cannot list', async () => {
  await using mesh = await aTwoZoneMesh()
  const sources = [
    { name: 'ecs/main', type: 'ecs', state: 'held', objects: 40, held: 12 },
    { name: 'k8s/a', type: 'kubernetes', state: 'failing', objects: 3, error: 'forbidden' },
    { name: 'ok', type: 'ec2', state: 'ok', objects: 1 },
  ]
  mesh.link('aws-1', {
    refused: [{ name: 'Dataplane/x.default', reason: 'it is of zone azure-1' }],
    lastError: 'MeshTrust y: too long',
    state: JSON.stringify({ sources }),
  })

  assert.deepEqual(await mesh.codes(), ['SKERRY_DISCOVERY_HELD', 'SKERRY_DISCOVERY_FAILING', 'SKERRY_SYNC_REFUSED', 'SKERRY_SYNC_REFUSED'])
  const { items } = await mesh.get('/problems?filter[zone]=aws-1&sort=code', 'ProblemPage')
  assert.match(items[1].cause, /12 removals/)
  const refused = items
    .slice(2)
    .map((it: { cause: string }) => it.cause)
    .join()
  assert.match(refused, /Dataplane\/x\.default: it is of zone azure-1/)
  assert.match(refused, /MeshTrust y: too long/)
  assert.equal((await mesh.get('/zones/aws-1', 'ZoneItem')).item.sources.length, 3)
})

test('a proxy that refuses its configuration is a problem with its own words, until it accepts', async () => {
  await using mesh = await aTwoZoneMesh()
  await mesh.put(anInsight('pay-1', mesh.clock.now(), { refusal: 'no such cluster' }))
  const [problem] = (await mesh.get('/summary', 'Summary')).problems
  assert.deepEqual([problem.code, problem.subject.zone, problem.subject.mesh], ['SKERRY_PROXY_NACKED', 'aws-1', 'default'])
  assert.match(problem.cause, /lds.*no such cluster/)
  const { item, problems } = await mesh.get('/proxies/default/pay-1-aws-1', 'ProxyItem')
  assert.deepEqual([item.state, item.refused[0].reason, problems.length], ['NACKED', 'no such cluster', 1])

  await mesh.put(anInsight('pay-1', mesh.clock.now()))
  assert.deepEqual(await mesh.codes(), [])
})

test('proxies are offline, stale or not ready, with the reason; those on their way up have a moment', async () => {
  await using mesh = await aTwoZoneMesh()
  const { clock, put } = mesh
  await put(aProxy('gone'), anInsight('gone', clock.now(), { connected: false }))
  await put(
    aProxy('slow'),
    anInsight('slow', clock.now(), {
      notReady: 'its proxy has not accepted its listeners',
      spec: { metadata: { configuration: 'stale' } },
    }),
  )
  await put(aProxy('sick'), anInsight('sick', clock.now(), { notReady: 'its application does not answer: ECONNREFUSED' }))
  await put(aProxy('off', { state: 'Ignored' }), anInsight('off', clock.now(), { notReady: 'its state is Ignored' }))
  await put(aProxy('bare'))

  assert.deepEqual(await mesh.codes(), ['SKERRY_PROXY_OFFLINE'])
  await clock.run(11_000)
  assert.deepEqual(await mesh.codes(), ['SKERRY_PROXY_STALE', 'SKERRY_PROXY_OFFLINE', 'SKERRY_INSTANCE_NOT_READY'])
  const { items } = await mesh.get('/proxies?filter[workload]=web&sort=state,name', 'ProxyPage')
  assert.deepEqual(
    items.map((it: { name: string; state: string; ready: boolean }) => [it.name, it.state, it.ready]),
    [
      ['gone', 'OFFLINE', false],
      ['slow', 'STALE', false],
      ['bare', 'UNKNOWN', true],
      ['off', 'SYNCED', true],
      ['sick', 'SYNCED', false],
    ],
  )
})

test('a certificate that is not renewed in time is due, then expired; a renewed one is neither', async () => {
  await using mesh = await aTwoZoneMesh()
  const { clock, put } = mesh
  const hour = 3_600_000
  await put(anInsight('pay-1', clock.now(), { certificate: { issuedAt: clock.now(), notAfter: clock.now() + 24 * hour } }))
  assert.deepEqual(await mesh.codes(), [])
  await clock.run(18 * hour + 1_000)
  assert.deepEqual(await mesh.codes(), ['SKERRY_CERTIFICATE_DUE'])
  assert.equal((await mesh.get('/summary', 'Summary')).counts.certificates.due, 1)
  await clock.run(6 * hour)
  assert.deepEqual(await mesh.codes(), ['SKERRY_CERTIFICATE_EXPIRED'])

  await put(anInsight('pay-1', clock.now(), { certificate: { issuedAt: clock.now(), notAfter: clock.now() + 24 * hour } }))
  assert.deepEqual(await mesh.codes(), [])
  const { items } = await mesh.get('/events?filter[type]=certificate.renewed', 'EventPage')
  assert.equal(items.length, 1)
})

test('a trust domain whose last root ends soon is due, then expired', async () => {
  await using mesh = await aTwoZoneMesh()
  const { clock, put } = mesh
  const day = 86_400_000
  const { certificatePem } = await aRoot({ ttlMs: 60 * day, clock })
  const spec = { trustDomain: 'default.aws-1.mesh.local', caBundles: [{ type: 'Pem', pem: { value: certificatePem } }] }
  await put(inZone('aws-1', { kind: 'MeshTrust', mesh: 'default', name: 'identity', labels: { 'kuma.io/managed-by': 'skerry' }, spec }))
  const rotation = [
    { identity: 'identity', trustDomain: spec.trustDomain, root: 'ab'.repeat(32), state: 'trusted', waitingFor: ['azure-1'] },
  ]
  const acknowledgement = { kind: 'TrustAcknowledgement', mesh: 'default', name: 'aws-1', labels: {}, spec: { trusts: [], signedBy: [] } }
  await put(inZone('aws-1', { ...acknowledgement, status: { rotation, behind: ['pay-1'] } }))
  const trust = async () => (await mesh.get('/zones/aws-1', 'ZoneItem')).item.trust[0]

  assert.deepEqual(
    [(await trust()).state, (await trust()).rotation, (await trust()).behind],
    ['valid', [{ root: 'ab'.repeat(32), state: 'trusted', waitingFor: ['azure-1'] }], ['pay-1']],
  )
  await clock.run(31 * day)
  assert.deepEqual([await mesh.codes(), (await trust()).state], [['SKERRY_TRUST_DUE'], 'due'])
  await clock.run(30 * day)
  assert.deepEqual([await mesh.codes(), (await trust()).state], [['SKERRY_TRUST_EXPIRED'], 'expired'])
  assert.deepEqual((await mesh.get('/meshes/default', 'MeshItem')).item.trustDomains, ['default.aws-1.mesh.local'])
})

test('a workload, a mesh and its policies are counted', async () => {
  await using mesh = await aTwoZoneMesh()
  const { put, remove } = mesh
  await put(aProxy('pay-2', { workload: 'payments', labels: { 'skerry.io/proxy': 'none' } }))
  await put(aStrategy('any', 'payments', [{ to: { type: 'Any' } }]))

  const { item } = await mesh.get('/workloads/default/payments', 'WorkloadItem')
  assert.deepEqual([item.total, item.connected, item.ready, item.agentless], [3, 2, 3, 1])
  assert.deepEqual(item.zones, [
    { zone: 'aws-1', total: 2, connected: 1, ready: 2 },
    { zone: 'azure-1', total: 1, connected: 1, ready: 1 },
  ])
  assert.equal((await mesh.get('/summary', 'Summary')).counts.proxies.total, 2)
  assert.equal((await mesh.get('/meshes/default', 'MeshItem')).item.policies, 1)
  assert.deepEqual((await mesh.get('/policies', 'PolicyPage')).items, [
    { mesh: 'default', kind: 'MeshLoadBalancingStrategy', path: '/meshes/default/meshloadbalancingstrategies', total: 1, shadow: 0 },
  ])
  await remove(aStrategy('any', 'payments', []))
  assert.equal((await mesh.get('/policies', 'PolicyPage')).total, 0)
})

test('a service fails by degrees: a zone without healthy instances, then all of them, then no instance at all', async () => {
  await using mesh = await aTwoZoneMesh()
  const { clock, put, remove } = mesh
  const service = async () => (await mesh.get('/services/default/payments', 'ServiceItem')).item
  assert.equal((await service()).state, 'available')
  await put(aService('payments', 0, 2))
  await clock.run(3_000)
  assert.deepEqual([(await service()).state, (await service()).healthy, (await service()).total], ['degraded', 1, 3])
  const [degraded] = (await mesh.get('/problems', 'ProblemPage')).items
  assert.equal(degraded.code, 'SKERRY_SERVICE_DEGRADED')
  assert.match(degraded.cause, /no instance is healthy in aws-1 0\/2; callers are served by azure-1/)

  await put(aService('payments', 0, 1, { zone: 'azure-1' }))
  await clock.run(3_000)
  assert.deepEqual(await mesh.codes(), ['SKERRY_SERVICE_UNAVAILABLE'])

  await put(aService('payments', 0, 0), aService('payments', 0, 0, { zone: 'azure-1' }))
  await clock.run(3_000)
  assert.equal((await service()).state, 'empty')
  assert.match((await mesh.get('/problems', 'ProblemPage')).items[0].cause, /its last instance is gone/)

  await remove(aService('payments', 0, 0), aService('payments', 0, 0, { zone: 'azure-1' }), aUnion('payments'))
  assert.equal((await mesh.api.get(`${root}/services/default/payments`)).status, 404)
  const { items } = await mesh.get(
    '/events?filter[kind]=MeshMultiZoneService&filter[type]=service.degraded,service.unavailable',
    'EventPage',
  )
  assert.deepEqual(
    items.map((it: { type: string }) => it.type),
    ['service.unavailable', 'service.degraded'],
  )
})

test('zones of a service stand in the order in which callers try them, as policy gives it', async () => {
  await using mesh = await aTwoZoneMesh()
  const zones = async (query = '') => {
    const { items } = await mesh.get(`/services${query}`, 'ServicePage')
    return items[0].zones.map((it: { zone: string; tier: number }) => `${it.zone} ${it.tier}`)
  }
  assert.deepEqual(await zones(), ['aws-1 0', 'azure-1 0'])
  assert.deepEqual(await zones('?from=azure-1'), ['azure-1 0', 'aws-1 1'])

  const only = (zone: string) => ({ to: { type: 'Only', zones: [zone] } })
  await mesh.put(aStrategy('azure-first', 'payments', [only('azure-1'), only('aws-1')]))
  assert.deepEqual(await zones(), ['azure-1 0', 'aws-1 1'])
  const { item, tiers } = await mesh.get('/services/default/payments', 'ServiceItem')
  assert.deepEqual(item.failover, { from: null, policy: 'kri_mlbs_default___azure-first_', perCaller: false })
  assert.deepEqual(
    tiers.map((it: { from: string; tiers: string[][] }) => [it.from, it.tiers]),
    [
      ['aws-1', [['azure-1'], ['aws-1']]],
      ['azure-1', [['azure-1'], ['aws-1']]],
    ],
  )

  await mesh.put(
    aStrategy('for-some', 'payments', [{ to: { type: 'None' } }], { targetRef: { kind: 'Dataplane', labels: { app: 'web' } } }),
  )
  assert.equal((await mesh.get('/services/default/payments', 'ServiceItem')).item.failover.perCaller, true)
})

test('in a zone its own proxies and services are told with global away, other zones by what they announced', async () => {
  await using zone = await anApiOver({ zone: 'aws-1' })
  const { clock, put, model } = zone
  await put(aMesh(), aProxy('pay-1', { workload: 'payments' }), anInsight('pay-1', clock.now()), aService('payments', 1, 1))
  const { status: _, ...elsewhere } = aService('payments', 1, 1, { zone: 'azure-1' })
  await put(elsewhere, aCapacity('payments', 3, 4, { zone: 'azure-1' }), aUnion('payments'))
  const link = {
    url: 'https://global:5685',
    connected: false,
    since: clock.now(),
    lastHeard: 0,
    refused: [],
    lastError: 'UNAVAILABLE: no route',
  }
  model.globalChanged(link)
  assert.deepEqual(await zone.codes(), [])
  await clock.run(10_001)

  const summary = await zone.get('/summary', 'Summary')
  assert.deepEqual([summary.mode, summary.zone, summary.global.connected], ['zone', 'aws-1', false])
  assert.deepEqual(await zone.codes(), ['SKERRY_GLOBAL_SILENT'])
  const { items } = await zone.get('/services', 'ServicePage')
  assert.deepEqual(
    items[0].zones.map((it: { zone: string; healthy: number; total: number; tier: number }) => [it.zone, it.healthy, it.total, it.tier]),
    [
      ['aws-1', 1, 1, 0],
      ['azure-1', 3, 4, 1],
    ],
  )
  await put({ ...elsewhere, labels: { ...elsewhere.labels, app: 'pay' } }, aUnion('all-pay', { app: 'pay' }))
  assert.equal((await zone.get('/services/default/all-pay', 'ServiceItem')).item.healthy, 3)
  await put(aCapacity('payments', 2, 4, { zone: 'azure-1' }))
  assert.equal((await zone.get('/services/default/all-pay', 'ServiceItem')).item.healthy, 2)
  const zones = await zone.get('/zones', 'ZonePage')
  assert.deepEqual(
    zones.items.map((it: { name: string; state: string; proxies: { synced: number } }) => [it.name, it.state, it.proxies.synced]),
    [['aws-1', 'online', 1]],
  )
  model.globalChanged({ ...link, connected: true, since: clock.now(), lastHeard: clock.now(), lastError: undefined })
  assert.deepEqual(await zone.codes(), [])
})

test('a store that takes nothing is the first thing that is told', async () => {
  await using mesh = await aTwoZoneMesh()
  mesh.model.storeChanged({ kind: 'full', reason: 'no space left on device' })
  const [problem] = (await mesh.get('/summary', 'Summary')).problems
  assert.deepEqual([problem.code, problem.severity, problem.cause], ['SKERRY_STORE_FULL', 'critical', 'no space left on device'])
  mesh.model.storeChanged({ kind: 'ok' })
  assert.deepEqual(await mesh.codes(), [])
})
