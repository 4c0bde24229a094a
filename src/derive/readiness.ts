import { type DataplaneSpec, type Inbound, inboundListenerName, inboundName, zoneIngressListenerName } from '../model/kinds/dataplane.ts'
import { proxyLabel } from '../model/labels.ts'
import { type DataplaneFacts, isConnected, type XdsType } from './facts.ts'

/** May callers send requests there? `draining`: no new ones, but those that are on their way may end. */
export interface Readiness {
  readonly state: 'ready' | 'draining' | 'not-ready'
  /** Why it is not ready, for people; '' when it is. */
  readonly reason: string
}

export interface DataplaneReadiness {
  /** Of the proxy itself, whatever it is in front of. */
  readonly proxy: Readiness
  /** By inbound name. */
  readonly inbounds: ReadonlyMap<string, Readiness>
  /** Of a zone gateway: by the name of the listener in xDS. */
  readonly zoneListeners: ReadonlyMap<string, Readiness>
}

/** Does a workload have no proxy beside it? */
export function isAgentless(dataplane: { readonly labels: Readonly<Record<string, string>> }): boolean {
  return dataplane.labels[proxyLabel] === 'none'
}

/**
 * Ready = connected, certificate held, trust bundles and listeners acknowledged and bound, application answers, not draining (architecture §6.2).
 * `facts` undefined = nobody speaks for this Dataplane (no agent, or written through the API): then its own `state` decides.
 */
export function readiness(spec: DataplaneSpec, facts: DataplaneFacts | undefined): DataplaneReadiness {
  const { inbound = [], listeners = [] } = spec.networking
  const proxy = facts === undefined ? ready : proxyReadiness(facts)
  return {
    proxy,
    inbounds: new Map(inbound.map(it => [inboundName(it), inboundReadiness(it, proxy, facts)])),
    zoneListeners: new Map(
      listeners.map(it => [zoneIngressListenerName(it), declared(it.state) ?? boundReadiness(zoneIngressListenerName(it), proxy, facts)]),
    ),
  }
}

const ready: Readiness = Object.freeze({ state: 'ready', reason: '' })

function notReady(reason: string): Readiness {
  return { state: 'not-ready', reason }
}

function proxyReadiness(facts: DataplaneFacts): Readiness {
  if (!isConnected(facts)) return notReady(facts.connections.length === 0 ? 'its proxy has not connected' : 'its proxy is disconnected')
  if (facts.draining) return { state: 'draining', reason: 'its proxy is stopping' }
  if (facts.certificate === null) return notReady('its proxy has no certificate')
  if (!facts.trusts) return notReady(refused(facts, 'sds', 'trust bundles') ?? 'its proxy has not accepted its trust bundles')
  if (facts.acknowledged === null) return notReady(refused(facts, 'lds', 'listeners') ?? 'its proxy has not accepted its listeners')
  return ready
}

function refused(facts: DataplaneFacts, type: XdsType, what: string): string | null {
  const refusal = facts.refusals.find(it => it.type === type)
  return refusal === undefined ? null : `its proxy refused its ${what}: ${refusal.reason}`
}

function inboundReadiness(inbound: Inbound, proxy: Readiness, facts: DataplaneFacts | undefined): Readiness {
  const said = declared(inbound.state ?? (inbound.health?.ready === false ? 'NotReady' : undefined))
  if (said !== null) return said
  const listening = boundReadiness(inboundListenerName(inbound), proxy, facts)
  if (listening.state !== 'ready' || facts === undefined || inbound.serviceProbe?.disabled === true) return listening
  const application = facts.applications.get(inboundName(inbound))
  if (application === undefined) return notReady('its application has not been asked yet')
  return application.ready
    ? ready
    : notReady(`its application does not answer${application.reason === '' ? '' : `: ${application.reason}`}`)
}

function boundReadiness(listener: string, proxy: Readiness, facts: DataplaneFacts | undefined): Readiness {
  if (proxy.state !== 'ready' || facts === undefined || facts.bound.has(listener)) return proxy
  const failure = facts.bindFailures.get(listener)
  return notReady(failure === undefined ? `its proxy has not bound ${listener}` : `its proxy could not bind ${listener}: ${failure}`)
}

/** What whoever wrote the Dataplane says of it. */
function declared(state: 'Ready' | 'NotReady' | 'Ignored' | undefined): Readiness | null {
  if (state === 'NotReady') return notReady('its state is NotReady')
  return state === 'Ignored' ? notReady('its state is Ignored') : null
}
