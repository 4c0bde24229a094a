import { createHash } from 'node:crypto'
import { type Dataplane, type Inbound, inboundName, isAgentless, workloadOf } from '../model/kinds/dataplane.ts'
import { proxyLabel } from '../model/labels.ts'
import { defaultCircuitBreaker, defaultLoadBalancing, defaultLocality, slowStartMs } from './defaults.ts'
import { planCircuitBreaker } from './mesh-circuit-breaker.ts'
import { identityFor, spiffeIdFor } from './mesh-identity.ts'
import { planBalancer } from './mesh-load-balancing-strategy.ts'
import { planRetry } from './mesh-retry.ts'
import { planTrace } from './mesh-trace.ts'
import type { AgentlessPlan, ClusterPlan, InboundPlan, LocalClusterPlan, PlanWarning } from './plan.ts'
import { planInbound } from './plan-inbound.ts'
import { Planning } from './planning.ts'
import { effective } from './settings.ts'
import type { MeshView, ViewKind } from './view.ts'

/** Instances of one workload that a zone gateway serves alike: under one identity and the same policies, behind one listener. */
export interface AgentlessGroup {
  /** Of the listener and of its cluster. */
  readonly name: string
  readonly workload: string
  readonly listener: AgentlessPlan
  readonly cluster: ClusterPlan
  readonly warnings: readonly PlanWarning[]
  readonly members: readonly Member[]
}

interface Member {
  readonly dataplane: Dataplane
  readonly inbound: Inbound
}

/** What all instances behind a listener have in common. Its listener and cluster are the same objects for as long as nothing of it changes. */
interface Shape {
  readonly text: string
  readonly spiffeId: string
  readonly inbound: InboundPlan
  readonly local: LocalClusterPlan
  readonly rule: Parameters<typeof effective>[1]
  readonly lambda: Dataplane['spec']['networking']['lambda']
  readonly trace: AgentlessPlan['trace']
  readonly warnings: readonly PlanWarning[]
  readonly named: Map<string, Pick<AgentlessGroup, 'listener' | 'cluster'>>
}

/** The instances of one workload, grouped. */
interface OfWorkload {
  readonly instances: ReadonlyMap<string, Dataplane>
  readonly groups: readonly AgentlessGroup[]
  readonly byInbound: ReadonlyMap<string, AgentlessGroup>
}

/** All workloads without a proxy of a mesh and zone, grouped. Immutable; another one made of it shares the workloads that nothing changed of. */
export class Agentless {
  readonly workloads: ReadonlyMap<string, OfWorkload>
  #named: ReadonlyMap<string, AgentlessGroup> | null = null
  /** SPIFFE ID → one of those that have it. */
  #byIdentity: ReadonlyMap<string, Dataplane> | null = null

  constructor(workloads: ReadonlyMap<string, OfWorkload>) {
    this.workloads = workloads
  }

  /** In the order of their names. */
  get groups(): Iterable<AgentlessGroup> {
    return this.#byName().values()
  }

  named(listener: string): AgentlessGroup | undefined {
    return this.#byName().get(listener)
  }

  ofWorkload(workload: string): readonly AgentlessGroup[] {
    return this.workloads.get(workload)?.groups ?? []
  }

  /** undefined = it has no identity, and so nobody can answer for it. */
  groupOf(dataplane: Pick<Dataplane, 'name' | 'labels'>, inbound: Pick<Inbound, 'name' | 'port'>): AgentlessGroup | undefined {
    return this.workloads.get(workloadOf(dataplane))?.byInbound.get(inboundKey(dataplane, inbound))
  }

  /** A workload that a zone gateway may answer for under this SPIFFE ID; undefined = there is none. */
  withIdentity(spiffeId: string): Dataplane | undefined {
    this.#byIdentity ??= new Map([...this.groups].map(({ listener, members }) => [listener.spiffeId, members[0]!.dataplane]))
    return this.#byIdentity.get(spiffeId)
  }

  /** What has another listener than it had, and what is no more. Costs the workloads that changed. */
  since(before: Agentless): { readonly others: readonly AgentlessGroup[]; readonly gone: readonly AgentlessGroup[] } {
    const others: AgentlessGroup[] = []
    const gone: AgentlessGroup[] = []
    for (const [workload, now] of this.workloads) {
      if (before.workloads.get(workload) === now) continue
      const was = new Map(before.ofWorkload(workload).map(({ name, listener }) => [name, listener]))
      others.push(...now.groups.filter(({ name, listener }) => was.get(name) !== listener))
    }
    for (const [workload, was] of before.workloads) {
      if (this.workloads.get(workload) === was) continue
      const names = new Set(this.ofWorkload(workload).map(({ name }) => name))
      gone.push(...was.groups.filter(({ name }) => !names.has(name)))
    }
    return { others, gone }
  }

  #byName(): ReadonlyMap<string, AgentlessGroup> {
    if (this.#named === null) {
      const groups = [...this.workloads.values()].flatMap(({ groups }) => groups)
      this.#named = new Map(groups.sort((a, b) => compare(a.name, b.name)).map(group => [group.name, group]))
    }
    return this.#named
  }
}

/** Key for whoever watches the instances of a workload that have no proxy. */
export function agentlessKey(workload: string): string {
  return `agentless/${workload}`
}

/** What a workload's plan depends on beside its Dataplane. */
const kinds = [
  'MeshIdentity',
  'MeshAccessLog',
  'MeshCircuitBreaker',
  'MeshFaultInjection',
  'MeshOpenTelemetryBackend',
  'MeshRateLimit',
  'MeshTLS',
  'MeshTimeout',
  'MeshTrace',
  'MeshTrafficPermission',
] as const satisfies readonly ViewKind[]

type Dataplanes = MeshView['tables']['Dataplane']

/** What was worked out under the same policies: a Dataplane that did not change is not planned again. */
interface Epoch {
  readonly tables: readonly object[]
  readonly planned: WeakMap<Dataplane, readonly { readonly inbound: Inbound; readonly shape: Shape }[]>
  readonly shapes: Map<string, Shape>
  latest: { readonly table: Dataplanes; readonly agentless: Agentless } | null
}

const epochs = new WeakMap<object, Epoch>()
const results = new WeakMap<object, { readonly epoch: Epoch; readonly agentless: Agentless }>()

/** Of a view; one that differs from another in nothing that matters here has the same answer, the same object. */
export function agentlessOf(view: MeshView): Agentless {
  const epoch = epochOf(view)
  const table = view.tables.Dataplane
  const known = results.get(table)
  if (known?.epoch === epoch) return known.agentless
  const agentless = after(view, epoch)
  results.set(table, { epoch, agentless })
  epoch.latest = { table, agentless }
  return agentless
}

function epochOf(view: MeshView): Epoch {
  const tables = kinds.map(kind => view.tables[kind] as object)
  const known = epochs.get(tables[0]!)
  if (known?.tables.every((table, index) => table === tables[index])) return known
  const epoch: Epoch = { tables, planned: new WeakMap(), shapes: new Map(), latest: null }
  epochs.set(tables[0]!, epoch)
  return epoch
}

/** Only the workloads of Dataplanes that changed since the latest view are grouped again. */
function after(view: MeshView, epoch: Epoch): Agentless {
  const table = view.tables.Dataplane
  const changed = epoch.latest?.table.changedUntil(table)
  if (!epoch.latest || !changed) {
    const workloads = Map.groupBy(view.dataplanesWith({ [proxyLabel]: 'none' }), workloadOf)
    return new Agentless(
      new Map(
        [...workloads].map(([workload, all]) => [workload, ofWorkload(view, epoch, workload, new Map(all.map(it => [it.name, it])))]),
      ),
    )
  }
  const { table: earlier, agentless } = epoch.latest
  const touched = new Map<string, Map<string, Dataplane>>()
  const instancesOf = (workload: string) => {
    const instances = touched.get(workload) ?? new Map(agentless.workloads.get(workload)?.instances)
    touched.set(workload, instances)
    return instances
  }
  for (const name of changed) {
    const [was, is] = [earlier.get(name), table.get(name)]
    if (was && isAgentless(was)) instancesOf(workloadOf(was)).delete(name)
    if (is && isAgentless(is)) instancesOf(workloadOf(is)).set(name, is)
  }
  if (touched.size === 0) return agentless
  const workloads = new Map(agentless.workloads)
  for (const [workload, instances] of touched) {
    if (instances.size === 0) workloads.delete(workload)
    else workloads.set(workload, ofWorkload(view, epoch, workload, instances))
  }
  return new Agentless(workloads)
}

function ofWorkload(view: MeshView, epoch: Epoch, workload: string, instances: ReadonlyMap<string, Dataplane>): OfWorkload {
  const bySection = new Map<string, Map<Shape, Member[]>>()
  for (const dataplane of instances.values()) {
    let planned = epoch.planned.get(dataplane)
    if (!planned) {
      planned = planDataplane(view, dataplane, epoch.shapes)
      epoch.planned.set(dataplane, planned)
    }
    for (const { inbound, shape } of planned) {
      const section = inboundName(inbound)
      const byShape = bySection.get(section) ?? new Map<Shape, Member[]>()
      bySection.set(section, byShape)
      const members = byShape.get(shape)
      if (members) members.push({ dataplane, inbound })
      else byShape.set(shape, [{ dataplane, inbound }])
    }
  }
  const groups = [...bySection].flatMap(([section, byShape]) => nameGroups(workload, section, byShape))
  const byInbound = new Map(
    groups.flatMap(group => group.members.map(({ dataplane, inbound }) => [inboundKey(dataplane, inbound), group] as const)),
  )
  return { instances, groups, byInbound }
}

/** Most instances have the workload's plain name, and keep it when a policy changes; those that some policy treats otherwise have one of their own. */
function nameGroups(workload: string, section: string, byShape: ReadonlyMap<Shape, readonly Member[]>): AgentlessGroup[] {
  const plain = `agentless_${workload}_${section}`
  return [...byShape]
    .sort(([a, ofA], [b, ofB]) => ofB.length - ofA.length || compare(a.text, b.text))
    .map(([shape, members], index) => {
      const name = index === 0 ? plain : `${plain}_${createHash('sha256').update(shape.text).digest('hex').slice(0, 10)}`
      return { name, workload, ...namedPlans(shape, name, workload), warnings: shape.warnings, members }
    })
}

/** One shape for each inbound that some caller may enter. */
function planDataplane(view: MeshView, dataplane: Dataplane, shapes: Map<string, Shape>): { inbound: Inbound; shape: Shape }[] {
  const subject = { mesh: view.mesh, zone: view.zone, name: dataplane.name, labels: dataplane.labels }
  const identity = identityFor(view.list('MeshIdentity'), subject)
  if (!identity) return []
  const spiffeId = spiffeIdFor(identity, subject)
  const { lambda, inbound: inbounds = [] } = dataplane.spec.networking
  return inbounds
    .filter(inbound => inbound.state !== 'Ignored')
    .map(inbound => {
      // Under no address: what holds for all instances must not tell them apart by theirs.
      const anywhere = { ...dataplane, spec: { networking: { ...dataplane.spec.networking, address: '*' } } }
      const planning = new Planning(view, anywhere)
      const plan = planInbound(planning, inbound)
      const local = planning.clusters.get(plan.name) as LocalClusterPlan
      const rule = planning.rules('MeshCircuitBreaker').inboundConfFor(inbound)
      const tracing = planning.rules('MeshTrace').proxyConf()
      const trace = tracing && planTrace(tracing.conf, ref => planning.otelBackend(tracing, ref))
      const { warnings } = planning
      const { address: _, port: __, ...common } = plan
      const { address: ___, port: ____, ...cluster } = local
      const breaker = effective(defaultCircuitBreaker, rule).conf
      const text = JSON.stringify([spiffeId, common, cluster, breaker, lambda ?? null, trace, warnings])
      let shape = shapes.get(text)
      if (!shape) {
        shape = { text, spiffeId, inbound: plan, local, rule, lambda, trace, warnings, named: new Map() }
        shapes.set(text, shape)
      }
      return { inbound, shape }
    })
}

function namedPlans(shape: Shape, name: string, workload: string): Pick<AgentlessGroup, 'listener' | 'cluster'> {
  let plans = shape.named.get(name)
  if (!plans) {
    plans = { listener: listenerOf(shape, name), cluster: clusterOf(shape, name, workload) }
    shape.named.set(name, plans)
  }
  return plans
}

function listenerOf({ inbound, spiffeId, trace, lambda }: Shape, name: string): AgentlessPlan {
  const { address: _, port: __, ...common } = inbound
  return {
    ...common,
    kind: 'agentless',
    name,
    cluster: name,
    spiffeId,
    trace,
    retry: lambda || inbound.protocol === 'tcp' ? null : anotherInstance,
    lambda: lambda ?? null,
  }
}

/** Beside a sidecar there is one instance; here there may be another one, which a request that no instance took goes to at once. Hosts are drawn
 *  often: one that takes nothing looks idle, and so is drawn again and again. */
const anotherInstance = planRetry(
  {
    http: { numRetries: 3, retryOn: ['ConnectFailure'], hostSelection: [{ predicate: 'OmitPreviousHosts' }], hostSelectionMaxAttempts: 20 },
  },
  'http',
  false,
)

function clusterOf({ local, rule, lambda }: Shape, name: string, workload: string): ClusterPlan {
  const { protocol, http2, timeouts, limits } = local
  if (lambda) return { kind: 'lambda', name, lambda, timeouts, limits }
  const breaker = effective(defaultCircuitBreaker, rule)
  const { outlier, panicPercent } = planCircuitBreaker(breaker.conf)
  const service = agentlessKey(workload)
  const locality = defaultLocality
  return {
    kind: 'service',
    name,
    endpoints: { key: JSON.stringify([service, name, 'agentless', locality]), service, section: name, scope: 'agentless', locality },
    protocol,
    http2,
    tls: null,
    timeouts,
    outlier,
    limits,
    healthCheck: null,
    balancer: planBalancer(effective(defaultLoadBalancing, null).conf),
    slowStartMs,
    panicPercent,
    settings: { MeshCircuitBreaker: breaker.settings },
  }
}

function inboundKey({ name }: Pick<Dataplane, 'name'>, inbound: Pick<Inbound, 'name' | 'port'>): string {
  return `${name} ${inboundName(inbound)}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
