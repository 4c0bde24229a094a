import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Item } from '../../adapter.ts'
import { type ClusterEvent, ClusterState } from '../cluster-state.ts'
import type { RawObject } from '../object-facts.ts'
import { translate } from '../translate.ts'
import { importFacts } from './mcs-objects.ts'
import { translateImport } from './translate-import.ts'

const spec = { ips: ['10.42.0.7', 'fd00::7'], type: 'ClusterSetIP', ports: [{ name: 'web', port: 80, appProtocol: 'kubernetes.io/h2c' }] }

test('an imported service is one workload at its first cluster set IP, with the ports that it says', () => {
  const { outcome, facts } = translated({
    spec: { ...spec, ports: [...spec.ports, { name: 'grpc-api', port: 9090 }, { name: 'dns', port: 53, protocol: 'UDP' }] },
    status: { clusters: [{ cluster: 'gcp-1' }, { cluster: 'gcp-2' }] },
  })

  assert.deepEqual(outcome, {
    kind: 'workload',
    workload: {
      workload: 'ledger-billing',
      namespace: 'billing',
      address: '10.42.0.7',
      ports: [
        { name: 'web', port: 80, protocol: 'http2' },
        { name: 'grpc-api', port: 9090, protocol: 'grpc' },
      ],
      state: 'ready',
      labels: {},
      locality: { cluster: 'prod' },
    },
  })
  assert.equal(facts.clusters, 'gcp-1, gcp-2')
})

test('what has no cluster set IP, or is the mesh itself, is left out, and why', () => {
  assert.match(reasonOf(translated({ spec: { ...spec, ips: [] } })), /no cluster set IP [(]yet[)]/)
  assert.match(reasonOf(translated({ spec: { ...spec, type: 'Headless', ips: null } })), /headless/)
  assert.match(reasonOf(translated({ spec, metadata: { labels: { 'app.kubernetes.io/managed-by': 'skerry' } } })), /made of the mesh/)
  assert.match(reasonOf(translated({})), /no cluster set IP/)
  assert.match(reasonOf(translated({ spec: { ...spec, ports: [{ port: 53, protocol: 'UDP' }] } })), /no port/)
})

test('beside a Service of its own name it needs another one', () => {
  assert.match(reasonOf(translated({ spec }, true)), /a Service of its name is in this cluster/)

  const { outcome } = translated({ spec, metadata: { annotations: { 'skerry.io/service': 'ledger-elsewhere' } } }, true)
  assert.equal(outcome.kind === 'workload' && outcome.workload.workload, 'ledger-elsewhere')
})

test('the instances of a Service are exported for as long as there is a ServiceExport of its name and namespace', () => {
  const world = aWorld()
  const isExported = () => {
    const item = world.item('10.0.0.1@shop/web')
    return item?.outcome.kind === 'workload' && item.outcome.workload.labels['skerry.io/exported'] === 'true'
  }
  assert.equal(isExported(), false)

  assert.deepEqual(
    world.apply({ of: 'export', event: { kind: 'put', object: { uid: 'e-other', key: 'other/web' }, before: undefined } }),
    [],
  )
  assert.equal(isExported(), false)

  const object = { uid: 'e', key: 'shop/web' }
  assert.deepEqual(world.apply({ of: 'export', event: { kind: 'put', object, before: undefined } }), ['10.0.0.1@shop/web'])
  assert.equal(isExported(), true)
  assert.deepEqual(world.apply({ of: 'export', event: { kind: 'put', object, before: object } }), [], 'its status alone is another')
  assert.deepEqual(world.apply({ of: 'export', event: { kind: 'delete', object } }), ['10.0.0.1@shop/web'])
  assert.equal(isExported(), false)
})

test("a workload's own label does not export it", () => {
  const world = aWorld({ 'skerry.io/exported': 'true' })

  const item = world.item('10.0.0.1@shop/web')
  assert.deepEqual(item?.outcome.kind === 'workload' && item.outcome.workload.labels, {})
})

test('an import comes, gives way to a Service of its name, and goes', () => {
  const world = aWorld()
  const object = importFacts({ metadata: { uid: 'i', name: 'pay', namespace: 'shop' }, spec })
  const id = 'import:shop/pay'

  assert.deepEqual(world.apply({ of: 'import', event: { kind: 'put', object, before: undefined } }), [id])
  assert.deepEqual(world.ids(), ['10.0.0.1@shop/web', id])
  assert.equal(world.item(id)?.outcome.kind, 'workload')
  assert.ok(world.apply(aService('pay')).includes(id))
  assert.match(reasonOf(world.item(id)!), /a Service of its name/)
  assert.deepEqual(world.apply({ of: 'import', event: { kind: 'delete', object } }), [id])
  assert.equal(world.item(id), undefined)
})

test('what a controller made to stand for an import is not found a second time', () => {
  const world = aWorld()
  world.apply(aService('web', { standsForImport: 'ledger' }))

  assert.match(reasonOf(world.item('10.0.0.1@shop/web')!), /stands for ServiceImport ledger/)
})

function translated(raw: { metadata?: RawObject['metadata']; spec?: object; status?: object }, hasService = false): Item {
  const imported = importFacts({ ...raw, metadata: { uid: 'u', name: 'ledger', namespace: 'billing', ...raw.metadata } })
  return translateImport({ id: 'import:billing/ledger', imported, hasService }, { cluster: 'prod' }, { type: 'Kubernetes' })
}

function reasonOf({ outcome }: Item): string {
  return outcome.kind === 'left-out' ? outcome.reason : assert.fail(JSON.stringify(outcome))
}

function aService(name: string, facts: { standsForImport?: string; labels?: Readonly<Record<string, string>> } = {}): ClusterEvent {
  const object = {
    uid: `s-${name}`,
    key: `shop/${name}`,
    namespace: 'shop',
    name,
    labels: {},
    annotations: {},
    isHeadless: false,
    publishesNotReady: false,
    externalName: '',
    standsForImport: '',
    ports: [],
    ...facts,
  }
  return { of: 'service', event: { kind: 'put', object, before: undefined } }
}

/** A Service `web` with one endpoint, which is no pod. */
function aWorld(labels: Readonly<Record<string, string>> = {}) {
  const state = new ClusterState()
  const apply = (event: ClusterEvent): string[] => {
    const touched = new Set<string>()
    state.apply(event, touched)
    return [...touched]
  }
  const endpoint = { addresses: ['10.0.0.1'], isReady: true, isServing: true, isTerminating: false, podUid: '', node: '', zone: '' }
  const slice = {
    uid: 'slice',
    key: 'shop/web-1',
    service: 'shop/web',
    ports: [{ name: 'http', port: 80, appProtocol: '' }],
    endpoints: [endpoint],
  }
  apply(aService('web', { labels }))
  apply({ of: 'slice', event: { kind: 'put', object: slice, before: undefined } })
  return {
    apply,
    ids: () => [...state.ids()],
    item(id: string): Item | undefined {
      const view = state.view(id)
      return view && translate(view, { cluster: 'prod' }, { type: 'Kubernetes', mapping: { copyLabels: ['*'] } })
    },
  }
}
