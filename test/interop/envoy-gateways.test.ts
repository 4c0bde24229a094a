import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { freePorts } from '../../dev/layout.ts'
import { options as globalOptions } from '../../src/global-cp/config.ts'
import { type GlobalConfig, startGlobal } from '../../src/global-cp/global-cp.ts'
import { systemClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { formatAddress } from '../../src/std/option-value.ts'
import { type OptionSpec, resolveOptions } from '../../src/std/options.ts'
import { ask, EnvoyMesh, outboundsTo, skip, type TestedProxy, until } from './envoy-mesh.ts'

/** Two zones whose gateways are Envoys, and a gateway for clients from outside. */
describe('an Envoy as gateway', { skip, timeout: 120_000 }, () => {
  const stack = new AsyncDisposableStack()
  let east: EnvoyMesh
  let west: EnvoyMesh
  let ingress: TestedProxy
  let global: { api: (path: string, body: unknown, method?: string) => Promise<string> }

  before(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'skerry-global-'))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    const argv = ['--data', directory, '--api', '127.0.0.1:0', '--sync', '127.0.0.1:0']
    const resolved = resolveOptions(globalOptions as readonly OptionSpec[], { argv, env: {} })
    assert(resolved.kind === 'ok', JSON.stringify(resolved))
    const running = await startGlobal(resolved.values as unknown as GlobalConfig, { clock: systemClock, log: silentLog })
    stack.use(running)
    const admin = (await readFile(running.adminToken.file, 'utf8')).trim()
    global = {
      api: async (path, body, method = 'POST') => {
        const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json', connection: 'close' }
        const url = `http://${formatAddress(running.ports.api)}${path}`
        const response = await fetch(url, { method, headers, body: JSON.stringify(body) })
        const text = await response.text()
        assert(response.ok, `${path}: ${text}`)
        return text
      },
    }
    const zone = async (name: string) => {
      const file = join(directory, `${name}.token`)
      await writeFile(file, await global.api('/tokens/zone', { zone: name }))
      const mesh = await EnvoyMesh.start(name, ['--global', `https://${formatAddress(running.ports.sync)}`, '--zone-token-file', file])
      stack.defer(() => mesh.stop())
      await until(`${name} has the mesh`, async () => ((await mesh.api('/meshes')) as { total: number }).total > 0)
      return mesh
    }
    east = await zone('east')
    west = await zone('west')
  })
  after(() => stack.disposeAsync())

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

  test('takes clients from outside by host and path', async () => {
    const app = await east.application((request, response) => response.end(`shop ${request.url}`))
    const { port } = await freePorts(['port'])
    const put = (plural: string, type: string, name: string, spec: object) =>
      global.api(
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
