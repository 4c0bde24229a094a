import type { Resource } from '../src/model/resource.ts'
import { planEndpoints } from '../src/policy/endpoints.ts'
import type { EndpointSetRef, ProxyPlan } from '../src/policy/plan.ts'
import { planProxy } from '../src/policy/plan-proxy.ts'
import type { Policy } from '../src/policy/rules/policy.ts'
import { reachedBy } from '../src/policy/rules/reach.ts'
import { aResource } from '../src/policy/testing.ts'
import { MeshView, type ViewChange } from '../src/policy/view.ts'
import type { Figure } from './figure.ts'

export const about = 'views and plans of 10,000 proxies × 1,000 services × 500 policies, and what one change costs'

const shape = { proxies: 10_000, services: 1_000, policies: 500, outbounds: 20 }

/** A zone control plane looks up after some milliseconds; here after so many plans. */
const slice = 16

export async function run(): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const scale of [0.1, 0.3, 1]) figures.push(...measure(scale, scale === 1))
  return figures
}

function measure(scale: number, isWhole: boolean): Figure[] {
  const proxies = shape.proxies * scale
  const services = shape.services * scale
  const policies = shape.policies * scale
  collect()
  const before = process.memoryUsage().heapUsed
  const resources = aMesh(proxies, services, policies)
  let began = performance.now()
  let view = MeshView.empty('default', zone).with(
    resources.map<ViewChange>(resource => ({ kind: 'put', resource })),
    1,
  )
  const viewMs = performance.now() - began
  collect()
  const viewBytes = process.memoryUsage().heapUsed - before

  began = performance.now()
  let plan: ProxyPlan | undefined
  const refs = new Map<string, EndpointSetRef>()
  for (const dataplane of view.list('Dataplane')) {
    plan = planProxy(view, dataplane)
    for (const cluster of plan.clusters) if (cluster.kind === 'service') refs.set(cluster.endpoints.key, cluster.endpoints)
  }
  const plansMs = performance.now() - began

  began = performance.now()
  for (const ref of refs.values()) planEndpoints(view, ref, () => 'ready')
  const endpointsMs = performance.now() - began

  // One endpoint: a Dataplane comes; its service's endpoint sets are planned anew.
  const rounds = 200
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const added = anInstance(proxies + round, round % services, services)
    const start = performance.now()
    view = view.with([{ kind: 'put', resource: added }], 2 + round)
    for (const service of view.servicesSelecting(added as never)) {
      for (const { key } of [service, ...view.unionsOf(service)]) {
        for (const ref of refs.values()) if (ref.service === key) planEndpoints(view, ref, () => 'ready')
      }
    }
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)

  const some = Math.round(proxies / 100)
  const team = aResource('MeshTimeout', 'team', {
    targetRef: { kind: 'Dataplane', labels: { cohort: 'c0' } },
    to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: '3s' } }],
  } as never)
  const reached: number[] = []
  for (let round = 0; round < 20; round++) {
    const start = performance.now()
    view = view.with([{ kind: 'put', resource: { ...team, revision: 1000 + round } }], 1000 + round)
    for (const dataplane of reachedBy(view, team as Policy)) plan = planProxy(view, dataplane)
    reached.push(performance.now() - start)
  }
  reached.sort((a, b) => a - b)

  const everywhere = aResource('MeshTimeout', 'everywhere', {
    to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: '4s' } }],
  } as never)
  const begun = performance.now()
  view = view.with([{ kind: 'put', resource: everywhere }], 2000)
  let longest = 0
  const all = view.list('Dataplane')
  for (let at = 0; at < all.length; at += slice) {
    const start = performance.now()
    for (const dataplane of all.slice(at, at + slice)) plan = planProxy(view, dataplane)
    longest = Math.max(longest, performance.now() - start)
  }
  const everywhereMs = performance.now() - begun

  const what = `${proxies} proxies × ${services} services × ${policies} policies`
  const goal = (value: number) => (isWhole ? { goal: value } : {})
  return [
    { name: `${what}: first view`, value: viewMs, unit: 'ms' },
    { name: `${what}: view and all plans`, value: viewMs + plansMs + endpointsMs, unit: 'ms', ...goal(10_000) },
    { name: `${what}: memory of the view with its resources`, value: viewBytes / 1e6, unit: 'MB', ...goal(300) },
    { name: `${what}: one endpoint, median`, value: times[rounds >> 1]!, unit: 'ms', ...goal(2) },
    { name: `${what}: one endpoint, worst of ${rounds}`, value: times.at(-1)!, unit: 'ms' },
    { name: `${what}: a policy that reaches ${some} proxies, median`, value: reached[10]!, unit: 'ms', ...goal(20) },
    { name: `${what}: a mesh-wide default changes, all plans`, value: everywhereMs, unit: 'ms', ...goal(5000) },
    { name: `${what}: … longest slice of ${slice} plans`, value: longest, unit: 'ms', ...goal(20) },
  ]
}

const zone = 'zone-1'

/** Services of ten instances each; every tenth policy is for the whole mesh, the others for one workload. */
export function aMesh(proxies: number, services: number, policies: number): Resource[] {
  return [
    aResource('MeshIdentity', 'identity', { selector: { dataplane: { matchLabels: {} } }, provider: { type: 'Bundled' } } as never),
    aResource('MeshTrust', 'trust', {
      trustDomain: `default.${zone}.mesh.local`,
      caBundles: [{ type: 'Pem', pem: { value: 'PEM' } }],
    } as never),
    ...Array.from({ length: services }, (_, n) => aService(n)),
    ...Array.from({ length: proxies }, (_, n) => anInstance(n, n % services, services)),
    ...Array.from({ length: policies }, (_, n) => aPolicy(n, services)),
  ]
}

function aService(n: number): Resource {
  const workload = `workload-${n}`
  const spec = {
    state: 'Available',
    selector: { dataplaneLabels: { matchLabels: { 'kuma.io/workload': workload } } },
    ports: [{ name: 'http', port: 80, targetPort: 'http', appProtocol: 'http' }],
    identities: [{ type: 'SpiffeID', value: `spiffe://default.${zone}.mesh.local/workload/${workload}` }],
  }
  return aResource('MeshService', workload, spec as never, {
    'kuma.io/display-name': workload,
    'kuma.io/zone': zone,
    team: `team-${n % 50}`,
  })
}

function anInstance(n: number, service: number, services: number): Resource {
  const workload = `workload-${service}`
  const networking = {
    address: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
    inbound: [{ name: 'http', port: 8080, protocol: 'http' }],
    outbound: Array.from({ length: Math.min(shape.outbounds, services) }, (_, index) => ({
      port: 10_000 + index,
      backendRef: { kind: 'MeshService', labels: { 'kuma.io/display-name': `workload-${(service + index * 7 + 1) % services}` }, port: 80 },
    })),
  }
  return aResource('Dataplane', `dp-${n}`, { networking } as never, {
    'kuma.io/workload': workload,
    'kuma.io/zone': zone,
    team: `team-${service % 50}`,
    version: `v${n % 3}`,
    cohort: `c${n % 100}`,
  })
}

const kinds = [
  'MeshTrafficPermission',
  'MeshHTTPRoute',
  'MeshLoadBalancingStrategy',
  'MeshTimeout',
  'MeshRetry',
  'MeshCircuitBreaker',
] as const

function aPolicy(n: number, services: number): Resource {
  const kind = kinds[n % kinds.length]!
  const service = { kind: 'MeshService', labels: { 'kuma.io/display-name': `workload-${(n * 13) % services}` } }
  const targetRef = n % 10 === 0 ? { kind: 'Mesh' } : { kind: 'Dataplane', labels: { 'kuma.io/workload': `workload-${n % services}` } }
  const spec = {
    MeshTrafficPermission: {
      targetRef,
      rules: [{ default: { allow: [{ spiffeID: { type: 'Prefix', value: `spiffe://default.${zone}.mesh.local/` } }] } }],
    },
    MeshHTTPRoute: {
      targetRef,
      to: [
        {
          targetRef: service,
          rules: [
            {
              matches: [{ path: { type: 'PathPrefix', value: `/v${n}` } }],
              default: { backendRefs: [{ ...service, port: 80, weight: 1 }] },
            },
          ],
        },
      ],
    },
    MeshTimeout: { targetRef, to: [{ targetRef: service, default: { http: { requestTimeout: `${n}s` } } }] },
    MeshRetry: { targetRef, to: [{ targetRef: service, default: { http: { numRetries: n % 7 } } }] },
    MeshCircuitBreaker: { targetRef, to: [{ targetRef: service, default: { connectionLimits: { maxConnections: n } } }] },
    MeshLoadBalancingStrategy: { targetRef, to: [{ targetRef: service, default: { loadBalancer: { type: 'RoundRobin' } } }] },
  }[kind]
  return aResource(kind, `policy-${n}`, spec as never)
}

function collect(): void {
  ;(globalThis as { gc?: () => void }).gc?.()
}
