import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { EnvoyMesh, type TestedProxy, until } from './envoy-mesh.ts'
import { freePorts } from './free-ports.ts'
import { bootstrapOf, GrpcApp, grpcGo, grpcPython, inNode, inPython, type Language, type Said } from './grpc-apps.ts'

const python = await grpcPython()
const go = await grpcGo()
const noPython = python ? false : 'there is no grpcio: shared/peers/grpc-python.sh gets one'
const languages: readonly { language: Language; skip: false | string }[] = [
  { language: inNode, skip: false },
  { language: inPython(python ?? ''), skip: noPython },
]

const ids = (workload: string) => `spiffe://default.east.mesh.local/workload/${workload}`

/** Calls between applications without a proxy, each with gRPC's own xDS client, on what a real zone tells them. */
for (const { language, skip } of languages) {
  describe(`an application with ${language.name} and no proxy`, { skip, timeout: 240_000 }, () => {
    let mesh: EnvoyMesh
    let caller: GrpcApp
    let web: TestedProxy
    const apps: GrpcApp[] = []
    const policies: [plural: string, name: string][] = []

    /** A workload whose application serves by itself. */
    const workload = async (service: string, written: Language, name = service): Promise<TestedProxy> => {
      const [port = 0] = await freePorts(1)
      const proxy = await mesh.proxy(service, 'grpc', '--port', String(port), '--name', name)
      await until(`${name} has its certificate`, () => readable(join(proxy.running.directory, 'grpc', 'identity', 'ca.pem')))
      apps.push(await GrpcApp.start(written, bootstrapOf(proxy), { address: `127.0.0.1:${port}`, name }))
      await proxy.ready()
      return proxy
    }
    const apply = async (plural: string, type: string, spec: object, name = 'tested') => {
      policies.push([plural, name])
      await mesh.put(plural, type, name, spec)
    }
    const to = (service: string) => ({ targetRef: { kind: 'MeshService', labels: { 'kuma.io/display-name': service } } })
    const answers = async (target: string, text: string, asking: Parameters<GrpcApp['call']>[1] = {}) => {
      let last: Said | undefined
      await until(`${target} answers ${text}`, async () => {
        last = await caller.call(target, asking)
        return last.code === 'OK' && last.text === text
      }).catch(error => assert.fail(`${error.message}: ${JSON.stringify(last)} ${caller.log.slice(-600)}`))
    }

    before(async () => {
      mesh = await EnvoyMesh.start()
      await workload('orders', inNode, 'orders-node')
      await workload('billing', language)
      web = await mesh.proxy('web', 'grpc')
      await until('the caller has its certificate', () => readable(join(web.running.directory, 'grpc', 'identity', 'ca.pem')))
      caller = await GrpcApp.start(language, bootstrapOf(web))
      apps.push(caller)
    })
    after(async () => {
      for (const app of apps) await app.stop()
      await mesh?.stop()
    })
    test('reaches a service by every name that the mesh has for it, by mTLS', async () => {
      await answers('xds:///orders', 'orders-node')
      await answers('xds:///billing', 'billing')
      const { spec } = (await mesh.api('/meshes/default/meshservices/orders')) as { spec: { ports: { port: number }[] } }

      await answers('xds:///orders.mesh', 'orders-node')
      await answers('xds:///orders.svc.mesh.local', 'orders-node')
      await answers(`xds:///orders:${spec.ports[0]!.port}`, 'orders-node')
      await answers('xds:///kri_msvc_default_east__orders_main', 'orders-node')
    })

    test('is ready for its zone, and is told nothing that it refuses', async () => {
      await until('its zone counts it as ready', async () => {
        const { readiness } = (await web.inspect()) as { readiness: { proxy: { state: string } } }
        return readiness.proxy.state === 'ready'
      })
      const { refusals, engine, onDemand } = (await web.inspect()) as { refusals: unknown[]; engine: string; onDemand: { name: string }[] }
      assert.deepEqual(refusals, [])
      assert.equal(engine, 'grpc')
      assert(onDemand.some(({ name }) => name === 'orders') && onDemand.some(({ name }) => name === 'billing'))
    })

    test('gets no answer under a name that nobody has, and one as soon as somebody has it', async () => {
      // The C core believes in an absence after 15 s, and grpc-js never: what counts is that nothing answers, and that both go on listening.
      assert.notEqual((await caller.call('xds:///latecomer', { timeoutMs: 1000 })).code, 'OK')
      await workload('latecomer', inNode)
      await answers('xds:///latecomer', 'latecomer')
    })

    test('does not talk to a server with another identity', async () => {
      await workload('impostor', language)
      const { port } = (await dataplaneOf(mesh, 'impostor')).networking.inbound[0]!
      const inbound = [{ port, name: 'main', protocol: 'grpc', state: 'Ready' }]
      await mesh.api('/meshes/default/dataplanes/payroll-1', {
        method: 'PUT',
        body: {
          type: 'Dataplane',
          mesh: 'default',
          name: 'payroll-1',
          labels: { 'kuma.io/workload': 'payroll' },
          networking: { address: '127.0.0.1', inbound },
        },
      })
      await answers('xds:///impostor', 'impostor')
      await until('the zone has payroll', async () => {
        const service = await mesh.api('/meshes/default/meshservices/payroll').catch(() => null)
        return JSON.stringify(service).includes(ids('payroll'))
      })

      for (let i = 0; i < 3; i++) {
        const { code } = await caller.call('xds:///payroll', { timeoutMs: 3000 })
        assert.notEqual(code, 'OK', 'it believed the wrong identity')
      }
      // It was there all along, and is reached under its own name.
      await answers('xds:///impostor', 'impostor')
    })

    test('lets in whom MeshTrafficPermission allows, and nobody else', async () => {
      const targetRef = { kind: 'Dataplane', labels: { 'kuma.io/workload': 'billing' } }
      const only = (workload: string) => ({
        targetRef,
        rules: [{ default: { deny: [{ spiffeID: { type: 'Exact', value: ids(workload) } }] } }],
      })
      await apply('meshtrafficpermissions', 'MeshTrafficPermission', only('web'))
      await until('it is refused', async () => (await caller.call('xds:///billing')).code === 'PERMISSION_DENIED')
      await apply('meshtrafficpermissions', 'MeshTrafficPermission', only('somebody-else'))
      await answers('xds:///billing', 'billing')
    })

    test('splits, and routes by path and header, as MeshHTTPRoute says', async () => {
      const backend = (name: string, weight: number) => ({ kind: 'MeshService', labels: { 'kuma.io/display-name': name }, port: 0, weight })
      const backends = async (...wanted: [string, number][]) =>
        Promise.all(
          wanted.map(async ([name, weight]) => {
            const { spec } = (await mesh.api(`/meshes/default/meshservices/${name}`)) as { spec: { ports: { port: number }[] } }
            return { ...backend(name, weight), port: spec.ports[0]!.port }
          }),
        )
      const rules = [
        {
          matches: [{ headers: [{ name: 'x-canary', value: 'yes' }] }],
          default: { backendRefs: await backends(['billing', 1]) },
        },
        {
          matches: [{ path: { type: 'Exact', value: '/test.Echo/Whisper' } }],
          default: { backendRefs: await backends(['billing', 1]) },
        },
        {
          matches: [{ path: { type: 'PathPrefix', value: '/test.Echo' } }],
          default: { backendRefs: await backends(['orders', 50], ['billing', 50]) },
        },
      ]
      await apply('meshhttproutes', 'MeshHTTPRoute', { to: [{ ...to('orders'), rules }] })

      await answers('xds:///orders', 'billing', { headers: { 'x-canary': 'yes' } })
      await answers('xds:///orders', 'billing', { method: 'whisper' })
      for (let i = 0; i < 5; i++) assert.equal((await caller.call('xds:///orders', { method: 'whisper' })).text, 'billing')
      const split = await Promise.all(Array.from({ length: 60 }, () => caller.call('xds:///orders')))
      const of = (name: string) => split.filter(({ text }) => text === name).length
      assert(of('orders-node') >= 10 && of('billing') >= 10, JSON.stringify([of('orders-node'), of('billing')]))
      await mesh.remove('meshhttproutes', 'tested')
      policies.splice(0, policies.length, ...policies.filter(([plural]) => plural !== 'meshhttproutes'))
      await until('all go to orders again', async () => {
        const all = await Promise.all(Array.from({ length: 10 }, () => caller.call('xds:///orders', { method: 'whisper' })))
        return all.every(({ text }) => text === 'orders-node')
      })
    })

    test('tries again what MeshRetry names', async () => {
      assert.equal((await caller.call('xds:///orders', { say: `fail-once before-${language.name}` })).code, 'UNAVAILABLE')
      await apply('meshretries', 'MeshRetry', { to: [{ ...to('orders'), default: { grpc: { numRetries: 2, retryOn: ['Unavailable'] } } }] })

      let round = 0
      await until('a call that fails once succeeds', async () => {
        round++
        return (await caller.call('xds:///orders', { say: `fail-once after-${language.name}-${round}` })).code === 'OK'
      })
    })

    test('gives up when MeshTimeout says so', async () => {
      assert.equal((await caller.call('xds:///orders', { say: 'sleep 700', timeoutMs: 20_000 })).code, 'OK')
      await apply('meshtimeouts', 'MeshTimeout', { to: [{ ...to('orders'), default: { http: { requestTimeout: '300ms' } } }] })

      await until(
        'it gives up',
        async () => (await caller.call('xds:///orders', { say: 'sleep 700', timeoutMs: 20_000 })).code === 'DEADLINE_EXCEEDED',
      )
      await mesh.remove('meshtimeouts', 'tested')
      policies.splice(0, policies.length, ...policies.filter(([plural]) => plural !== 'meshtimeouts'))
      await until('it waits again', async () => (await caller.call('xds:///orders', { say: 'sleep 700', timeoutMs: 20_000 })).code === 'OK')
    })

    test('is shown what gRPC does not enforce', async () => {
      await apply('meshhealthchecks', 'MeshHealthCheck', { to: [{ ...to('orders'), default: { interval: '5s', timeout: '2s', tcp: {} } }] })
      await until('it is warned of', async () => {
        const { warnings } = (await web.inspect()) as { warnings: { reason: string }[] }
        return warnings.some(({ reason }) => /MeshHealthCheck is not enforced by gRPC/.test(reason))
      })
    })

    test('goes on while its zone is away, and knows of new instances when it is back', async () => {
      await mesh.restartZone(async () => {
        for (let i = 0; i < 5; i++) assert.equal((await caller.call('xds:///billing')).code, 'OK')
      })
      await answers('xds:///billing', 'billing')
      await workload('orders', language, 'orders-second')

      const seen = new Set<string>()
      await until('both instances answer', async () => {
        seen.add((await caller.call('xds:///orders')).text)
        return seen.has('orders-node') && seen.has('orders-second')
      })
    })
  })
}

describe('a program with grpc-go and no proxy', {
  skip: go ? false : 'there is no grpc-go: shared/peers/grpc-go.sh makes one',
  timeout: 120_000,
}, () => {
  test('reaches a server in Node by mTLS, and none with another identity', async () => {
    const mesh = await EnvoyMesh.start()
    const apps: GrpcApp[] = []
    try {
      const [port = 0] = await freePorts(1)
      const orders = await mesh.proxy('orders', 'grpc', '--port', String(port))
      const web = await mesh.proxy('web', 'grpc')
      for (const proxy of [orders, web])
        await until('it has its certificate', () => readable(join(proxy.running.directory, 'grpc', 'identity', 'ca.pem')))
      apps.push(await GrpcApp.start(inNode, bootstrapOf(orders), { address: `127.0.0.1:${port}`, name: 'orders' }))
      await orders.ready()

      const ask = async () => {
        const { stdout } = await promisify(execFile)(go!, ['xds:///orders'], {
          env: { ...process.env, GRPC_XDS_BOOTSTRAP: bootstrapOf(web) },
        })
        return stdout
      }
      await until('it is served', async () => /SERVING/.test(await ask()))

      await mesh.put('meshtrafficpermissions', 'MeshTrafficPermission', 'none', {
        targetRef: { kind: 'Dataplane', labels: { 'kuma.io/workload': 'orders' } },
        rules: [{ default: { deny: [{ spiffeID: { type: 'Exact', value: ids('web') } }] } }],
      })
      await until('it is refused', () =>
        ask().then(
          () => false,
          (error: { stderr?: string }) => /PermissionDenied/.test(error.stderr ?? ''),
        ),
      )
    } finally {
      for (const app of apps) await app.stop()
      await mesh.stop()
    }
  })
})

async function readable(path: string): Promise<boolean> {
  return (await readFile(path)).length > 0
}

async function dataplaneOf(mesh: EnvoyMesh, name: string) {
  return (await mesh.api(`/meshes/default/dataplanes/${name}`)) as { networking: { inbound: { port: number }[] } }
}
