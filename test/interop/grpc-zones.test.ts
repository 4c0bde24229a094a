import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type EnvoyMesh, type TestedProxy, until } from './envoy-mesh.ts'
import { freePorts } from './free-ports.ts'
import { bootstrapOf, GrpcApp, grpcPython, inNode, inPython, type Language, type Said } from './grpc-apps.ts'
import { startTwoZones, type TwoZones } from './two-zones.ts'

const python = await grpcPython()
const languages: readonly { language: Language; skip: false | string }[] = [
  { language: inNode, skip: false },
  { language: inPython(python ?? ''), skip: python ? false : 'there is no grpcio: shared/peers/grpc-python.sh gets one' },
]

/** A service with an application without a proxy in each of two zones. */
for (const { language, skip } of languages) {
  describe(`${language.name} in two zones`, { skip, timeout: 120_000 }, () => {
    let zones: TwoZones
    const apps: GrpcApp[] = []
    let caller: GrpcApp
    let near: { readonly app: GrpcApp; readonly proxy: TestedProxy }

    const companion = async (mesh: EnvoyMesh, service: string, ...argv: string[]) => {
      const proxy = await mesh.proxy(service, 'grpc', '--name', `${service}-${mesh.name}`, ...argv)
      const file = join(proxy.running.directory, 'grpc', 'identity', 'ca.pem')
      await until(`${service} has its certificate`, async () => (await readFile(file)).length > 0)
      return proxy
    }
    const serve = async (mesh: EnvoyMesh, service: string) => {
      const [port = 0] = await freePorts(1)
      const proxy = await companion(mesh, service, '--port', String(port))
      const app = await GrpcApp.start(language, bootstrapOf(proxy), { address: `127.0.0.1:${port}`, name: `${service} of ${mesh.name}` })
      apps.push(app)
      await proxy.ready()
      return { app, proxy }
    }
    const answers = async (text: string) => {
      let last: Said | undefined
      await until(`orders answers: ${text}`, async () => {
        last = await caller.call('xds:///orders', { timeoutMs: 3000 })
        return last.text === text
      }).catch(error => assert.fail(`${error.message}: ${JSON.stringify(last)} ${caller.log.slice(-1500)}`))
    }

    before(async () => {
      zones = await startTwoZones()
      const { east, west, global } = zones
      await global(
        '/meshes/default/meshmultizoneservices/orders',
        {
          type: 'MeshMultiZoneService',
          mesh: 'default',
          name: 'orders',
          labels: { 'kuma.io/display-name': 'orders' },
          spec: {
            selector: { meshService: { matchLabels: { 'kuma.io/display-name': 'orders' } } },
            ports: [{ name: 'main', port: 50051, appProtocol: 'grpc' }],
          },
        },
        'PUT',
      )
      const gateway = await west.proxy('zone-gateway', 'skerry', '--role', 'zone-gateway')
      await gateway.ready()
      near = await serve(east, 'orders')
      await serve(west, 'orders')
      const web = await companion(east, 'web')
      caller = await GrpcApp.start(language, bootstrapOf(web))
      apps.push(caller)
    })
    after(async () => {
      for (const app of apps) await app.stop()
      await zones?.[Symbol.asyncDispose]()
    })

    test('a caller stays in its zone, fails over to the other by mTLS all the way, and comes back', async () => {
      await answers('orders of east')
      await near.app.stop()
      await answers('orders of west')

      await serve(zones.east, 'orders')
      await answers('orders of east')
    })
  })
}
