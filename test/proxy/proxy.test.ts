import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, type TestContext, test } from 'node:test'
import {
  anEndpoint,
  anEndpointGroup,
  anEndpointSet,
  anInbound,
  anOutbound,
  aProxyPlan,
  anApplication as applicationCluster,
  aServiceCluster,
  aTls,
  aTrust,
} from '../../src/envoy/test-plans.ts'
import { readCsr } from '../../src/identity/csr.ts'
import { issueSvid } from '../../src/identity/issue.ts'
import { aRoot } from '../../src/identity/test-support.ts'
import { fromWire } from '../../src/model/wire.ts'
import { AGENT_PATH } from '../../src/proxy/agent.ts'
import type { ProxyConfig } from '../../src/proxy/config.ts'
import { type RunningProxy, startProxy } from '../../src/proxy/proxy.ts'
import { freePort } from '../../src/proxy/testing.ts'
import { systemClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { systemRandom } from '../../src/std/random.ts'
import { atEnd, FakeAds, FakeZone, until } from './support.ts'

const spiffeId = 'spiffe://default.azure-1.mesh.local/workload/web'
let outboundPort: number
before(async () => {
  outboundPort = await freePort()
})
/** A token as far as a proxy looks into it. */
const token = `x.${Buffer.from(JSON.stringify({ aud: 'dataplane', ca: 'f', exp: 9e9, mesh: 'default', workload: 'web' })).toString('base64url')}.x`

function aConfig(over: Partial<ProxyConfig> = {}): ProxyConfig {
  return {
    cp: '127.0.0.1:1',
    tokenFile: undefined,
    token,
    caFile: undefined,
    role: 'sidecar',
    engine: { kind: 'skerry' },
    service: undefined,
    mesh: undefined,
    name: undefined,
    ports: [{ name: 'main', port: 1, protocol: 'http', inboundPort: 0 }],
    health: { kind: 'tcp' },
    address: '127.0.0.1',
    bind: '127.0.0.1',
    ingressPort: 0,
    outbounds: [{ kind: undefined, name: 'web', address: undefined, port: outboundPort }],
    httpProxyPort: null,
    labels: {},
    data: undefined,
    admin: { host: '127.0.0.1', port: 0 },
    accessLog: null,
    drainTimeoutMs: 1000,
    logLevel: 'error',
    ...over,
  }
}

async function aDirectory(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-proxy-'))
  atEnd(context, () => rm(directory, { recursive: true, force: true }))
  return directory
}

async function anApplication(context: TestContext): Promise<number> {
  const server = createServer((_request, response) => response.end('hello from the application'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A zone that knows one proxy: it gets itself as a service, so that a request goes out and comes in again by mTLS. */
async function aZone() {
  const root = await aRoot({ trustDomain: 'default.azure-1.mesh.local' })
  const ads = new FakeAds()
  const zone = new FakeZone()
  zone.onMessage = async message => {
    if (message.case === 'hello') {
      publish(message.value.dataplane)
      zone.register(spiffeId)
    } else if (message.case === 'draining') zone.send({ case: 'drained', value: {} })
    else if (message.case === 'certificateRequest') {
      const csr = readCsr(message.value.csr)
      assert(csr.kind === 'ok')
      const issued = await issueSvid(root, { spiffeId, publicKey: csr.publicKey }, { clock: systemClock })
      zone.send({
        case: 'certificate',
        value: { chainPem: issued.chainPem, notAfterMs: BigInt(issued.notAfterMs), renewAtMs: BigInt(issued.renewAtMs) },
      })
    }
  }
  const publish = (dataplane: string) => {
    const { networking } = JSON.parse(dataplane)
    const [inbound] = networking.inbound
    const application = applicationCluster(inbound.servicePort)
    const plan = aProxyPlan({
      trust: [aTrust({ bundles: [root.certificatePem] })],
      listeners: [anInbound({ port: inbound.port }), anOutbound({ port: outboundPort })],
      clusters: [application, aServiceCluster({ tls: aTls('sni.x', [spiffeId]) })],
    })
    ads.publish(plan, {
      payments: anEndpointSet({ groups: [anEndpointGroup({ endpoints: [anEndpoint({ address: '127.0.0.1', port: inbound.port })] })] }),
    })
  }
  return { ads, zone, open: (path: string) => (path === AGENT_PATH ? zone.connect() : ads.connect()) }
}

async function start(
  context: TestContext,
  config: ProxyConfig,
  open: (path: string) => ReturnType<FakeAds['connect']>,
): Promise<RunningProxy> {
  const proxy = await startProxy(config, { clock: systemClock, random: systemRandom, log: silentLog, open })
  atEnd(context, () => proxy.stop())
  return proxy
}

function get(port: number, path = '/'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, agent: false }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', part => {
        body += part
      })
      response.on('end', () => resolve({ status: response.statusCode!, body }))
    })
    call.on('error', reject)
    call.end()
  })
}

test('a proxy registers, gets its certificate and configuration, and carries requests by mTLS', async context => {
  const { ads, zone, open } = await aZone()
  const data = await aDirectory(context)
  const port = await anApplication(context)

  const proxy = await start(context, aConfig({ data, ports: [{ name: 'main', port, protocol: 'http', inboundPort: 0 }] }), open)
  await until('both listeners are bound', () => zone.last('bound')?.listeners.length === 2)
  await until('the application was found', () => zone.last('health')?.inbounds[0]?.ready === true)

  assert.deepEqual(await get(outboundPort), { status: 200, body: 'hello from the application' })
  assert.deepEqual(ads.refused, [])
  const admin = proxy.ports.admin!.port
  assert.deepEqual(await get(admin, '/ready'), { status: 200, body: 'ready\n' })
  assert.match((await get(admin, '/stats')).body, /^# TYPE /m)
  const shown = JSON.parse((await get(admin, '/config')).body)
  assert.deepEqual(Object.keys(shown.listeners).sort(), [anOutbound().name, 'self_inbound_dp_main'].sort())
  assert.equal((await get(admin, '/nothing')).status, 404)
})

test('what it registers is a Dataplane that the model takes', async context => {
  const { zone, open } = await aZone()
  const data = await aDirectory(context)

  const proxy = await start(context, aConfig({ data, labels: { team: 'pay' } }), open)
  await until('it said hello', () => zone.last('hello') !== undefined)

  const read = fromWire(JSON.parse(zone.last('hello')!.dataplane), { strict: true })
  assert.equal(read.kind, 'ok', JSON.stringify(read))
  const dataplane = JSON.parse(zone.last('hello')!.dataplane)
  assert.match(dataplane.name, /^web-[0-9a-z]+$/)
  assert.equal(dataplane.name, proxy.name)
  assert.deepEqual(dataplane.labels, { 'kuma.io/workload': 'web', team: 'pay' })
  assert.deepEqual(dataplane.networking.outbound, [{ port: outboundPort, backendRef: { name: 'web' } }])
})

test('a proxy that starts while its zone is away serves from its disk, under its old name and port', async context => {
  const { open, zone } = await aZone()
  const data = await aDirectory(context)
  const port = await anApplication(context)
  const config = aConfig({ data, ports: [{ name: 'main', port, protocol: 'http', inboundPort: await freePort() }] })
  const first = await start(context, config, open)
  await until('both listeners are bound', () => zone.last('bound')?.listeners.length === 2)
  await get(outboundPort)
  await first.stop()

  const second = await start(context, config, () => {
    throw new Error('the zone is away')
  })

  assert.equal(second.name, first.name)
  assert.deepEqual(await get(outboundPort), { status: 200, body: 'hello from the application' })
  assert.deepEqual(await get(second.ports.admin!.port, '/ready'), { status: 200, body: 'ready\n' })
})

test('a stop says goodbye first, and takes no longer than it may', async context => {
  const { open, zone } = await aZone()
  const proxy = await start(context, aConfig({ data: await aDirectory(context) }), open)
  await until('both listeners are bound', () => zone.last('bound')?.listeners.length === 2)

  const started = performance.now()
  await proxy.stop()

  assert(zone.kinds.includes('draining'))
  assert(performance.now() - started < 2000)
  await assert.rejects(get(outboundPort))
})

test('a proxy that is refused says why', async context => {
  const { zone, open } = await aZone()
  zone.onMessage = () =>
    zone.send({ case: 'refused', value: { code: 'SKERRY_TOKEN_OTHER_WORKLOAD', message: 'the token is for another', fix: '' } })

  const proxy = await start(context, aConfig({ data: await aDirectory(context) }), open)

  assert.equal((await proxy.failed).code, 'SKERRY_TOKEN_OTHER_WORKLOAD')
})

test('a token of another type is refused before anything is dialled', async context => {
  const user = `x.${Buffer.from(JSON.stringify({ aud: 'user', ca: 'f', exp: 9e9 })).toString('base64url')}.x`
  const data = await aDirectory(context)
  const deps = { clock: systemClock, random: systemRandom, log: silentLog }

  await assert.rejects(startProxy(aConfig({ data, token: user }), deps), { code: 'SKERRY_TOKEN_WRONG_TYPE', exitCode: 64 })
  await assert.rejects(startProxy(aConfig({ data, token: undefined, tokenFile: join(data, 'none') }), deps), {
    code: 'SKERRY_TOKEN_UNREADABLE',
  })
  await assert.rejects(readFile(join(data, 'name')))
})
