import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, type TestContext, test } from 'node:test'
import type { FoundWorkload, Item, Scope } from '../../src/adapters/adapter.ts'
import { kubernetes } from '../../src/adapters/kubernetes/kubernetes.ts'
import { systemClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { systemRandom } from '../../src/std/random.ts'
import { eventually } from './eventually.ts'
import { Kube, kubeconfigOf } from './kube.ts'

const kinds = [
  { kind: 'ServiceExport', plural: 'serviceexports' },
  { kind: 'ServiceImport', plural: 'serviceimports' },
] as const

let kube: Kube | string

before(async () => {
  kube = await Kube.start({ controllers: false })
})
after(async () => {
  if (kube instanceof Kube) await kube.stop()
})

describe('services of several clusters', { timeout: 240_000 }, () => {
  mcsTest('a cluster that has none of it yet is whole, and has it as soon as its definitions are there', async (t, kube) => {
    await kube.apply(...aService('shop', 'web', '192.0.2.1'))
    const cluster = await open(t, await readFile(kube.kubeconfig, 'utf8'))
    const first = await cluster.list()
    assert.deepEqual([first.complete, first.missing], [true, []])
    assert.deepEqual(workloads(first.items).get('web-shop')?.labels, {})

    await kube.apply(...kinds.map(it => definition(it)))
    await eventually(() => kube.apply(anExport('shop', 'web'), anImport('shop', 'ledger', ['10.42.0.7'])))

    await eventually(async () => {
      const { complete, items } = await cluster.list()
      assert.equal(complete, true)
      const found = workloads(items)
      assert.equal(found.get('web-shop')?.labels['skerry.io/exported'], 'true')
      assert.deepEqual(
        [found.get('ledger-shop')?.address, found.get('ledger-shop')?.ports],
        ['10.42.0.7', [{ name: 'api', port: 80, protocol: 'grpc' }]],
      )
    })
  })

  mcsTest('exports and imports are followed as they come, change and go', async (t, kube) => {
    await kube.apply(...kinds.map(it => definition(it)), ...aService('follow', 'web', '192.0.2.2'))
    await eventually(() => kube.apply(anImport('follow', 'pay', [])))
    const cluster = await open(t, await readFile(kube.kubeconfig, 'utf8'))
    const known = await cluster.follow(t)
    const outcomeOf = (id: string) => known.get(id)?.outcome
    const labels = () => workloads([...known.values()]).get('web-follow')?.labels
    const pay = outcomeOf('import:follow/pay')
    assert.match(pay?.kind === 'left-out' ? pay.reason : '', /no cluster set IP/)

    await kube.apply(anExport('follow', 'web'), anImport('follow', 'pay', ['10.42.0.8']))
    await eventually(async () => {
      assert.deepEqual(labels(), { 'skerry.io/exported': 'true' })
      assert.equal(workloads([...known.values()]).get('pay-follow')?.address, '10.42.0.8')
    })

    await kube.ctl(['-n', 'follow', 'delete', 'serviceexport/web', 'serviceimport/pay'])
    await eventually(async () => {
      assert.deepEqual(labels(), {})
      assert.equal(known.has('import:follow/pay'), false)
    })
  })

  mcsTest('who may read Services and no exports finds all else', async (t, kube) => {
    await kube.apply(...kinds.map(it => definition(it)), ...aService('poor', 'web', '192.0.2.3'))
    await eventually(() => kube.apply(anExport('poor', 'web')))
    const verbs = ['get', 'list', 'watch']
    const rules = [
      { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs },
    ]
    await kube.apply(
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'poor' }, rules },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'poor' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'poor' },
        subjects: [{ kind: 'User', name: 'reader' }],
      },
    )
    const cluster = await open(t, kubeconfigOf(kube.url, (await readFile(kube.caFile)).toString('base64'), kube.readerToken))

    await eventually(async () => {
      const { complete, items } = await cluster.list()
      assert.equal(complete, true)
      assert.deepEqual(workloads(items).get('web-poor')?.labels, {})
    })
  })
})

function mcsTest(sentence: string, body: (t: TestContext, kube: Kube) => Promise<void>): void {
  test(sentence, async t => (kube instanceof Kube ? body(t, kube) : t.skip(kube)))
}

async function open(t: TestContext, config: string) {
  const adapter = await kubernetes.open(
    {
      mesh: 'default',
      name: 'test',
      spec: { type: 'Kubernetes', credentials: { type: 'Reference', reference: { type: 'EnvVar', envVar: { name: 'UNUSED' } } } },
    },
    {
      secret: async () => Buffer.from(config),
      budget: { take: async () => {}, throttled: () => {} },
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    },
  )
  t.after(() => adapter[Symbol.asyncDispose]())
  const scope: Scope = { id: 'kubernetes/test', locality: {} }
  const list = () => adapter.list(scope, AbortSignal.timeout(30_000))
  return {
    list,
    /** What is known from then on, by id. */
    async follow(t: TestContext): Promise<Map<string, Item>> {
      const { items, cursor } = await list()
      const known = new Map(items.map(item => [item.id, item]))
      const stop = new AbortController()
      const following = adapter.follow!(
        scope,
        cursor,
        changes => {
          for (const change of changes)
            if (change.kind === 'seen') known.set(change.item.id, change.item)
            else known.delete(change.gone.id)
        },
        stop.signal,
      )
      t.after(async () => {
        stop.abort()
        await following
      })
      return known
    },
  }
}

function workloads(items: readonly Item[]): Map<string, FoundWorkload> {
  return new Map(items.flatMap(({ outcome }) => (outcome.kind === 'workload' ? [[outcome.workload.workload, outcome.workload]] : [])))
}

/** With a slice that somebody else keeps. */
function aService(namespace: string, name: string, address: string): object[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { ports: [{ name: 'http', port: 80 }] } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-1`, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [address] }],
      ports: [{ name: 'http', port: 8080 }],
    },
  ]
}

function anExport(namespace: string, name: string): object {
  return { apiVersion: 'multicluster.x-k8s.io/v1beta1', kind: 'ServiceExport', metadata: { name, namespace } }
}

function anImport(namespace: string, name: string, ips: readonly string[]): object {
  const spec = { type: 'ClusterSetIP', ips, ports: [{ name: 'api', port: 80, protocol: 'TCP', appProtocol: 'grpc' }] }
  return { apiVersion: 'multicluster.x-k8s.io/v1beta1', kind: 'ServiceImport', metadata: { name, namespace }, spec }
}

/** In two versions, of which clusters prefer the later. https://github.com/kubernetes-sigs/mcs-api */
function definition({ kind, plural }: { readonly kind: string; readonly plural: string }): object {
  const version = (name: string, storage: boolean) => ({
    name,
    served: true,
    storage,
    schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  })
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.multicluster.x-k8s.io`,
      annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes/enhancements/pull/1646' },
    },
    spec: {
      group: 'multicluster.x-k8s.io',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      scope: 'Namespaced',
      versions: [version('v1alpha1', false), version('v1beta1', true)],
    },
  }
}
