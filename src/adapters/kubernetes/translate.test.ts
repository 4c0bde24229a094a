import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FoundWorkload } from '../adapter.ts'
import { nodeFacts, podFacts, serviceFacts, sliceFacts } from './cluster-objects.ts'
import { type ClusterEvent, ClusterState } from './cluster-state.ts'
import { translate } from './translate.ts'

type Raw = Record<string, unknown>

test('a pod in the slices of both address families is one instance, under the address that its cluster prefers', () => {
  const world = aWorld()
  world.pod({ status: { podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] } })
  world.slice({ name: 'v6', endpoints: [{ addresses: ['fd00::1'], targetRef: { kind: 'Pod', uid: 'p' } }] })
  world.slice({ name: 'v4', endpoints: [{ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', uid: 'p' } }] })

  assert.deepEqual(world.ids(), ['p@shop/web'])
  assert.equal(world.found('p@shop/web').address, '10.0.0.1')
})

test('what conditions leave out is yes for ready, as ready is for serving, and no for terminating', () => {
  const state = (conditions: object) => {
    const world = aWorld()
    world.pod({})
    world.slice({ endpoints: [{ addresses: ['10.0.0.1'], conditions, targetRef: { kind: 'Pod', uid: 'p' } }] })
    return world.found('p@shop/web').state
  }
  assert.equal(state({}), 'ready')
  assert.equal(state({ ready: null }), 'ready')
  assert.equal(state({ ready: false }), 'unhealthy')
  assert.equal(state({ ready: false, serving: true, terminating: true }), 'draining')
  assert.equal(state({ ready: true, terminating: true }), 'draining')
})

test('a pod that is being deleted drains before its slice says so', () => {
  const world = aWorld()
  world.slice({ endpoints: [endpointOf('p')] })
  world.pod({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })

  assert.equal(world.found('p@shop/web').state, 'draining')
})

test('a pod that has yet to start is starting, and one that fails after it had started is unhealthy, with what its cluster says', () => {
  const world = aWorld()
  world.slice({ endpoints: [{ ...endpointOf('p'), conditions: { ready: false } }] })
  world.pod({ status: { phase: 'Pending' } })
  assert.equal(world.found('p@shop/web').state, 'starting')

  const waiting = { state: { waiting: { reason: 'CrashLoopBackOff' } }, restartCount: 4, started: false }
  const conditions = [{ type: 'Ready', status: 'False', message: 'containers with unready status: [app]' }]
  world.pod({ status: { phase: 'Running', containerStatuses: [waiting], conditions } })
  const { state, reason } = world.found('p@shop/web')
  assert.deepEqual({ state, reason }, { state: 'unhealthy', reason: 'CrashLoopBackOff: containers with unready status: [app]' })
})

test('where a Service publishes pods before they are ready, the pods decide', () => {
  const world = aWorld()
  world.service({ spec: { publishNotReadyAddresses: true, clusterIP: 'None', ports: [{ name: 'http', port: 80 }] } })
  world.slice({ endpoints: [endpointOf('p')] })
  world.pod({ status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] } })

  assert.equal(world.found('p@shop/web').state, 'unhealthy')
})

test('a port speaks what appProtocol says, else what its name begins with, and UDP is none', () => {
  const world = aWorld()
  world.pod({})
  const ports = [
    { name: 'grpc-api', port: 1 },
    { name: 'a', port: 2, appProtocol: 'kubernetes.io/h2c' },
    { name: 'db', port: 3 },
    { name: 'dns', port: 4, protocol: 'UDP' },
    { name: 'http', port: 5, appProtocol: 'https' },
  ]
  world.slice({ ports, endpoints: [endpointOf('p')] })

  assert.deepEqual(
    world.found('p@shop/web').ports.map(({ name, protocol }) => `${name}/${protocol}`),
    ['grpc-api/grpc', 'a/http2', 'db/tcp', 'http/tcp'],
  )
})

test('a port without a name is called by the number of its Service, whatever number the pods have for it', () => {
  const world = aWorld()
  world.service({ spec: { ports: [{ port: 80, targetPort: 'web' }] } })
  world.pod({})
  world.slice({ ports: [{ port: 8081 }], endpoints: [endpointOf('p')] })

  assert.deepEqual(world.found('p@shop/web').ports, [{ name: '80', port: 8081, protocol: 'tcp' }])
})

test('zone and cloud come from the node, and what the cluster is known by stays', () => {
  const world = aWorld()
  const labels = { 'topology.kubernetes.io/zone': 'westeurope-1', 'topology.kubernetes.io/region': 'westeurope' }
  world.node({ metadata: { uid: 'n', name: 'node-1', labels }, spec: { providerID: 'azure:///subscriptions/1/vm' } })
  world.pod({})
  world.slice({ endpoints: [endpointOf('p')] })

  assert.deepEqual(world.found('p@shop/web').locality, { cluster: 'prod', cloud: 'azure', region: 'westeurope', zone: 'westeurope-1' })
})

test('a pod has a proxy of its own as a container, or as an init container that stays', () => {
  const hasSidecar = (spec: object) => podFacts({ metadata: { uid: 'p', name: 'p' }, spec } as Raw, labels => labels).hasSidecar
  assert.equal(hasSidecar({ containers: [{ name: 'app' }, { name: 'skerry-proxy' }] }), true)
  assert.equal(hasSidecar({ containers: [], initContainers: [{ name: 'skerry-proxy', restartPolicy: 'Always' }] }), true)
  assert.equal(hasSidecar({ containers: [], initContainers: [{ name: 'skerry-proxy' }] }), false)
})

test('following changes comes to what a list of the outcome comes to, and every difference is told', () => {
  const uid = fc.constantFrom('a', 'b', 'c')
  const service = fc.constantFrom('web', 'api')
  const change = fc.oneof(
    fc.record({ of: fc.constant('pod' as const), isPut: fc.boolean(), uid, isReady: fc.boolean() }),
    fc.record({
      of: fc.constant('slice' as const),
      isPut: fc.boolean(),
      uid: fc.constantFrom('s1', 's2', 's3'),
      service,
      pods: fc.uniqueArray(uid),
    }),
    fc.record({ of: fc.constant('service' as const), isPut: fc.boolean(), service }),
  )
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), changes => {
      const followed = aWorld(false)
      const told = new Map<string, unknown>()
      const latest = new Map<string, { of: string; raw: Raw }>()
      for (const it of changes) {
        const [key, raw] = objectOf(it)
        const before = latest.get(key)
        if (!it.isPut && !before) continue
        if (it.isPut) latest.set(key, { of: it.of, raw })
        else latest.delete(key)
        for (const id of followed.apply(it.of, it.isPut ? 'put' : 'delete', it.isPut ? raw : before!.raw, before?.raw)) {
          const item = followed.item(id)
          if (item) told.set(id, item)
          else told.delete(id)
        }
      }
      const listed = aWorld(false)
      for (const { of, raw } of latest.values()) listed.apply(of as 'pod', 'put', raw, undefined)
      const wanted = new Map(listed.ids().flatMap(id => (listed.item(id) ? [[id, listed.item(id)]] : []) as [string, unknown][]))
      assert.deepEqual(comparable(told), comparable(wanted))
    }),
    { numRuns: 300 },
  )
})

/** The order of slices is that of their arrival, and of no importance. */
function comparable(items: Map<string, unknown>): unknown {
  return Object.fromEntries(
    [...items].sort().map(([id, item]) => [id, JSON.parse(JSON.stringify(item).replace(/"slices":"[^"]*"/, '"slices":""'))]),
  )
}

function objectOf(change: { of: string } & Partial<{ uid: string; service: string; pods: string[]; isReady: boolean }>): [string, Raw] {
  switch (change.of) {
    case 'pod': {
      const conditions = [{ type: 'Ready', status: change.isReady ? 'True' : 'False' }]
      const status = { phase: 'Running', podIPs: [{ ip: `10.0.0.${change.uid!.charCodeAt(0)}` }], conditions }
      return [`pod ${change.uid}`, { metadata: { uid: change.uid, name: change.uid, namespace: 'shop' }, spec: {}, status }]
    }
    case 'slice':
      return [`slice ${change.uid}`, rawSlice({ name: change.uid, service: change.service, endpoints: change.pods!.map(endpointOf) })]
    default:
      return [
        `service ${change.service}`,
        rawService({ metadata: { uid: `s-${change.service}`, name: change.service, namespace: 'shop' } }),
      ]
  }
}

function endpointOf(pod: string): Raw {
  return { addresses: [pod === 'p' ? '10.0.0.1' : `10.0.0.${pod.charCodeAt(0)}`], targetRef: { kind: 'Pod', uid: pod }, nodeName: 'node-1' }
}

function rawSlice({ name = 's', service = 'web', ports = [{ name: 'http', port: 8080 }], endpoints = [] as unknown }: Raw): Raw {
  const labels = { 'kubernetes.io/service-name': service }
  return { metadata: { uid: name, name, namespace: 'shop', labels }, ports, endpoints }
}

function rawService({ metadata, spec }: Raw): Raw {
  return { metadata: metadata ?? { uid: 's-web', name: 'web', namespace: 'shop' }, spec: spec ?? { ports: [{ name: 'http', port: 80 }] } }
}

/** A cluster of which a test says what is in it. */
function aWorld(hasService = true) {
  const state = new ClusterState()
  const project = {
    pod: (raw: Raw) => podFacts(raw, state.intern),
    slice: sliceFacts,
    service: (raw: Raw) => serviceFacts(raw, state.intern),
    node: nodeFacts,
  }
  const apply = (of: keyof typeof project, kind: 'put' | 'delete', raw: Raw, before?: Raw): Set<string> => {
    const touched = new Set<string>()
    const event = { kind, object: project[of](raw), ...(kind === 'put' ? { before: before && project[of](before) } : {}) }
    state.apply({ of, event } as ClusterEvent, touched)
    return touched
  }
  const item = (id: string) => {
    const view = state.view(id)
    return view && translate(view, { cluster: 'prod' }, { type: 'Kubernetes' })
  }
  if (hasService) apply('service', 'put', rawService({}))
  return {
    apply,
    item,
    ids: () => [...state.ids()],
    pod: ({ metadata, spec, status }: Raw) =>
      apply('pod', 'put', {
        metadata: { uid: 'p', name: 'web-1', namespace: 'shop', ...(metadata as Raw) },
        spec: { nodeName: 'node-1', ...(spec as Raw) },
        status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], conditions: [{ type: 'Ready', status: 'True' }], ...(status as Raw) },
      }),
    slice: (slice: Raw) => apply('slice', 'put', rawSlice(slice)),
    service: (service: Raw) => apply('service', 'put', rawService(service)),
    node: (node: Raw) => apply('node', 'put', node),
    found(id: string): FoundWorkload {
      const outcome = item(id)?.outcome
      return outcome?.kind === 'workload' ? outcome.workload : assert.fail(`${id}: ${JSON.stringify(outcome)}`)
    },
  }
}
