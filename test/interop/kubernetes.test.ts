import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { AdapterDeps, FoundWorkload, Item, Listing, OpenAdapter, Scope, Source } from '../../src/adapters/adapter.ts'
import { ListAgainError } from '../../src/adapters/adapter.ts'
import { kubernetes } from '../../src/adapters/kubernetes/kubernetes.ts'
import { systemClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { systemRandom } from '../../src/std/random.ts'
import { eventually } from './eventually.ts'
import { readyAnnotation } from './fake-kubelet.ts'
import { Kube, type KubeOptions, kubeconfigOf } from './kube.ts'

let shared: Kube | string

before(async () => {
  shared = await Kube.start()
})
after(async () => {
  if (typeof shared !== 'string') await shared.stop()
})

describe('discovery in a Kubernetes cluster', { timeout: 240_000 }, () => {
  clusterTest(
    'finds the pods of a Deployment with ports, labels and zone, and follows them as they scale, restart and go',
    async (t, kube) => {
      await kube.apply(namespace('shop'), deployment('shop', 'web', 3), service('shop', 'web'))
      const view = await View.open(t, kube, { include: [{ namespaces: ['shop'] }], mapping: { copyLabels: ['tier'] } })

      await view.until(() => view.ready('web-shop').length === 3)
      const [found] = view.ready('web-shop')
      assert.deepEqual(found!.ports, [
        { name: 'http', port: 8080, protocol: 'http' },
        { name: 'api', port: 9090, protocol: 'grpc' },
      ])
      assert.equal(found!.labels.tier, 'front')
      assert.deepEqual(found!.locality, { cluster: 'x', cloud: 'aws', region: 'eu-central-1', zone: 'eu-central-1a' })
      assert.match(found!.address, /^10[.]244[.]/)

      await kube.ctl(['-n', 'shop', 'scale', 'deployment/web', '--replicas=6'])
      await view.until(() => view.ready('web-shop').length === 6)
      await kube.ctl(['-n', 'shop', 'scale', 'deployment/web', '--replicas=2'])
      await view.until(() => view.all('web-shop').length === 2)

      const before = new Set(view.ids('web-shop'))
      let fewest = Number.POSITIVE_INFINITY
      view.onChange = () => {
        fewest = Math.min(fewest, view.ready('web-shop').length)
      }
      await kube.ctl(['-n', 'shop', 'rollout', 'restart', 'deployment/web'])
      await view.until(() => view.ready('web-shop').length === 2 && view.ids('web-shop').every(id => !before.has(id)))
      assert.ok(fewest >= 1, `${fewest} were ready during the rollout`)

      await kube.ctl(['delete', 'namespace', 'shop'])
      await view.until(() => view.all('web-shop').length === 0)
      assert.equal(view.lists, 1, 'all of it by watching')
    },
  )

  clusterTest('says of a pod that is not ready why, and of one without a Service that it is in none', async (t, kube) => {
    await kube.apply(namespace('doubt'), deployment('doubt', 'web', 1), service('doubt', 'web'), deployment('doubt', 'alone', 1))
    const view = await View.open(t, kube, { include: [{ namespaces: ['doubt'] }] })
    await view.until(() => view.ready('web-doubt').length === 1)

    const pod = (await kube.ctl(['-n', 'doubt', 'get', 'pods', '-l', 'app=web', '-o', 'name'])).trim()
    await kube.ctl(['-n', 'doubt', 'annotate', pod, `${readyAnnotation}=false`])
    await kube.ctl([
      '-n',
      'doubt',
      'patch',
      pod,
      '--subresource=status',
      '-p',
      '{"status":{"conditions":[{"type":"Ready","status":"False"}]}}',
    ])
    await view.until(() => view.all('web-doubt').some(it => it.state === 'unhealthy'))

    assert.match(view.all('web-doubt')[0]!.reason ?? '', /unready|not ready/)
    await view.until(() => view.reasons().some(reason => reason === 'no Service selects it'))
    await kube.ctl(['-n', 'doubt', 'annotate', pod, `${readyAnnotation}-`])
    await view.until(() => view.ready('web-doubt').length === 1)
    await kube.ctl(['delete', 'namespace', 'doubt', '--wait=false'])
  })

  clusterTest('knows a headless Service, a Service without pods and an alias', async (t, kube) => {
    await kube.apply(
      namespace('odd'),
      { ...service('odd', 'db'), spec: { clusterIP: 'None', selector: { app: 'db' }, ports: [{ port: 5432 }] } },
      deployment('odd', 'db', 1),
      { ...service('odd', 'legacy'), spec: { ports: [{ name: 'http', port: 80 }] } },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'legacy-1', namespace: 'odd', labels: { 'kubernetes.io/service-name': 'legacy' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['192.0.2.10'] }],
        ports: [{ name: 'http', port: 8080 }],
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'mail', namespace: 'odd' },
        spec: { type: 'ExternalName', externalName: 'mail.example.com' },
      },
    )
    const view = await View.open(t, kube, { include: [{ namespaces: ['odd'] }] })

    await view.until(() => view.ready('db-odd').length === 1 && view.ready('legacy-odd').length === 1)
    assert.deepEqual(view.ready('db-odd')[0]!.ports, [{ name: '5432', port: 5432, protocol: 'tcp' }])
    assert.deepEqual(
      [view.ready('legacy-odd')[0]!.address, view.ready('legacy-odd')[0]!.ports],
      ['192.0.2.10', [{ name: 'http', port: 8080, protocol: 'http' }]],
    )
    assert.ok(view.reasons().some(reason => reason.includes('alias of mail.example.com')))
    await kube.ctl(['delete', 'namespace', 'odd', '--wait=false'])
  })

  clusterTest('proves of single pods whether they are still endpoints', async (t, kube) => {
    await kube.apply(namespace('proof'), deployment('proof', 'web', 2), service('proof', 'web'))
    const adapter = await open(t, {}, await readFile(kube.kubeconfig, 'utf8'))
    const found = async () =>
      (await adapter.list(aScope, AbortSignal.timeout(30_000))).items.filter(it => it.id.endsWith('@proof/web')).map(it => it.id)
    await eventually(async () => assert.equal((await found()).length, 2))
    const before = await found()

    await kube.ctl(['-n', 'proof', 'scale', 'deployment/web', '--replicas=1'])
    await eventually(async () => assert.equal((await found()).length, 1))
    const [left] = await found()
    const answers = await adapter.confirm!(aScope, before, AbortSignal.timeout(30_000))

    assert.equal(answers.get(left!), 'there')
    const [gone] = before.filter(id => id !== left)
    assert.deepEqual(answers.get(gone!), { id: gone, reason: 'it is no endpoint of proof/web any more' })
    await kube.ctl(['delete', 'namespace', 'proof', '--wait=false'])
  })

  clusterTest('stays with what it knows while the API server is away, and goes on when it is back', async (t, kube) => {
    await kube.apply(namespace('calm'), deployment('calm', 'web', 2), service('calm', 'web'))
    const view = await View.open(t, kube, { include: [{ namespaces: ['calm'] }] })
    await view.until(() => view.ready('web-calm').length === 2)

    await kube.killApiServer()
    await delay(3000)
    assert.equal(view.ready('web-calm').length, 2)
    await kube.restartApiServer()
    await kube.ctl(['-n', 'calm', 'scale', 'deployment/web', '--replicas=3'])

    await view.until(() => view.ready('web-calm').length === 3)
    assert.equal(view.gone, 0)
    await kube.ctl(['delete', 'namespace', 'calm', '--wait=false'])
  })

  clusterTest('is denied what RBAC denies, is told what it may read, and does with the rights of the chart', async (t, kube) => {
    await kube.apply(namespace('rights'), deployment('rights', 'web', 1), service('rights', 'web'))
    const ca = (await readFile(kube.caFile)).toString('base64')
    const config = kubeconfigOf(kube.url, ca, kube.readerToken)
    const denied = await open(t, { kubernetes: {} }, config)
    await assert.rejects(denied.list(aScope, AbortSignal.timeout(30_000)), { name: 'SourceCallError', what: 'denied' })

    const rules = [
      { apiGroups: [''], resources: ['services', 'pods'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
    ]
    await kube.apply(
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'r', namespace: 'rights' }, rules },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'r', namespace: 'rights' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
        subjects: [{ kind: 'User', name: 'reader' }],
      },
    )
    const within = await open(t, { kubernetes: { namespaces: ['rights', 'default'] } }, config)
    await eventually(async () => {
      const listing = await within.list(aScope, AbortSignal.timeout(30_000))
      assert.equal(listing.complete, false, 'namespace default is denied')
      assert.match(listing.missing.join(), /default.*403/)
      assert.equal(workloadsOf(listing).length, 1)
    })
    await kube.ctl(['delete', 'namespace', 'rights', '--wait=false'])
  })
})

describe('discovery in a cluster that forgets', { timeout: 240_000 }, () => {
  for (const options of [{ watchCache: false }, { etcd: '3.4' }] satisfies KubeOptions[])
    test(`${JSON.stringify(options)}: what was compacted is listed again, and what changed is found`, async t => {
      const kube = await Kube.start(options)
      if (typeof kube === 'string') return t.skip(kube)
      t.after(() => kube.stop())
      await kube.apply(namespace('shop'), deployment('shop', 'web', 2), service('shop', 'web'))
      const view = await View.open(t, kube, { include: [{ namespaces: ['shop'] }], mapping: { copyLabels: ['tier'] } })
      await view.until(() => view.ready('web-shop').length === 2)

      const adapter = await open(t, {}, await readFile(kube.kubeconfig, 'utf8'))
      const listing = await adapter.list(aScope, AbortSignal.timeout(30_000))
      await kube.ctl(['-n', 'shop', 'scale', 'deployment/web', '--replicas=4'])
      await view.until(() => view.ready('web-shop').length === 4)
      if (options.watchCache === false) {
        await kube.compact()
        await assert.rejects(
          adapter.follow!(aScope, listing.cursor, () => {}, AbortSignal.timeout(60_000)),
          ListAgainError,
        )
      }

      const again = await adapter.list(aScope, AbortSignal.timeout(30_000))
      assert.equal(workloadsOf(again).filter(it => it.workload === 'web-shop').length, 4)
      assert.equal(again.complete, true)
    })
})

const aScope: Scope = { id: 'kubernetes/test', locality: {} }

function clusterTest(sentence: string, body: (t: TestContext, kube: Kube) => Promise<void>): void {
  test(sentence, async t => {
    if (typeof shared === 'string') return t.skip(shared)
    await body(t, shared)
  })
}

async function open(t: TestContext, spec: Partial<Source['spec']>, config: string): Promise<OpenAdapter> {
  const deps: AdapterDeps = {
    secret: async () => Buffer.from(config),
    budget: { take: async () => {}, throttled: () => {} },
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  }
  const reference = { type: 'EnvVar', envVar: { name: 'UNUSED' } } as const
  const source: Source = {
    mesh: 'default',
    name: 'test',
    spec: { type: 'Kubernetes', credentials: { type: 'Reference', reference }, ...spec },
  }
  const adapter = await kubernetes.open(source, deps)
  t.after(() => adapter[Symbol.asyncDispose]())
  return adapter
}

/** What the adapter says, put together as whoever runs it would, without keeping anything longer than it says. */
class View {
  readonly items = new Map<string, Item>()
  onChange: () => void = () => {}
  lists = 0
  /** How many workloads went. */
  gone = 0
  readonly #adapter: OpenAdapter
  readonly #stop = new AbortController()

  static async open(t: TestContext, kube: Kube, spec: Partial<Source['spec']>): Promise<View> {
    const adapter = await open(t, { kubernetes: { context: 'x' }, ...spec }, await readFile(kube.kubeconfig, 'utf8'))
    const view = new View(adapter)
    const running = view.#run()
    t.after(async () => {
      view.#stop.abort()
      await running
    })
    return view
  }

  private constructor(adapter: OpenAdapter) {
    this.#adapter = adapter
  }

  all(workload: string): FoundWorkload[] {
    return [...this.items.values()].flatMap(({ outcome }) =>
      outcome.kind === 'workload' && outcome.workload.workload === workload ? outcome.workload : [],
    )
  }

  ready(workload: string): FoundWorkload[] {
    return this.all(workload).filter(it => it.state === 'ready')
  }

  ids(workload: string): string[] {
    return [...this.items.values()]
      .filter(({ outcome }) => outcome.kind === 'workload' && outcome.workload.workload === workload)
      .map(it => it.id)
  }

  reasons(): string[] {
    return [...this.items.values()].flatMap(({ outcome }) => (outcome.kind === 'left-out' ? outcome.reason : []))
  }

  async until(isSo: () => boolean): Promise<void> {
    await eventually(async () => assert.ok(isSo(), `${isSo}: ${JSON.stringify([...this.items.values()].map(it => it.outcome))}`))
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        const { scopes } = await this.#adapter.scopes(signal)
        assert.ok(scopes[0]!.identity, 'the uid of kube-system')
        const listing = await this.#adapter.list(scopes[0]!, signal)
        this.lists++
        for (const item of listing.items) this.items.set(item.id, item)
        this.onChange()
        await this.#adapter.follow!(
          scopes[0]!,
          listing.cursor,
          changes => {
            for (const change of changes) {
              if (change.kind === 'seen') this.items.set(change.item.id, change.item)
              else {
                if (this.items.get(change.gone.id)?.outcome.kind === 'workload') this.gone++
                this.items.delete(change.gone.id)
              }
            }
            this.onChange()
          },
          signal,
        )
      } catch {
        await delay(200, undefined, { signal }).catch(() => {})
      }
    }
  }
}

function workloadsOf({ items }: Listing): FoundWorkload[] {
  return items.flatMap(({ outcome }) => (outcome.kind === 'workload' ? outcome.workload : []))
}

function namespace(name: string): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
}

function deployment(namespace: string, name: string, replicas: number): object {
  const labels = { app: name, tier: 'front' }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'example.com/app:1' }] } },
    },
  }
}

function service(namespace: string, name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: {
      selector: { app: name },
      ports: [
        { name: 'http', port: 80, targetPort: 8080 },
        { name: 'api', port: 90, targetPort: 9090, appProtocol: 'grpc' },
      ],
    },
  }
}
