import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from './eventually.ts'
import { Kube } from './kube.ts'
import { KubeZone } from './kube-zone.ts'

const run = promisify(execFile)
const gatewayApi = 'sigs.k8s.io/gateway-api@v1.3.0'

let kube: Kube | string
let zone: KubeZone
let directory: string

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skerry-routes-'))
  const definitions = await findDefinitions(directory)
  if (definitions === undefined) {
    kube = `no Gateway API: ${gatewayApi} cannot be had as a Go module`
    return
  }
  kube = await Kube.start({ controllers: false })
  if (typeof kube === 'string') return
  await kube.ctl(['apply', '--server-side', '-f', definitions])
  await kube.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, service('web', 80), service('web-v2', 80))
  zone = await KubeZone.start(directory, ['--kubernetes-routes', '--kubernetes-config', kube.kubeconfig])
})
after(async () => {
  if (typeof kube !== 'string') {
    await zone[Symbol.asyncDispose]()
    await kube.stop()
  }
  await rm(directory, { recursive: true, force: true })
})

describe('routes of a Kubernetes cluster', { timeout: 240_000 }, () => {
  test('an HTTPRoute at a Service holds in the mesh, says so in its status, and goes with what it is made of', async t => {
    if (typeof kube === 'string') return t.skip(kube)
    const { apply, ctl, call } = bound(kube)
    await apply(route('canary', [{ backendRefs: [backend('web', 9), backend('web-v2', 1)] }]))

    const found = await eventually(() => zone.get(pathOf('canary')))
    assert.equal(found.spec.to[0].targetRef.labels['kuma.io/display-name'], 'web-shop')
    const weights = found.spec.to[0].rules[0].default.backendRefs.map((it: { weight: number }) => it.weight)
    assert.deepEqual(weights, [9, 1])
    await eventually(async () => assert.deepEqual(await conditions(call, 'canary'), ['Accepted True', 'ResolvedRefs True']))

    const { status } = await zone.call('DELETE', pathOf('canary'))
    assert.equal(status >= 400, true, 'it is changed in the cluster')
    await apply(route('canary', [{ backendRefs: [backend('web', 1)], timeouts: { request: '1s' } }]))
    await eventually(async () => assert.deepEqual(await conditions(call, 'canary'), ['Accepted False', 'ResolvedRefs True']))
    assert.equal((await zone.call('GET', pathOf('canary'))).status, 404)

    await apply(route('canary', [{ backendRefs: [backend('web', 1)] }]))
    await eventually(() => zone.get(pathOf('canary')))
    await ctl(['-n', 'shop', 'delete', 'httproute', 'canary'])
    await eventually(async () => assert.equal((await zone.call('GET', pathOf('canary'))).status, 404))
  })

  test('a route waits for its backend', async t => {
    if (typeof kube === 'string') return t.skip(kube)
    const { apply, call } = bound(kube)
    await apply(route('later', [{ backendRefs: [backend('web-v3', 1)] }]))
    await eventually(async () => assert.deepEqual(await conditions(call, 'later'), ['Accepted True', 'ResolvedRefs False']))

    await apply(service('web-v3', 80))

    await eventually(() => zone.get(pathOf('later')))
    await eventually(async () => assert.deepEqual(await conditions(call, 'later'), ['Accepted True', 'ResolvedRefs True']))
  })
})

function bound(kube: Kube) {
  return {
    apply: (...objects: object[]) => kube.apply(...objects),
    ctl: (args: readonly string[]) => kube.ctl(args),
    call: (method: string, path: string) => kube.call(method, path),
  }
}

async function conditions(call: Kube['call'], name: string): Promise<string[]> {
  const { body } = await call('GET', `/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/${name}`)
  const [ours] = body.status.parents
  return ours.conditions.map((it: { type: string; status: string }) => `${it.type} ${it.status}`)
}

const pathOf = (name: string) => `/meshes/default/meshhttproutes/${name}.shop.httproute`

function service(name: string, port: number): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'shop' }, spec: { ports: [{ name: 'http', port }] } }
}

function backend(name: string, weight: number): object {
  return { name, port: 80, weight }
}

function route(name: string, rules: readonly object[]): object {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name, namespace: 'shop' },
    spec: { parentRefs: [{ group: '', kind: 'Service', name: 'web', port: 80 }], rules },
  }
}

/** The folder with the Gateway API's own definitions; undefined: they cannot be had. */
async function findDefinitions(cwd: string): Promise<string | undefined> {
  try {
    const { stdout } = await run('go', ['mod', 'download', '-json', gatewayApi], { cwd, timeout: 120_000 })
    return join((JSON.parse(stdout) as { Dir: string }).Dir, 'config', 'crd', 'standard')
  } catch {
    return undefined
  }
}
