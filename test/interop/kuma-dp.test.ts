import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ask, EnvoyMesh, envoy, outboundsTo, type TestedProxy, until } from './envoy-mesh.ts'
import { KumaDp, kumaDpBinary } from './kuma-dp-peer.ts'

const kumaDp = await kumaDpBinary()
const skip = !kumaDp
  ? 'there is no kuma-dp: shared/peers/kuma.sh gets one'
  : envoy
    ? false
    : 'there is no Envoy: shared/peers/envoy.sh gets one'

const ids = (workload: string) => `spiffe://default.east.mesh.local/workload/${workload}`

describe('an unmodified kuma-dp', { skip, timeout: 120_000 }, () => {
  let mesh: EnvoyMesh
  let web: TestedProxy
  let orders: KumaDp

  before(async () => {
    mesh = await EnvoyMesh.start('east', ['--allow-kuma-dp'])
    const webApp = await mesh.application((_request, response) => response.end('web'))
    web = await mesh.proxy('web', 'skerry', '--port', String(webApp), ...(await outboundsTo('orders')))
    await web.ready()
    await until('the zone has web', async () => (await mesh.api('/meshes/default/meshservices/web')) !== null)
    const ordersApp = await mesh.application((_request, response) => response.end('orders'))
    orders = await KumaDp.start(mesh, kumaDp!, envoy!, { service: 'orders', port: ordersApp, calls: ['web'] })
  })
  after(async () => {
    await orders?.stop()
    await mesh?.stop()
  })

  const eitherWay = async () => {
    await until('the mesh reaches it', async () => (await ask(web.port('outbound.orders'))).body === 'orders').catch(async error =>
      assert.fail(
        `${error.message}\n${JSON.stringify(await mesh.api('/meshes/default/dataplanes/orders-kuma-dp/_inspect').catch(String)).slice(0, 1500)}\n${orders.log.slice(-3000)}`,
      ),
    )
    await until('it reaches the mesh', async () => (await ask(orders.outboundPorts.get('web')!)).body === 'web')
  }

  test('joins a zone, and serves and calls by mTLS with sidecars of ours', eitherWay)

  test('is shown as what it is, ready, with a certificate and nothing refused', async () => {
    const inspected = (await mesh.api('/meshes/default/dataplanes/orders-kuma-dp/_inspect')) as {
      engine: string
      readiness: { proxy: { state: string } }
      refusals: unknown[]
      certificate?: unknown
    }

    assert.match(inspected.engine, /^kuma-dp /)
    assert.equal(inspected.readiness.proxy.state, 'ready')
    assert.deepEqual(inspected.refusals, [])
    assert(inspected.certificate)
  })

  test('lets in whom MeshTrafficPermission allows, and nobody else', async () => {
    await mesh.put('meshtrafficpermissions', 'MeshTrafficPermission', 'none', {
      targetRef: { kind: 'Dataplane', labels: { 'kuma.io/workload': 'orders' } },
      rules: [{ default: { deny: [{ spiffeID: { type: 'Exact', value: ids('web') } }] } }],
    })
    await until('it is refused', async () => (await ask(web.port('outbound.orders'))).status === 403)
    await mesh.remove('meshtrafficpermissions', 'none')
    await eitherWay()
  })

  test('goes on while its zone is away, and is known to it when it is back', async () => {
    await mesh.restartZone(async () => {
      for (let i = 0; i < 5; i++) {
        assert.equal((await ask(web.port('outbound.orders'))).body, 'orders')
        assert.equal((await ask(orders.outboundPorts.get('web')!)).body, 'web')
      }
    })
    await until('the zone has it', async () => {
      const { readiness, connected } = (await mesh.api('/meshes/default/dataplanes/orders-kuma-dp/_inspect')) as {
        readiness: { proxy: { state: string } }
        connected: boolean
      }
      return connected && readiness.proxy.state === 'ready'
    })
    await eitherWay()
  })

  test('gets no request any more when it has ended', async () => {
    await orders.stop()
    await until('it is not ready', async () => {
      const { readiness } = (await mesh.api('/meshes/default/dataplanes/orders-kuma-dp/_inspect')) as {
        readiness: { proxy: { state: string } }
      }
      return readiness.proxy.state === 'not-ready'
    })
  })
})

describe('a kuma-dp whose zone does not want it', { skip, timeout: 60_000 }, () => {
  test('is told why, and what to do', async () => {
    const mesh = await EnvoyMesh.start()
    const port = await mesh.application((_request, response) => response.end('orders'))
    const orders = await KumaDp.start(mesh, kumaDp!, envoy!, { service: 'orders', port, calls: [] })
    try {
      await until('it says why', () => /SKERRY_KUMA_DP_NOT_ALLOWED.*--allow-kuma-dp/s.test(orders.log)).catch(error =>
        assert.fail(`${error.message}: ${orders.log.slice(-2000)}`),
      )
      const { total } = (await mesh.api('/meshes/default/dataplanes')) as { total: number }
      assert.equal(total, 0)
    } finally {
      await orders.stop()
      await mesh.stop()
    }
  })
})
