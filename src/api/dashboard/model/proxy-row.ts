import { type Dataplane, inboundName, isAgentless, zoneIngressListenerName } from '../../../model/kinds/dataplane.ts'
import type { DataplaneInsightSpec, DataplaneSubscription } from '../../../model/kinds/dataplane-insight.ts'
import { isOpen } from '../../../model/kinds/insight.ts'
import { kriOf } from '../../../model/kri.ts'
import { workloadLabel } from '../../../model/labels.ts'
import { displayNameOf } from '../../../model/names.ts'
import type { ProxyRow, ProxyState } from '../schema/proxy.ts'

export interface ProxyInput {
  readonly dataplane: Dataplane
  readonly zone: string
  /** undefined = no agent has told of it. */
  readonly insight: DataplaneInsightSpec | undefined
  /** Since when nothing is heard of its zone, Unix ms; null = it is heard. */
  readonly silentSince: number | null
  readonly previous: ProxyRow | undefined
  readonly now: number
}

/** An instance that has no proxy is told as part of its workload, not as a proxy. */
export function hasProxy(dataplane: Dataplane): boolean {
  return !isAgentless(dataplane)
}

/** A proxy as its zone told of it last. */
export function proxyRow(input: ProxyInput): ProxyRow {
  const { dataplane, zone, insight, silentSince, previous, now } = input
  const newest = insight?.subscriptions?.at(-1)
  const connected = insight?.subscriptions?.some(isOpen) ?? false
  const refused = (insight?.refusals ?? []).map(({ type, time, reason }) => ({ type, at: time ?? null, reason }))
  const notReady = notReadyOf(dataplane, insight)
  const { state, reason } = stateOf(input, connected, refused[0], notReady[0]?.reason)
  const ready = silentSince === null && notReady.length === 0 && (insight === undefined || connected)
  const disconnectedAt = connected ? null : (newest?.disconnectTime ?? null)
  const isSame = previous?.state === state && previous.ready === ready
  return {
    mesh: dataplane.mesh,
    name: displayNameOf(dataplane),
    storedName: dataplane.name,
    kri: kriOf(dataplane),
    zone,
    workload: dataplane.labels[workloadLabel] ?? null,
    role: roleOf(dataplane),
    state,
    since: isSame ? previous.since : sinceOf(state, input, newest, refused[0]?.at ?? null) || new Date(now).toISOString(),
    reason,
    connected,
    ready,
    refused,
    notReady: connected || insight === undefined ? notReady : [],
    certificate: certificateOf(insight),
    version: versionOf(newest),
    engine: textOf(insight?.metadata?.engine),
    address: dataplane.spec.networking.address,
    connectedAt: newest?.connectTime ?? null,
    disconnectedAt,
  }
}

function stateOf(
  { insight, zone, silentSince }: ProxyInput,
  connected: boolean,
  refusal: { readonly type: string; readonly reason: string } | undefined,
  notReady: string | undefined,
): { readonly state: ProxyState; readonly reason: string | null } {
  if (silentSince !== null)
    return { state: 'UNKNOWN', reason: `its zone ${zone} is not connected to global: what is told here is what it said last` }
  if (insight === undefined) return { state: 'UNKNOWN', reason: 'no agent has told of it: its own state decides' }
  if (!connected) {
    const hasConnected = (insight.subscriptions?.length ?? 0) > 0
    return { state: 'OFFLINE', reason: hasConnected ? 'its proxy is disconnected' : 'its proxy has not connected' }
  }
  if (refusal) return { state: 'NACKED', reason: `it refused ${refusal.type}: ${refusal.reason}` }
  if (insight.metadata?.configuration === 'stale') return { state: 'STALE', reason: notReady ?? 'its proxy has not accepted its listeners' }
  return { state: 'SYNCED', reason: notReady ?? null }
}

/** RFC 3339; '' = now. */
function sinceOf(
  state: ProxyState,
  { dataplane, silentSince, previous }: ProxyInput,
  newest: DataplaneSubscription | undefined,
  refusedAt: string | null,
): string {
  switch (state) {
    case 'UNKNOWN':
      return silentSince === null ? dataplane.creationTime : new Date(silentSince).toISOString()
    case 'OFFLINE':
      return newest?.disconnectTime ?? dataplane.creationTime
    case 'NACKED':
      return refusedAt ?? ''
    case 'STALE':
    case 'SYNCED':
      return previous ? '' : (newest?.connectTime ?? '')
  }
}

/** Why callers are not sent there, by inbound. Inbounds that whoever wrote the Dataplane took out (`Ignored`) lack nothing. */
export function notReadyOf(dataplane: Dataplane, insight: DataplaneInsightSpec | undefined): ProxyRow['notReady'] {
  const { inbound = [], listeners = [] } = dataplane.spec.networking
  if (insight === undefined) {
    const declared = [
      ...inbound.map(it => ({ ...it, name: inboundName(it) })),
      ...listeners.map(it => ({ ...it, name: zoneIngressListenerName(it) })),
    ]
    return declared.filter(it => it.state === 'NotReady').map(it => ({ inbound: it.name, reason: 'its state is NotReady' }))
  }
  const ignored = new Set(inbound.filter(it => it.state === 'Ignored').map(inboundName))
  return (insight.readiness ?? [])
    .filter(it => !it.ready && !ignored.has(it.inbound))
    .map(it => ({ inbound: it.inbound, reason: it.reason ?? 'it is not ready' }))
}

function roleOf({ spec }: Dataplane): ProxyRow['role'] {
  if (spec.networking.gateway !== undefined) return 'gateway'
  return (spec.networking.listeners?.length ?? 0) > 0 ? 'zone-gateway' : 'sidecar'
}

/** Certificates live a day, and are renewed at half of it. */
const usualLifeMs = 86_400_000

function certificateOf(insight: DataplaneInsightSpec | undefined): ProxyRow['certificate'] {
  const { certificateExpirationTime, lastCertificateRegeneration, certificateRegenerations, issuedBackend } = insight?.mTLS ?? {}
  if (certificateExpirationTime === undefined) return null
  const notAfter = Date.parse(certificateExpirationTime)
  const life = lastCertificateRegeneration === undefined ? usualLifeMs : notAfter - Date.parse(lastCertificateRegeneration)
  return {
    notAfter: certificateExpirationTime,
    issuedAt: lastCertificateRegeneration ?? null,
    issuer: issuedBackend || null,
    renewals: certificateRegenerations ?? 0,
    // With a quarter of its life left it has been tried again for as long.
    dueAt: new Date(notAfter - life / 4).toISOString(),
  }
}

function versionOf(newest: DataplaneSubscription | undefined): string | null {
  return newest?.version?.skerry ?? newest?.version?.kumaDp?.version ?? null
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
