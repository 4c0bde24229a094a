import { type DataplaneFacts, isConnected } from '../derive/facts.ts'
import { type Dataplane, type Inbound, isZoneIngress } from '../model/kinds/dataplane.ts'
import { proxyLabel } from '../model/labels.ts'
import { type Agentless, agentlessOf } from '../policy/agentless.ts'
import { gatewayAddresses } from '../policy/agentless-endpoints.ts'
import type { GatewayServes } from '../policy/endpoints.ts'
import { MeshView } from '../policy/view.ts'
import type { LiveFacts } from '../registry/live.ts'
import type { Registry } from '../registry/registry.ts'
import { factsKey } from './readiness-tracker.ts'

interface Options {
  readonly registry: Registry
  readonly facts: LiveFacts<string, DataplaneFacts>
  readonly zone: string
  readonly view: (mesh: string) => MeshView
}

/** By which zone gateways a workload without a proxy is answered for, or why by none. */
export type Served = { readonly kind: 'served'; readonly by: readonly string[] } | { readonly kind: 'unserved'; readonly reason: string }

/**
 * What this zone's own gateways answer for: a workload without a proxy can be called when one of them has opened its listener, for which it
 * needs the workload's certificate. A gateway of which nothing is known counts as serving: this control plane has just started, and must not
 * withdraw what works.
 */
export class ZoneGateways {
  readonly #options: Options
  /** By facts key: what was seen of a gateway last. */
  readonly #seen = new Map<string, string | ReadonlySet<string>>()
  /** By mesh: what was to be served. */
  readonly #agentless = new Map<string, Agentless>()
  /** By mesh: listeners whose workloads are to be looked at. */
  readonly #touched = new Map<string, Set<string> | 'all'>()
  #gateways: { readonly of: MeshView['tables']['Dataplane']; readonly names: readonly string[] } | null = null
  readonly #unsubscribe: () => void
  #isClosed = false
  /** Whether this workload without a proxy is served, or by whom, may be another now. */
  onChange: (dataplane: Dataplane) => void = () => {}

  /** After whoever keeps the views up. */
  constructor(options: Options) {
    this.#options = options
    options.facts.onChange(key => this.#onFacts(key))
    this.#unsubscribe = options.registry.onChange(({ changes }) => {
      for (const change of changes) {
        const { kind, mesh } = change.kind === 'put' ? change.resource : change.key
        if (!MeshView.isViewKind(kind)) continue
        const dataplanes = [change.kind === 'put' ? change.resource : undefined, change.previous] as (Dataplane | undefined)[]
        if (kind === 'Dataplane' && dataplanes.some(dataplane => dataplane && isZoneIngress(dataplane.spec))) this.#touch(mesh)
        else this.#touch(mesh, this.#otherListeners(mesh))
      }
    })
  }

  close(): void {
    this.#isClosed = true
    this.#unsubscribe()
  }

  serves(mesh: string): GatewayServes {
    return (gateway, listener) => {
      const facts = this.#options.facts.get(factsKey(mesh, gateway))
      return facts === undefined || (isConnected(facts) && !facts.draining && facts.bound.has(listener))
    }
  }

  of(dataplane: Dataplane, inbound: Inbound): Served {
    const { zone, view, facts } = this.#options
    const { mesh } = dataplane
    const group = agentlessOf(view(mesh)).groupOf(dataplane, inbound)
    if (!group) return { kind: 'unserved', reason: 'no MeshIdentity selects it: nobody can answer in its name' }
    const gateways = this.#gatewaysOf(view(mesh))
    if (gateways.length === 0) {
      const fix = 'start one with skerry proxy run --role zone-gateway'
      return { kind: 'unserved', reason: `it has no proxy, and zone ${zone} has no zone gateway to answer for it: ${fix}` }
    }
    const serves = this.serves(mesh)
    const by = gateways.filter(gateway => serves(gateway, group.name))
    if (by.length > 0) return { kind: 'served', by }
    const failures = gateways.flatMap(gateway => {
      const failure = facts.get(factsKey(mesh, gateway))?.bindFailures.get(group.name)
      return failure === undefined ? [] : [`${gateway}: ${failure}`]
    })
    const why = failures.length > 0 ? failures.join('; ') : 'they have not yet opened its listener, or not got its certificate'
    return {
      kind: 'unserved',
      reason: `it has no proxy, and no zone gateway of zone ${zone} (${gateways.join(', ')}) answers for it: ${why}`,
    }
  }

  /** Asked for every instance of a service, of one view. */
  #gatewaysOf(view: MeshView): readonly string[] {
    const { Dataplane } = view.tables
    if (this.#gateways?.of !== Dataplane)
      this.#gateways = { of: Dataplane, names: [...new Set(gatewayAddresses(view).map(({ gateway }) => gateway))] }
    return this.#gateways.names
  }

  #onFacts(key: string): void {
    const facts = this.#options.facts.get(key)
    const now = facts === undefined ? 'unknown' : isConnected(facts) && !facts.draining ? facts.bound : 'away'
    const before = this.#seen.get(key)
    if (before === now) return
    const [mesh = '', name = ''] = key.split('/')
    const dataplane = this.#options.registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
    if (dataplane && !isZoneIngress(dataplane.spec)) return
    if (facts === undefined) this.#seen.delete(key)
    else this.#seen.set(key, now)
    this.#touch(mesh, typeof before === 'object' && typeof now === 'object' ? inOne(before, now) : 'all')
  }

  /** Which listeners are other ones than before? Which instances are behind them is not asked. */
  #otherListeners(mesh: string): readonly string[] | 'all' {
    const view = this.#options.view(mesh)
    const now = agentlessOf(view)
    const before = this.#agentless.get(mesh)
    if (before === now) return []
    this.#agentless.set(mesh, now)
    if (!before) return 'all'
    // Of a listener that is no more, instances may be left that nobody answers for now.
    const isLeft = ({ dataplane }: { readonly dataplane: Dataplane }) => view.get('Dataplane', dataplane.name) !== undefined
    const { others, gone } = now.since(before)
    return gone.some(({ members }) => members.some(isLeft)) ? 'all' : others.map(({ name }) => name)
  }

  /** What comes together is looked at once. */
  #touch(mesh: string, listeners: readonly string[] | 'all' = 'all'): void {
    if (listeners.length === 0) return
    if (this.#touched.size === 0) queueMicrotask(() => this.#look())
    const touched = this.#touched.get(mesh) ?? new Set<string>()
    if (listeners === 'all' || touched === 'all') this.#touched.set(mesh, 'all')
    else this.#touched.set(mesh, new Set([...touched, ...listeners]))
  }

  #look(): void {
    const touched = [...this.#touched]
    this.#touched.clear()
    if (this.#isClosed) return
    for (const [mesh, listeners] of touched) {
      const view = this.#options.view(mesh)
      const dataplanes =
        listeners === 'all'
          ? view.dataplanesWith({ [proxyLabel]: 'none' })
          : [...listeners].flatMap(
              listener =>
                agentlessOf(view)
                  .named(listener)
                  ?.members.map(member => member.dataplane) ?? [],
            )
      for (const dataplane of dataplanes) this.onChange(dataplane)
    }
  }
}

/** What is in one of the two and not in the other. */
function inOne(a: ReadonlySet<string>, b: ReadonlySet<string>): string[] {
  return [...[...a].filter(it => !b.has(it)), ...[...b].filter(it => !a.has(it))]
}
