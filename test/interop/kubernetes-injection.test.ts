import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { formatAddress } from '../../src/std/option-value.ts'
import { eventually } from './eventually.ts'
import { Kube } from './kube.ts'
import { KubeZone } from './kube-zone.ts'

const configuration = 'skerry'
const program = join(import.meta.dirname, '..', '..', 'bin', 'skerry.js')

let kube: Kube | string
let zone: KubeZone
let directory: string

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skerry-injection-'))
  kube = await Kube.start()
  if (typeof kube === 'string') return
  await kube.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'mesh-system' } })
  zone = await KubeZone.start(directory, [
    ...['--kubernetes-webhook', '127.0.0.1:0', '--kubernetes-attest', '--kubernetes-publish', `mesh-system/${configuration}`],
    ...['--kubernetes-config', kube.kubeconfig],
  ])
  const webhook = (name: string, namespaceSelector: object, objectSelector: object) => ({
    name: `${name}.skerry.io`,
    clientConfig: { url: `https://${formatAddress(zone.zone.ports.webhook!)}/inject` },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    namespaceSelector,
    objectSelector,
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    reinvocationPolicy: 'IfNeeded',
    failurePolicy: 'Ignore',
  })
  const enabled = { matchLabels: { 'skerry.io/inject': 'enabled' } }
  const unsaid = { matchExpressions: [{ key: 'skerry.io/inject', operator: 'DoesNotExist' }] }
  await kube.apply({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: configuration },
    webhooks: [webhook('namespace', enabled, unsaid), webhook('pod', {}, enabled)],
  })
  await kube.apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { 'skerry.io/inject': 'enabled' } } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } },
  )
})
after(async () => {
  if (typeof kube !== 'string') {
    await zone[Symbol.asyncDispose]()
    await kube.stop()
  }
  await rm(directory, { recursive: true, force: true })
})

describe('a zone in a Kubernetes cluster', { timeout: 240_000 }, () => {
  clusterTest('keeps its CA where pods and the API server look for it', async kube => {
    await eventually(async () => {
      const { body } = await kube.call('GET', '/api/v1/namespaces/mesh-system/configmaps/skerry')
      assert.match(body.data['ca.crt'], /BEGIN CERTIFICATE/)
      const hooks = await kube.call('GET', `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${configuration}`)
      const bundles = hooks.body.webhooks.map((it: { clientConfig: { caBundle: string } }) => it.clientConfig.caBundle)
      assert.deepEqual(bundles, [Buffer.from(body.data['ca.crt']).toString('base64'), bundles[0]])
    })
  })

  clusterTest('adds a proxy to pods of labelled namespaces and to labelled pods, to a dry run as well, and to no other', async kube => {
    const containers = async (namespace: string, pod: object, query = '') => {
      const { status, body } = await kube.call('POST', `/api/v1/namespaces/${namespace}/pods${query}`, pod)
      assert.equal(status, 201, JSON.stringify(body))
      return body.spec.containers.map((it: { name: string }) => it.name)
    }
    await eventually(async () => assert.deepEqual(await containers('shop', aPod('probe', {}), '?dryRun=All'), ['app', 'skerry-proxy']))

    assert.deepEqual(await containers('shop', aPod('a', {})), ['app', 'skerry-proxy'])
    assert.deepEqual(await containers('shop', aPod('b', { 'skerry.io/inject': 'disabled' })), ['app'])
    assert.deepEqual(await containers('other', aPod('c', {})), ['app'])
    assert.deepEqual(await containers('other', aPod('d', { 'skerry.io/inject': 'enabled' })), ['app', 'skerry-proxy'])
  })

  clusterTest('takes in the proxy of a pod by the token of its service account, as what the pod is and as nothing else', async kube => {
    await kube.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'web', namespace: 'shop' } })
    const made = await kube.call('POST', '/api/v1/namespaces/shop/pods', aPod('web-1', { app: 'web' }, 'web'))
    const pod = { name: 'web-1', uid: made.body.metadata.uid as string }
    const token = await kube.serviceAccountToken('shop', 'web', 'skerry', pod)
    await using application = await anApplication()

    await using proxy = await InjectedProxy.start(made.body, token, application.port)
    const dataplane = await eventually(() => zone.get('/meshes/default/dataplanes/web-1.shop'))
    assert.equal(dataplane.labels['kuma.io/workload'], 'web-shop')
    assert.equal(dataplane.labels['k8s.kuma.io/namespace'], 'shop')
    await eventually(async () => assert.equal((await fetch(`http://127.0.0.1:${proxy.adminPort}/ready`)).status, 200))

    await using other = await InjectedProxy.start(made.body, token, application.port, { SKERRY_SERVICE: 'payments' })
    assert.match(await other.refusal(), /SKERRY_TOKEN_OTHER_WORKLOAD/)
    const forCluster = await kube.serviceAccountToken('shop', 'web', 'https://kubernetes.default.svc', pod)
    await using wrongAudience = await InjectedProxy.start(made.body, forCluster, application.port)
    assert.match(await wrongAudience.refusal(), /SKERRY_TOKEN_INVALID/)
    await using gateway = await InjectedProxy.start(made.body, token, application.port, {
      SKERRY_ROLE: 'zone-gateway',
      SKERRY_PORT: '',
      SKERRY_INBOUND_PORT: '',
    })
    assert.match(await gateway.refusal(), /SKERRY_TOKEN_OTHER_TYPE/)
    const unbound = await kube.serviceAccountToken('shop', 'web', 'skerry')
    await using noPod = await InjectedProxy.start(made.body, unbound, application.port)
    assert.match(await noPod.refusal(), /bound to no pod/)
  })
})

function aPod(name: string, labels: object, serviceAccountName = 'default'): object {
  const containers = [{ name: 'app', image: 'example.com/app:1', ports: [{ name: 'http', containerPort: 8080 }] }]
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec: { serviceAccountName, containers } }
}

function clusterTest(sentence: string, body: (kube: Kube) => Promise<void>): void {
  test(sentence, async t => {
    if (typeof kube === 'string') return t.skip(kube)
    await body(kube)
  })
}

async function anApplication() {
  const server: Server = createServer((_, response) => response.end('web')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close }
}

/** The container that was added, run here as a kubelet would run it: with its environment, and its volumes as files. */
class InjectedProxy implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #data: string
  #output = ''
  adminPort = 0

  // biome-ignore lint/suspicious/noExplicitAny: a pod, as the API server gives it
  static async start(pod: any, token: string, applicationPort: number, more: Record<string, string> = {}): Promise<InjectedProxy> {
    const data = await mkdtemp(join(directory, 'proxy-'))
    await writeFile(join(data, 'token'), token)
    await writeFile(join(data, 'ca.pem'), pod.metadata.annotations['skerry.io/control-plane-ca'])
    const container = pod.spec.containers.find((it: { name: string }) => it.name === 'skerry-proxy')
    const fields: Record<string, string> = {
      'metadata.name': pod.metadata.name,
      'metadata.namespace': pod.metadata.namespace,
      'status.podIP': '127.0.0.1',
    }
    const environment: Record<string, string> = {}
    for (const { name, value, valueFrom } of container.env)
      environment[name] = (valueFrom ? fields[valueFrom.fieldRef.fieldPath]! : (value as string))
        .replace(/\$\((\w+)\)/g, (_, variable: string) => environment[variable] ?? '')
        .replace('/var/run/secrets/skerry.io', data)
    // All pods of a test share one address: ports that pods have of their own are any free ones here.
    Object.assign(
      environment,
      {
        SKERRY_DATA: join(data, 'data'),
        SKERRY_ADMIN: '127.0.0.1:0',
        SKERRY_INBOUND_PORT: '0',
        SKERRY_PORT: `http:${applicationPort}/http`,
      },
      more,
    )
    const child = spawn(process.execPath, [program, ...container.args], {
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const proxy = new InjectedProxy(child, data)
    await proxy.#readPorts()
    return proxy
  }

  private constructor(child: ChildProcess, data: string) {
    this.#process = child
    this.#data = data
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => (this.#output += chunk))
  }

  /** What it was refused with. */
  async refusal(): Promise<string> {
    return eventually(async () => {
      assert.match(this.#output, /SKERRY_TOKEN/)
      return this.#output
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, 'exit')
      this.#process.kill('SIGTERM')
      await exited
    }
    await rm(this.#data, { recursive: true, force: true })
  }

  async #readPorts(): Promise<void> {
    await eventually(async () => {
      if (/SKERRY_TOKEN/.test(this.#output)) return
      const ports = JSON.parse(await readFile(join(this.#data, 'data', 'ports.json'), 'utf8'))
      this.adminPort = Number(
        String(ports.admin?.port ?? ports.admin)
          .split(':')
          .at(-1),
      )
      assert.ok(this.adminPort > 0, JSON.stringify(ports))
    })
  }
}
