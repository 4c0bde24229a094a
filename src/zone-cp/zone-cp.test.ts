import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { typeUrls } from '../envoy/resources.ts'
import { ClusterLoadAssignmentSchema } from '../gen/envoy/config/endpoint/v3/endpoint_pb.js'
import { fetchCa } from '../identity/first-contact.ts'
import { peekToken } from '../identity/token-claims.ts'
import { systemClock } from '../std/clock.ts'
import { connectStream, GrpcChannel } from '../std/grpc-channel.ts'
import { silentLog } from '../std/log.ts'
import { formatAddress } from '../std/option-value.ts'
import { DELTA_ADS_PATH } from '../xds/ads-server.ts'
import { aDataplane, TestAgent, TestProxy, until } from './testing.ts'
import { defaultVipCidrs } from './vips.ts'
import { startZone, type ZoneConfig } from './zone-cp.ts'

async function aDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'skerry-zone-cp-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

function configFor(data: string, more: Partial<ZoneConfig> = {}): ZoneConfig {
  const anyPort = { host: '127.0.0.1', port: 0 }
  return {
    zone: 'east',
    data,
    store: 'memory',
    api: anyPort,
    xds: anyPort,
    global: undefined,
    zoneTokenFile: undefined,
    globalCaFile: undefined,
    adminTokenFile: undefined,
    defaults: true,
    offlineAfter: 600_000,
    deleteServicesAfter: 3_600_000,
    ...defaultVipCidrs,
    logLevel: 'error',
    ...more,
  } as ZoneConfig
}

/** A zone as a program, with what people and proxies need to reach it. */
async function aRunningZone(config: ZoneConfig) {
  const zone = await startZone(config, { clock: systemClock, log: silentLog })
  const admin = (await readFile(zone.adminToken.file, 'utf8')).trim()
  const api = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json', connection: 'close' }
    const response = await fetch(`http://${formatAddress(zone.ports.api)}${path}`, { ...init, headers })
    const text = await response.text()
    assert.ok(response.ok, text)
    return text
  }
  const token = await api('/tokens/dataplane', { method: 'POST', body: JSON.stringify({ mesh: 'default' }) })
  const address = formatAddress(zone.ports.xds)
  const channel = new GrpcChannel(address, {
    tls: { rootCaPem: await fetchCa(address, peekToken(token)!.ca), serverName: 'skerry-cp' },
  })
  const open = (path: string) => connectStream(channel, path, { authorization: `Bearer ${token}` })
  return {
    api: async (path: string) => JSON.parse(await api(path)),
    agent: (dataplane: object) => {
      const stream = open('/skerry.agent.v1.Agent/Connect')
      return new TestAgent(stream, stream.closed, { dataplane })
    },
    proxy: (name: string) => {
      const stream = open(DELTA_ADS_PATH)
      return new TestProxy(stream, stream.closed, { name })
    },
    async [Symbol.asyncDispose]() {
      channel.close()
      await zone[Symbol.asyncDispose]()
    },
  }
}

const caller = {
  address: '127.0.0.1',
  inbound: [{ name: 'main', port: 8080, serviceProbe: { disabled: true } }],
  outbound: [{ port: 9001, backendRef: { name: 'payments' } }],
}
const cluster = 'kri_msvc_default_east__payments_main'

function endpointsOf(proxy: TestProxy): string[] {
  const newest = proxy.updates
    .filter(update => update.typeUrl === typeUrls.endpoints)
    .flatMap(update => update.added)
    .findLast(({ name }) => name === cluster)
  if (!newest?.value) return []
  const { endpoints } = fromBinary(ClusterLoadAssignmentSchema, newest.value)
  return endpoints
    .flatMap(group => group.lbEndpoints)
    .map(({ hostIdentifier }) => {
      assert.ok(hostIdentifier.case === 'endpoint' && hostIdentifier.value.address?.address.case === 'socketAddress')
      const { address, portSpecifier } = hostIdentifier.value.address.address.value
      return `${address}:${portSpecifier.value}`
    })
}

test('a workload that registers is seen by a subscriber, and is gone for it when its stream breaks', async () => {
  await using directory = await aDirectory()
  await using zone = await aRunningZone(configFor(directory.path))
  zone.agent(aDataplane('web-1', { networking: caller })).tellAll()
  const proxy = zone.proxy('web-1')
  await until(() => proxy.held(typeUrls.listener).length > 0)
  assert.deepEqual(endpointsOf(proxy), [])

  const payments = zone.agent(aDataplane('payments-1', { workload: 'payments' }))
  payments.tellAll()
  const configured = zone.proxy('payments-1')

  await until(() => endpointsOf(proxy).length === 1)
  assert.deepEqual(endpointsOf(proxy), ['10.0.0.1:8080'])
  const { counts } = await zone.api('/dashboard/v1/summary')
  assert.deepEqual([counts.proxies.total, counts.proxies.connected, counts.proxies.ready], [2, 2, 2])
  const inspected = await zone.api('/meshes/default/dataplanes/web-1/_inspect')
  assert.equal(inspected.readiness.proxy.state, 'ready')
  const [outbound] = inspected.clusters.filter((found: { name: string }) => found.name === cluster)
  assert.deepEqual(
    outbound.endpoints.groups[0].endpoints.map((endpoint: { name: string }) => endpoint.name),
    ['payments-1'],
  )

  payments.stream.end({ code: 'CANCELLED', message: 'killed' })
  await until(() => endpointsOf(proxy).length === 0)
  for (const each of [proxy, configured]) each.stream.end({ code: 'CANCELLED', message: 'done' })
})

test('a zone that stops closes all that it opened, also with proxies connected and one that waits', async () => {
  const resources = () => {
    const counted = process.getActiveResourcesInfo().filter(name => /Timeout|TCP|TLS|Pipe|Worker|MessagePort|FSReqCallback/.test(name))
    return counted.sort().join(' ')
  }
  await using directory = await aDirectory()
  const before = resources()
  {
    await using zone = await aRunningZone(configFor(directory.path))
    const agent = zone.agent(aDataplane('web-1'))
    agent.tellAll()
    await agent.next('certificate')
    const proxy = zone.proxy('web-1')
    await until(() => proxy.held(typeUrls.listener).length > 0)
    zone.proxy('never-registered')
  }
  await until(() => resources() === before, `only ${before || 'nothing'} is left open`)
})

test('a zone that is stopped and started again finds its services as they were', async () => {
  await using directory = await aDirectory()
  const config = configFor(directory.path, { store: 'sqlite' })
  const stateOf = async (zone: Awaited<ReturnType<typeof aRunningZone>>) => (await zone.api('/meshes/default/meshservices/web')).spec.state
  {
    await using zone = await aRunningZone(config)
    const agent = zone.agent(aDataplane('web-1'))
    agent.tellAll()
    await agent.next('certificate')
    const proxy = zone.proxy('web-1')
    await until(() => proxy.held(typeUrls.listener).length > 0)
    const deadline = Date.now() + 20_000
    while ((await stateOf(zone).catch(() => undefined)) !== 'Available') assert.ok(Date.now() < deadline, 'the service becomes available')
  }

  await using zone = await aRunningZone(config)
  assert.equal(await stateOf(zone), 'Available')
})

test('names are made on first start as resources: in a zone without global for all its services, in one that joins for its own, and nowhere without defaults', async () => {
  await using directory = await aDirectory()
  const tokenFile = join(directory.path, 'zone.token')
  await writeFile(tokenFile, 'not a token yet')
  const generators = async (name: string, config: Partial<ZoneConfig>) => {
    await using zone = await startZone(configFor(join(directory.path, name), config), { clock: systemClock, log: silentLog })
    const headers = { authorization: `Bearer ${(await readFile(zone.adminToken.file, 'utf8')).trim()}`, connection: 'close' }
    const { items } = (await (await fetch(`http://${formatAddress(zone.ports.api)}/hostnamegenerators`, { headers })).json()) as {
      items: { name: string }[]
    }
    return items.map((item: { name: string }) => item.name).sort()
  }
  const own = ['local-mesh-external-service', 'local-mesh-multi-zone-service', 'local-universal-mesh-service']

  assert.deepEqual(await generators('alone', {}), own)
  assert.deepEqual(await generators('joined', { global: 'https://127.0.0.1:1', zoneTokenFile: tokenFile }), own)
  assert.deepEqual(await generators('none', { defaults: false, global: 'https://127.0.0.1:1', zoneTokenFile: tokenFile }), [])
})
