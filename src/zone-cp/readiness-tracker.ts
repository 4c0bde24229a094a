import type { DataplaneFacts } from '../derive/facts.ts'
import { agentlessReadiness, type DataplaneReadiness, readiness } from '../derive/readiness.ts'
import { type Dataplane, type Inbound, inboundName, isAgentless } from '../model/kinds/dataplane.ts'
import { managedByLabel } from '../model/labels.ts'
import type { InstanceState } from '../policy/endpoints.ts'
import type { LiveFacts } from '../registry/live.ts'
import type { Registry } from '../registry/registry.ts'
import type { Served } from './zone-gateways.ts'

/** The value of `kuma.io/managed-by` on Dataplanes that an agent registered. */
export const managedByAgent = 'agent'

export function factsKey(mesh: string, name: string): string {
  return `${mesh}/${name}`
}

/** Whether instances are ready, now: tells `onChange` only when that differs from before, not for every fact. */
export class ReadinessTracker {
  readonly #registry: Registry
  readonly #facts: LiveFacts<string, DataplaneFacts>
  readonly #known = new Map<string, string>()
  /** By whom a workload without a proxy is answered for. */
  servedOf: (dataplane: Dataplane, inbound: Inbound) => Served = () => ({ kind: 'served', by: [] })
  /** A Dataplane whose proxy's readiness changed. */
  onChange: (mesh: string, name: string) => void = () => {}

  constructor(registry: Registry, facts: LiveFacts<string, DataplaneFacts>) {
    this.#registry = registry
    this.#facts = facts
    facts.onChange(key => {
      const [mesh = '', name = ''] = key.split('/')
      this.check(mesh, name)
    })
    // What is ready follows from the Dataplane as well: the next fact must be compared with what followed from the newest one.
    registry.onChange(({ changes }) => {
      for (const change of changes) {
        const { kind, mesh, name } = change.kind === 'put' ? change.resource : change.key
        if (kind === 'Dataplane' && facts.get(factsKey(mesh, name))) this.check(mesh, name)
      }
    })
  }

  readonly stateOf: InstanceState = (dataplane, inbound) => {
    const result = this.of(dataplane)
    return result.inbounds.get(inbound)?.state ?? 'not-ready'
  }

  of(dataplane: Dataplane): DataplaneReadiness {
    const facts = this.#facts.get(factsKey(dataplane.mesh, dataplane.name))
    if (isAgentless(dataplane)) return agentlessReadiness(dataplane.spec, inbound => this.#unserved(dataplane, inbound), facts)
    return readiness(dataplane.spec, facts)
  }

  #unserved(dataplane: Dataplane, inbound: Inbound): string | null {
    const served = this.servedOf(dataplane, inbound)
    return served.kind === 'served' ? null : served.reason
  }

  isReady(dataplane: Dataplane, inbound: string): boolean {
    return this.stateOf(dataplane, inbound) === 'ready'
  }

  isConnected(dataplane: Dataplane): boolean {
    const facts = this.#facts.get(factsKey(dataplane.mesh, dataplane.name))
    return facts === undefined ? isAgentless(dataplane) : facts.connections.at(-1)?.disconnectedAtMs === null
  }

  check(mesh: string, name: string): void {
    const dataplane = this.#registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
    const key = factsKey(mesh, name)
    const text = dataplane ? this.#summary(dataplane) : ''
    if (this.#known.get(key) === text) return
    if (text === '') this.#known.delete(key)
    else this.#known.set(key, text)
    this.onChange(mesh, name)
  }

  /** Was it an agent that registered it? Then, once this control plane has been up for a while, silence means that it is gone. */
  isManagedByAgent(dataplane: Dataplane): boolean {
    return dataplane.labels[managedByLabel] === managedByAgent
  }

  #summary(dataplane: Dataplane): string {
    const { inbounds, zoneListeners, proxy } = this.of(dataplane)
    const inboundStates = (dataplane.spec.networking.inbound ?? []).map(inbound => inbounds.get(inboundName(inbound))?.state)
    return JSON.stringify([
      proxy.state,
      inboundStates,
      [...zoneListeners.values()].map(listener => listener.state),
      this.isConnected(dataplane),
      // Callers go to the gateways that answer for it, each of which counts.
      isAgentless(dataplane) ? (dataplane.spec.networking.inbound ?? []).map(inbound => this.servedOf(dataplane, inbound)) : [],
    ])
  }
}
