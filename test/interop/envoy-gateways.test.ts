import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { freePorts } from '../../dev/layout.ts'
import { ask, type EnvoyMesh, outboundsTo, skip, type TestedProxy, until } from './envoy-mesh.ts'
import { startTwoZones, type TwoZones } from './two-zones.ts'

/** Two zones whose gateways are Envoys, and a gateway for clients from outside. */
describe('an Envoy as gateway', { skip, timeout: 120_000 }, () => {
  let zones: TwoZones
  let east: EnvoyMesh
  let west: EnvoyMesh
  let ingress: TestedProxy

  before(async () => {
    zones = await startTwoZones()
    ;({ east, west } = zones)
  })
  after(() => zones?.[Symbol.asyncDispose]())

  test('passes what comes from another zone on to a workload, whose identity the caller sees', async () => {
    const app = await west.application((_request, response) => response.end('payments of west'))
    const [payments, gateway] = await Promise.all([
      west.proxy('payments', 'envoy', '--port', String(app)),
      west.proxy('zone-gateway', 'envoy', '--role', 'zone-gateway'),
    ])
    ingress = gateway
    const web = await east.proxy('web', 'envoy', '--port', String(app), ...(await outboundsTo('payments')))
    const builtIn = await east.proxy('web', 'skerry', '--port', String(app), ...(await outboundsTo('payments')))
    await Promise.all([payments, ingress, web, builtIn].map(proxy => proxy.ready()))

    for (const caller of [web, builtIn]) {
      await until(
        `${caller.name} reaches the other zone`,
        async () => (await ask(caller.port('outbound.payments'))).body === 'payments of west',
      )
    }
    assert.deepEqual([...(await ingress.complaints()), ...(await web.complaints()), ...(await payments.complaints())], [])
    assert((await ingress.stat('listener\\..*downstream_cx_total')) > 0)
  })

  test('answers callers of another zone in the name of a workload that has no proxy', async () => {
    const app = await west.application((request, response) => response.end(`plain ${request.url}`))
    const tcp = await west.application((_request, response) => response.end('over tcp'))
    const instance = (name: string, port: number, protocol: string) =>
      west.api(`/meshes/default/dataplanes/${name}-1`, {
        method: 'PUT',
        body: {
          type: 'Dataplane',
          mesh: 'default',
          name: `${name}-1`,
          labels: { 'kuma.io/workload': name, 'skerry.io/proxy': 'none' },
          networking: { address: '127.0.0.1', inbound: [{ port, name: 'main', protocol, state: 'Ready' }] },
        },
      })
    await Promise.all([instance('plain', app, 'http'), instance('stream', tcp, 'tcp')])
    const outbounds = await outboundsTo('plain', 'stream')
    const caller = await east.proxy('caller', 'skerry', '--port', String(app), ...outbounds)
    const envoyCaller = await east.proxy('caller', 'envoy', '--port', String(app), ...(await outboundsTo('plain', 'stream')))
    await Promise.all([caller.ready(), envoyCaller.ready()])

    for (const proxy of [caller, envoyCaller]) {
      await until(
        `${proxy.name} is answered`,
        async () => (await ask(proxy.port('outbound.plain'), { path: '/far' })).body === 'plain /far',
      )
      await until(`${proxy.name} is answered over TCP`, async () => (await ask(proxy.port('outbound.stream'))).body === 'over tcp')
    }
    assert.deepEqual(await ingress.complaints(), [])
  })

  test('takes clients from outside by host and path', async () => {
    const app = await east.application((request, response) => response.end(`shop ${request.url}`))
    const { port } = await freePorts(['port'])
    const put = (plural: string, type: string, name: string, spec: object) =>
      zones.global(
        `/meshes/default/${plural}/${name}`,
        { type, mesh: 'default', name, labels: { 'kuma.io/display-name': name }, spec },
        'PUT',
      )
    const shop = await east.proxy('shop', 'envoy', '--port', String(app))
    const edge = await east.proxy('edge', 'envoy', '--role', 'gateway')
    await shop.ready()
    const listeners = [{ port, protocol: 'HTTP', hostname: 'shop.example' }]
    await put('meshgateways', 'MeshGateway', 'edge', { selector: { matchLabels: { 'kuma.io/workload': 'edge' } }, listeners })
    const backendRefs = [{ kind: 'MeshService', labels: { 'kuma.io/display-name': 'shop', 'kuma.io/zone': 'east' }, port: 80 }]
    const found = (await east.api('/meshes/default/meshservices/shop')) as { spec: { ports: { port: number }[] } }
    backendRefs[0]!.port = found.spec.ports[0]!.port
    const rules = [{ matches: [{ path: { type: 'PathPrefix', value: '/buy' } }], default: { backendRefs } }]
    const targetRef = { kind: 'MeshGateway', labels: { 'kuma.io/display-name': 'edge' } }
    await put('meshhttproutes', 'MeshHTTPRoute', 'edge', { targetRef, to: [{ targetRef: { kind: 'Mesh' }, rules }] })

    const headers = { host: 'shop.example' }
    await until('it serves', async () => (await ask(port, { path: '/buy/it', headers })).body === 'shop /buy/it')
    assert.equal((await ask(port, { path: '/other', headers })).status, 404)
    assert.equal((await ask(port, { path: '/buy', headers: { host: 'other.example' } })).status, 404)
    await edge.ready()
    assert.deepEqual(await edge.complaints(), [])
  })
})
