import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ask, EnvoyMesh, outboundsTo, type TestedProxy, until, skip as withoutEnvoy } from './envoy-mesh.ts'

/** Workloads without a proxy behind a zone gateway, which is the built-in proxy once and an Envoy once; the caller's likewise. */
for (const engine of ['skerry', 'envoy'] as const) {
  describe(`workloads without a proxy behind ${engine} as zone gateway`, {
    skip: engine === 'envoy' ? withoutEnvoy : false,
    timeout: 120_000,
  }, () => {
    let mesh: EnvoyMesh
    let web: TestedProxy
    let gateway: TestedProxy
    let secondPort = 0
    const seen: string[] = []

    before(async () => {
      mesh = await EnvoyMesh.start()
      const own = await mesh.application((_request, response) => response.end('web'))
      web = await mesh.proxy('web', engine, '--port', String(own), ...(await outboundsTo('plain')))
      await web.ready()
    })
    after(() => mesh.stop())

    const instance = (name: string, port: number, state: 'Ready' | 'NotReady' = 'Ready', extra: object = {}) =>
      mesh.api(`/meshes/default/dataplanes/${name}`, {
        method: 'PUT',
        body: {
          type: 'Dataplane',
          mesh: 'default',
          name,
          labels: { 'kuma.io/workload': 'plain', 'skerry.io/proxy': 'none' },
          networking: { address: '127.0.0.1', inbound: [{ port, name: 'http', protocol: 'http', state }], ...extra },
        },
      })
    const call = () => ask(web.port('outbound.plain'), { path: '/some?thing=1', headers: { 'x-from': 'web' } })
    const readiness = async (name: string) => {
      const { readiness } = (await mesh.api(`/meshes/default/dataplanes/${name}/_inspect`)) as {
        readiness: { inbounds: Record<string, { state: string; reason: string }> }
      }
      return readiness.inbounds.http!
    }

    test('without a zone gateway they are not published, and it is said why', async () => {
      const first = await mesh.application((request, response) => {
        seen.push(`${request.method} ${request.url} ${request.headers['x-from']}`)
        response.end('first')
      })
      await instance('plain-1', first)

      const { state, reason } = await readiness('plain-1')
      assert.equal(state, 'not-ready')
      assert.match(reason, /zone east has no zone gateway.*--role zone-gateway/)
      await until('the caller has nowhere to send to', async () => (await call()).status === 503)
    })

    test('a zone gateway answers in the name of the workload, and speaks plain HTTP to it', async () => {
      gateway = await mesh.proxy('zone-gateway', engine, '--role', 'zone-gateway')
      await gateway.ready()

      await until('it is reached', async () => (await call()).body === 'first')
      assert.equal(seen.at(-1), 'GET /some?thing=1 web')
      const { state } = await readiness('plain-1')
      assert.equal(state, 'ready')
      if (engine === 'envoy') assert.deepEqual(await gateway.complaints(), [])
    })

    test('permissions are those of the workload, not of the gateway', async () => {
      const of = (workload: string) => ({
        targetRef: { kind: 'Dataplane', labels: { 'kuma.io/workload': workload } },
        rules: [{ default: { deny: [{ spiffeID: { type: 'Prefix', value: 'spiffe://default.east.mesh.local/workload/web' } }] } }],
      })
      await mesh.put('meshtrafficpermissions', 'MeshTrafficPermission', 'not-web', of('zone-gateway'))
      assert.equal((await call()).body, 'first')

      await mesh.put('meshtrafficpermissions', 'MeshTrafficPermission', 'not-web', of('plain'))
      await until('web is turned away', async () => (await call()).status === 403)

      await mesh.remove('meshtrafficpermissions', 'not-web')
      await until('web is let in again', async () => (await call()).body === 'first')
    })

    test('timeouts are those of the workload', async () => {
      const slow = await mesh.application((_request, response) => void setTimeout(() => response.end('late'), 3000))
      await instance('plain-1', slow)
      await mesh.put('meshtimeouts', 'MeshTimeout', 'short', {
        targetRef: { kind: 'Dataplane', labels: { 'kuma.io/workload': 'plain' } },
        rules: [{ default: { http: { requestTimeout: '200ms' } } }],
      })
      await until('it is cut off', async () => (await call()).status === 504)
      await mesh.remove('meshtimeouts', 'short')
      await until('it has time again', async () => (await call()).body === 'late')
    })

    test('instances share the requests, and one that is not ready gets none', async () => {
      const [first, second] = await Promise.all(
        ['first', 'second'].map(name => mesh.application((_request, response) => response.end(name))),
      )
      secondPort = second!
      await instance('plain-1', first!)
      await instance('plain-2', second!)
      const bodies = new Set<string>()
      await until('both answer', async () => bodies.add((await call()).body).size > 1 && bodies.has('first') && bodies.has('second'))

      await instance('plain-1', first!, 'NotReady')
      await until('the first is left out', async () => {
        const answers = await Promise.all(Array.from({ length: 8 }, call))
        return answers.every(({ body }) => body === 'second')
      })
    })

    test('an instance that takes no connection costs no request while there is another', async () => {
      const gone = await mesh.application((_request, response) => response.end('never'))
      // A port that nobody listens on: one of an application that has ended.
      await instance('plain-1', gone === secondPort ? gone + 1 : 1)
      const answers = await Promise.all(Array.from({ length: 20 }, call))
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
    })

    test('a control plane that goes and comes back costs no request', async () => {
      const statuses: number[] = []
      let isOver = false
      const asking = (async () => {
        while (!isOver) statuses.push((await call()).status)
      })()
      await mesh.restartZone(async () => void (await call()))
      await until('the gateway is back', async () =>
        ((await gateway.insight()) as { readiness: { ready: boolean }[] }).readiness.every(it => it.ready),
      )
      await until('and with it the workload', async () => (await readiness('plain-2')).state === 'ready')
      isOver = true
      await asking

      assert.deepEqual([...new Set(statuses)], [200])
    })

    test('another zone gateway takes over from one that stops, without a failed request', async () => {
      const second = await mesh.proxy('zone-gateway', engine, '--role', 'zone-gateway', '--name', 'second-gateway')
      await second.ready()
      // Its own word: it may still be on its way back to the control plane.
      await until('the caller knows of it', async () => (await ask(web.port('admin'), { path: '/config' })).body.includes('second-gateway'))
      const statuses: number[] = []
      let isOver = false
      const asking = (async () => {
        while (!isOver) statuses.push((await call()).status)
      })()
      await gateway.running.stop()
      await call()
      isOver = true
      await asking

      assert.deepEqual([...new Set(statuses)], [200])
      gateway = second
    })

    test('what is gone is no longer answered for', async () => {
      await mesh.remove('dataplanes', 'plain-1')
      await mesh.remove('dataplanes', 'plain-2')
      await until('nobody answers', async () => (await call()).status === 503)
      const { listeners } = (await gateway.inspect()) as { listeners: { name: string }[] }
      assert(listeners.every(({ name }) => !name.startsWith('agentless_')))
    })
  })
}
