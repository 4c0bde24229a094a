import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { freePorts } from '../../dev/layout.ts'
import { skerry } from '../../dev/parts.ts'
import { formatAddress } from '../../src/std/option-value.ts'
import { ask, EnvoyMesh, envoy, outboundsTo, skip, type TestedProxy, until } from './envoy-mesh.ts'

/** Envoys that come, change, crash and go, while requests are under way. */
describe('an Envoy in the course of its life', { skip, timeout: 180_000 }, () => {
  let mesh: EnvoyMesh
  let web: TestedProxy
  let first: TestedProxy
  let second: TestedProxy
  let app = 0

  before(async () => {
    mesh = await EnvoyMesh.start()
    app = await mesh.application((_request, response) => void setTimeout(() => response.end('ok'), 5))
    first = await mesh.proxy('orders', 'envoy', '--name', 'orders-1', '--port', String(app))
    second = await mesh.proxy('orders', 'envoy', '--name', 'orders-2', '--port', String(app))
    web = await mesh.proxy('web', 'envoy', '--port', String(app), ...(await outboundsTo('orders')))
    await Promise.all([web, first, second].map(proxy => proxy.ready()))
    await until('web reaches orders', async () => (await call()) === 200)
    await until('web knows both', async () => (await web.stat('cluster\\..*orders.*membership_healthy')) === 2)
  })
  after(() => mesh?.stop())

  const call = async () => (await ask(web.port('outbound.orders'))).status
  /** Requests all the while; answers with what did not succeed. */
  const underLoad = async (work: () => Promise<void>): Promise<{ sent: number; lost: string[] }> => {
    let isOver = false
    let sent = 0
    const lost: string[] = []
    const caller = async () => {
      while (!isOver) {
        sent++
        const status = await call().catch(error => (error as Error).message)
        if (status !== 200) lost.push(String(status))
      }
    }
    const callers = Array.from({ length: 8 }, caller)
    try {
      await work()
    } finally {
      isOver = true
      await Promise.all(callers)
    }
    return { sent, lost }
  }
  const toOrders = { kind: 'MeshService', labels: { 'kuma.io/display-name': 'orders' } }
  const matches = [{ path: { type: 'PathPrefix', value: '/' } }]
  const route = (value: string) => {
    const filters = [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'x-turn', value }] } }]
    return mesh.put('meshhttproutes', 'MeshHTTPRoute', 'turn', {
      to: [{ targetRef: toOrders, rules: [{ matches, default: { filters } }] }],
    })
  }

  test('changes its routes and clusters under load without losing a request', async () => {
    const { sent, lost } = await underLoad(async () => {
      for (let turn = 0; turn < 6; turn++) {
        await route(String(turn))
        const connectionTimeout = `${turn + 1}s`
        await mesh.put('meshtimeouts', 'MeshTimeout', 'turn', { to: [{ targetRef: toOrders, default: { connectionTimeout } }] })
        await until('it runs', async () => (await ask(web.port('outbound.orders'))).headers['x-turn'] === String(turn))
      }
      await mesh.remove('meshhttproutes', 'turn')
      await mesh.remove('meshtimeouts', 'turn')
      await until('it is gone', async () => (await ask(web.port('outbound.orders'))).headers['x-turn'] === undefined)
    })

    assert.deepEqual(lost, [])
    assert(sent > 100, `only ${sent} were sent`)
    assert.deepEqual([...(await web.complaints()), ...(await first.complaints())], [])
  })

  test('serves on while its zone’s control plane is away, and hears of changes when it is back', async () => {
    const { sent, lost } = await underLoad(async () => {
      await mesh.restartZone(() => new Promise(resolve => setTimeout(resolve, 1500)))
      await route('after')
      await until('the change arrives', async () => (await ask(web.port('outbound.orders'))).headers['x-turn'] === 'after')
    })

    assert.deepEqual(lost, [])
    assert(sent > 100, `only ${sent} were sent`)
    await until('it is ready again', async () => ((await web.inspect()).readiness as { proxy: { state: string } }).proxy.state === 'ready')
    assert.deepEqual(await web.complaints(), [])
  })

  test('starts without its zone’s control plane, on what it had accepted before', async () => {
    const outbound = (await outboundsTo('orders')) as [string, string]
    const port = String(await mesh.application((_request, response) => response.end('cold')))
    const before = await mesh.proxy('cold', 'envoy', '--port', port, ...outbound)
    await before.ready()
    await until('it reaches orders', async () => (await ask(before.port('outbound.orders'))).status === 200)

    await mesh.restartZone(async () => {
      await before.running.stop()
      const cold = await mesh.proxy('cold', 'envoy', '--port', port, ...outbound)
      await until('it serves', async () => (await ask(cold.port('outbound.orders'))).status === 200)
    })

    const after = (await mesh.api('/meshes/default/dataplanes/cold-envoy/_inspect')) as { refusals: unknown[] }
    assert.deepEqual(after.refusals, [])
    await until('its zone counts it as ready', async () => {
      const { readiness } = (await mesh.api('/meshes/default/dataplanes/cold-envoy/_inspect')) as {
        readiness: { proxy: { state: string } }
      }
      return readiness.proxy.state === 'ready'
    })
    await route('cold')
    await until('a change arrives', async () => (await ask(Number(outbound[1].split('=')[1]))).headers['x-turn'] === 'cold')
  })

  test('is started again when it crashes, and its callers use it again', async () => {
    const { envoy: before } = JSON.parse((await ask(second.port('admin'), { path: '/config' })).body)
    process.kill(before.pid, 'SIGKILL')
    await until('it is on record', async () =>
      /^skerry_envoy_crashes_total 1$/m.test((await ask(second.port('admin'), { path: '/stats' })).body),
    )

    await second.ready()
    const { envoy: after } = JSON.parse((await ask(second.port('admin'), { path: '/config' })).body)
    assert.notEqual(after.pid, before.pid)
    await until('callers know both again', async () => (await web.stat('cluster\\..*orders.*membership_healthy')) === 2)
  })

  test('leaves without losing a request', async () => {
    const { sent, lost } = await underLoad(async () => {
      await new Promise(resolve => setTimeout(resolve, 300))
      await second.running.stop()
      await new Promise(resolve => setTimeout(resolve, 300))
    })

    assert.deepEqual(lost, [])
    assert(sent > 50, `only ${sent} were sent`)
    assert(!existsSync(join(second.running.directory, 'envoy', 'admin.sock')) || (await isDown(second)))
    assert.equal(await call(), 200)
  })

  test('that outlived its agent makes room for the next one', async () => {
    const token = (await mesh.api('/tokens/dataplane', { method: 'POST', body: { mesh: 'default', workload: 'orders' } })) as string
    const data = join(mesh.directory, 'orders-3')
    const tokenFile = join(mesh.directory, 'orders-3.token')
    await writeFile(tokenFile, token)
    const { inbound } = await freePorts(['inbound'])
    const args = [skerry, 'proxy', 'run', '--cp', formatAddress(mesh.zone.ports.xds), '--token-file', tokenFile, '--name', 'orders-3']
    const more = [
      '--service',
      'orders',
      '--data',
      data,
      '--port',
      String(app),
      '--inbound-port',
      String(inbound),
      '--http-proxy-port',
      'none',
    ]
    const start = () => spawn(process.execPath, [...args, ...more, '--engine', 'envoy', '--envoy-path', envoy!], { stdio: 'ignore' })
    const healthy = () => web.stat('cluster\\..*orders.*membership_healthy')
    const before = await healthy()

    const killed = start()
    await until('it is ready', async () => (await healthy()) === before + 1)
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    await until('callers know', async () => (await healthy()) === before)
    const next = start()
    await until('the next one is ready', async () => (await healthy()) === before + 1)
    next.kill('SIGTERM')
    const [code] = await once(next, 'exit')

    assert.equal(code, 0)
    await until('callers know', async () => (await healthy()) === before)
  })
})

async function isDown(proxy: TestedProxy): Promise<boolean> {
  return proxy.admin('/ready').then(
    () => false,
    () => true,
  )
}
