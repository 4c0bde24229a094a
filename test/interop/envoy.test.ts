import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { issueSvid } from '../../src/identity/issue.ts'
import { exportPrivateKey, makeKeyPair } from '../../src/identity/keys.ts'
import { aRoot } from '../../src/identity/test-support.ts'
import { systemClock } from '../../src/std/clock.ts'
import { ask, EnvoyMesh, noHosts, outboundsTo, skip, type TestedProxy, until } from './envoy-mesh.ts'

/** Requests between real Envoys that a zone configures, and the built-in proxy beside them. */
describe('an Envoy beside an application', { skip, timeout: 120_000 }, () => {
  let mesh: EnvoyMesh
  let web: TestedProxy
  let orders: TestedProxy
  let shop: TestedProxy

  before(async () => {
    mesh = await EnvoyMesh.start()
    const sidecar = async (service: string, engine: 'skerry' | 'envoy') => {
      const port = await mesh.application((_request, response) => response.end(service))
      return mesh.proxy(service, engine, '--port', String(port), ...(await outboundsTo('web', 'orders', 'shop')))
    }
    web = await sidecar('web', 'envoy')
    orders = await sidecar('orders', 'envoy')
    shop = await sidecar('shop', 'skerry')
    await Promise.all([web, orders, shop].map(proxy => proxy.ready()))
  })
  after(() => mesh?.stop())

  const ids = (workload: string) => `spiffe://default.east.mesh.local/workload/${workload}`

  test('calls, and is called by, another Envoy and the built-in proxy, by mTLS', async () => {
    for (const from of [web, orders, shop]) {
      for (const to of ['web', 'orders', 'shop'])
        await until(`${from.name} reaches ${to}`, async () => (await ask(from.port(`outbound.${to}`))).body === to)
    }

    assert.deepEqual(await web.complaints(), [])
    assert.deepEqual(await orders.complaints(), [])
    assert((await orders.stat('listener\\..*\\.ssl.handshake')) >= 3, 'what came in came by TLS')
    assert.equal(await orders.stat('listener\\..*\\.ssl.no_certificate'), 0)
  })

  test('is shown by its zone as what it is', async () => {
    const { spec, ...rest } = (await web.insight()) as { spec?: Record<string, unknown> }
    const { metadata, subscriptions } = (spec ?? rest) as unknown as {
      metadata: { engine: string }
      subscriptions: { version: { envoy: { version: string } }; status: { total: { responsesRejected?: string } } }[]
    }

    assert.match(metadata.engine, /^envoy \d+\.\d+\.\d+$/)
    assert.match(subscriptions.at(-1)!.version.envoy.version, /^\d+\.\d+\.\d+$/)
    const { readiness, engine } = await web.inspect()
    assert.equal(engine, metadata.engine)
    assert.equal((readiness as { proxy: { state: string } }).proxy.state, 'ready')
  })

  test('reaches every service by name on its HTTP proxy port, when it is first asked for', { skip: noHosts }, async () => {
    const port = web.port('http-proxy')

    for (const to of ['orders', 'shop', 'orders']) {
      const { status, body } = await ask(port, { path: `http://${to}.mesh/`, headers: { host: `${to}.mesh` } })
      assert.deepEqual([status, body], [200, to])
    }
    const nobody = await ask(port, { path: 'http://nobody.mesh/', headers: { host: 'nobody.mesh' } })
    assert.equal(nobody.status, 404)
    assert.deepEqual(await web.complaints(), [])
  })

  test('lets nobody in without an identity of the mesh', async () => {
    const port = orders.port('inbound.main')
    const other = await aRoot({ trustDomain: 'default.east.mesh.local' })
    const keys = makeKeyPair()
    const { chainPem } = await issueSvid(other, { spiffeId: ids('web'), publicKey: keys.publicKey }, { clock: systemClock })

    assert.match(await answerTo(port, {}), /certificate required|alert|reset|closed/i)
    assert.match(await answerTo(port, { cert: chainPem, key: exportPrivateKey(keys.privateKey) }), /unknown ca|alert|reset|closed/i)
  })

  test('refuses whom a permission denies, and only them', async () => {
    const spec = {
      targetRef: { kind: 'Dataplane', labels: { 'kuma.io/workload': 'orders' } },
      rules: [{ default: { deny: [{ spiffeID: { type: 'Exact', value: ids('shop') } }] } }],
    }
    await mesh.put('meshtrafficpermissions', 'MeshTrafficPermission', 'no-shop', spec)
    await until('the built-in proxy is refused', async () => (await ask(shop.port('outbound.orders'))).status === 403)
    assert.equal((await ask(web.port('outbound.orders'))).status, 200)

    await mesh.remove('meshtrafficpermissions', 'no-shop')
    await until('it is let in again', async () => (await ask(shop.port('outbound.orders'))).status === 200)
  })

  test('takes no other workload for the one that it calls', { skip: noHosts }, async () => {
    const spec = {
      state: 'Available',
      selector: { dataplaneLabels: { matchLabels: { 'kuma.io/workload': 'orders' } } },
      ports: [{ name: 'main', port: 80, targetPort: 'main', appProtocol: 'http' }],
      identities: [{ type: 'SpiffeID', value: ids('shop') }],
    }
    await mesh.put('meshservices', 'MeshService', 'impostor', spec)
    const port = web.port('http-proxy')

    await until('the connection is refused', async () => {
      assert.notEqual((await ask(port, { headers: { host: 'impostor.mesh' } })).status, 200)
      return (await web.stat('cluster\\..*impostor.*\\.ssl\\.fail_verify_san')) > 0
    })
    await mesh.remove('meshservices', 'impostor')
  })

  test('keeps key and administration for its own user', async () => {
    for (const file of ['admin.sock', 'agent.sock', 'bootstrap.json']) {
      const { mode } = await stat(join(web.running.directory, 'envoy', file))
      assert.equal(mode & 0o777, 0o600, file)
    }
    assert.doesNotMatch(await web.admin('/config_dump'), /PRIVATE KEY/)
  })

  test('that refuses something says so at its zone, serves on with what it had, and is well again afterwards', async () => {
    const appendModifications = [{ cluster: { operation: 'Patch', value: 'connect_timeout: 0s' } }]
    const refusals = async () => (await web.inspect()).refusals as { type: string; reason: string }[]
    await mesh.put('meshproxypatches', 'MeshProxyPatch', 'unfit', { default: { appendModifications } })

    await until('the zone knows', async () =>
      (await refusals()).some(({ type, reason }) => type === 'cds' && /ConnectTimeout/i.test(reason)),
    )
    assert.equal((await ask(web.port('outbound.orders'))).body, 'orders')
    await mesh.remove('meshproxypatches', 'unfit')
    await until('it is over', async () => (await refusals()).length === 0)
    assert.equal((await ask(web.port('outbound.orders'))).body, 'orders')
  })
})

/** What becomes of a request over TLS with this certificate. */
function answerTo(port: number, options: { cert?: string; key?: string }): Promise<string> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, servername: 'x', ...options })
    socket.setEncoding('utf8')
    socket.on('secureConnect', () => socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'))
    socket.on('data', resolve)
    socket.on('error', error => resolve(error.message))
    socket.on('close', () => resolve('closed'))
  })
}
