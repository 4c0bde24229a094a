import { type DataplaneSpec, type Inbound, inboundListenerName, inboundName, zoneIngressListenerName } from '../model/kinds/dataplane.ts'
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

/**
 * Of a workload without a proxy: whoever wrote its Dataplane says whether it is well, and a zone gateway has to answer in its name. Where an
 * agent on its machine registered it (`facts`), that one must be there, and its checks of the application count.
 * `unserved`: why none does; null = one does.
 */
export function agentlessReadiness(
  spec: DataplaneSpec,
  unserved: (inbound: Inbound) => string | null,
  facts?: DataplaneFacts,
): DataplaneReadiness {
  const lease = facts === undefined ? ready : leaseReadiness(facts)
  const inbounds = (spec.networking.inbound ?? []).map(inbound => {
    // The agent's word first, for it comes with a reason.
    const seen = applicationReadiness(inbound, lease, facts)
    const said = seen.state === 'ready' ? (declaredState(inbound) ?? ready) : seen
    if (said.state !== 'ready') return [inboundName(inbound), said] as const
    const reason = unserved(inbound)
    return [inboundName(inbound), reason === null ? ready : notReady(reason)] as const
  })
  return { proxy: lease, inbounds: new Map(inbounds), zoneListeners: new Map() }
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

function leaseReadiness(facts: DataplaneFacts): Readiness {
  if (!isConnected(facts)) return notReady('the agent on its machine does not renew its registration')
  return facts.draining ? { state: 'draining', reason: 'the agent on its machine is stopping' } : ready
}

function refused(facts: DataplaneFacts, type: XdsType, what: string): string | null {
  const refusal = facts.refusals.find(it => it.type === type)
  return refusal === undefined ? null : `its proxy refused its ${what}: ${refusal.reason}`
}

function inboundReadiness(inbound: Inbound, proxy: Readiness, facts: DataplaneFacts | undefined): Readiness {
  return declaredState(inbound) ?? applicationReadiness(inbound, boundReadiness(inboundListenerName(inbound), proxy, facts), facts)
}

/** @param before whether what stands before the application is ready */
function applicationReadiness(inbound: Inbound, before: Readiness, facts: DataplaneFacts | undefined): Readiness {
  if (before.state !== 'ready' || facts === undefined || inbound.serviceProbe?.disabled === true) return before
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

function declaredState({ state, health }: Inbound): Readiness | null {
  return declared(state ?? (health?.ready === false ? 'NotReady' : undefined))
}

/** What whoever wrote the Dataplane says of it. */
function declared(state: 'Ready' | 'NotReady' | 'Ignored' | undefined): Readiness | null {
  if (state === 'NotReady') return notReady('its state is NotReady')
  return state === 'Ignored' ? notReady('its state is Ignored') : null
}
