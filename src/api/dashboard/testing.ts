import { computedLabels } from '../../model/compute-labels.ts'
import type { Dataplane } from '../../model/kinds/dataplane.ts'
import type { DataplaneInsight, DataplaneInsightSpec } from '../../model/kinds/dataplane-insight.ts'
import { originLabel, workloadLabel, zoneLabel } from '../../model/labels.ts'
import type { ResourceDraft } from '../../model/resource.ts'
import { MemoryStore } from '../../registry/memory-store.ts'
import { Registry } from '../../registry/registry.ts'
import { ManualClock } from '../../std/clock.ts'
import { silentLog } from '../../std/log.ts'
import { DashboardModel } from './model/dashboard-model.ts'
import type { ZoneLink } from './model/zone-facts.ts'

/** A registry with the dashboard's model over it, on a clock that moves by hand: at global, or in the zone that is named. */
export async function aBoard({ zone = '', instance = 'test' }: { zone?: string; instance?: string } = {}) {
  const clock = new ManualClock()
  const store = new MemoryStore()
  const registry = await Registry.open(store, { clock, log: silentLog })
  const silent = new Map<string, number>()
  const links = new Map<string, ZoneLink>()
  const startedAt = clock.now()
  /** As global's own rule: in its first minute nobody is gone. */
  const silentSince = (name: string) => {
    if (silent.has(name)) return silent.get(name)!
    return links.has(name) || clock.now() - startedAt < 60_000 ? null : startedAt
  }
  const open = () => {
    const model = new DashboardModel({
      registry,
      clock,
      log: silentLog,
      zone,
      instance,
      version: '1.0.0',
      insightOf: ({ mesh, name }: Dataplane) => registry.get<DataplaneInsight>({ kind: 'DataplaneInsight', mesh, name })?.spec,
      ...(zone === '' ? { silentSince, returnWithinMs: 60_000 } : {}),
    })
    for (const link of links.values()) {
      model.zoneChanged({ ...link, connected: true })
      model.zoneChanged(link)
    }
    return model
  }
  const model = open()
  return {
    clock,
    registry,
    model,
    /** Another model over the same, made from what is there now. */
    open,
    put: (...drafts: ResourceDraft[]) => registry.commit(drafts.map(draft => ({ kind: 'put', draft }))),
    remove: (...drafts: ResourceDraft[]) => registry.commit(drafts.map(draft => ({ kind: 'delete', key: draft }))),
    /** What global learns of a zone's connection. */
    link(name: string, fields: Partial<ZoneLink> = {}) {
      const link = aLink(name, clock.now(), fields)
      if (!link.connected && !links.has(name)) return
      if (link.connected) silent.delete(name)
      else silent.set(name, link.since)
      links.set(name, link)
      model.zoneChanged(link)
    },
    [Symbol.asyncDispose]: async () => {
      model.close()
      await registry.close()
      await store.close()
    },
  }
}

export type Board = Awaited<ReturnType<typeof aBoard>>

export function aLink(zone: string, now: number, fields: Partial<ZoneLink> = {}): ZoneLink {
  return {
    zone,
    connected: true,
    since: now,
    lastHeard: now,
    instance: `${zone}-1`,
    version: '1.0.0',
    revision: 7,
    owedRevision: 5,
    heldRevision: 5,
    behind: [],
    resources: { Dataplane: 1 },
    refused: [],
    lastError: undefined,
    state: '',
    ...fields,
  }
}

export function aZone(name: string): ResourceDraft {
  return global({ kind: 'Zone', mesh: '', name, labels: {}, spec: { enabled: true } })
}

export function aMesh(name = 'default'): ResourceDraft {
  return global({ kind: 'Mesh', mesh: '', name, labels: {}, spec: {} })
}

/** Made at global. */
export function global(draft: ResourceDraft): ResourceDraft {
  return { ...draft, labels: { ...draft.labels, ...computedLabels(draft, { mode: 'global' }) } }
}

/** Made in a zone, stored under a name of its own. */
export function inZone(zone: string, draft: ResourceDraft): ResourceDraft {
  const labels = { ...computedLabels(draft, { mode: 'zone', zone }), [originLabel]: 'zone', [zoneLabel]: zone, ...draft.labels }
  return { ...draft, labels, name: `${draft.name}-${zone}` }
}

interface ProxyOptions {
  readonly mesh?: string
  readonly zone?: string
  readonly workload?: string
  readonly labels?: Record<string, string>
  readonly state?: 'Ready' | 'NotReady' | 'Ignored'
}

export function aProxy(
  name: string,
  { mesh = 'default', zone = 'aws-1', workload = 'web', labels = {}, state }: ProxyOptions = {},
): ResourceDraft {
  return inZone(zone, {
    kind: 'Dataplane',
    mesh,
    name,
    labels: { 'kuma.io/managed-by': 'agent', [workloadLabel]: workload, ...labels },
    spec: { networking: { address: '10.0.0.1', inbound: [{ name: 'main', port: 8080, protocol: 'http', ...(state ? { state } : {}) }] } },
  })
}

interface InsightOptions extends ProxyOptions {
  readonly spec?: Partial<DataplaneInsightSpec>
  readonly connected?: boolean
  /** Why its inbound is not ready. */
  readonly notReady?: string
  readonly refusal?: string
  /** Unix ms. */
  readonly certificate?: { readonly issuedAt: number; readonly notAfter: number }
}

/** What a zone tells of the proxy of that name; connected and ready unless it says otherwise. */
export function anInsight(
  name: string,
  now: number,
  { mesh = 'default', zone = 'aws-1', connected = true, notReady, refusal, certificate, spec = {} }: InsightOptions = {},
): ResourceDraft {
  const at = new Date(now).toISOString()
  const rest: DataplaneInsightSpec = {
    subscriptions: [{ id: '1', connectTime: at, ...(connected ? {} : { disconnectTime: at }), version: { skerry: '1.0.0' } }],
    metadata: { instanceId: 'process-1', engine: 'skerry' },
    readiness: [{ inbound: 'main', ready: notReady === undefined, ...(notReady === undefined ? {} : { reason: notReady }) }],
    ...(refusal === undefined ? {} : { refusals: [{ type: 'lds', time: at, reason: refusal }] }),
    ...(certificate === undefined
      ? {}
      : {
          mTLS: {
            certificateExpirationTime: new Date(certificate.notAfter).toISOString(),
            lastCertificateRegeneration: new Date(certificate.issuedAt).toISOString(),
            certificateRegenerations: 1,
            issuedBackend: 'kri_mid_default___identity_',
          },
        }),
  }
  return inZone(zone, { kind: 'DataplaneInsight', mesh, name, labels: {}, spec: { ...rest, ...spec } })
}

interface ServiceOptions {
  readonly mesh?: string
  readonly zone?: string
  readonly labels?: Record<string, string>
  readonly spec?: object
}

export function aService(
  name: string,
  healthy: number,
  total: number,
  { mesh = 'default', zone = 'aws-1', labels = {}, spec = {} }: ServiceOptions = {},
) {
  return inZone(zone, {
    kind: 'MeshService',
    mesh,
    name,
    labels: { 'kuma.io/managed-by': 'skerry', ...labels },
    spec: { state: healthy > 0 ? 'Available' : 'Unavailable', ports: [{ name: 'main', port: 80, appProtocol: 'http' }], ...spec },
    status: { dataplaneProxies: { connected: total, healthy, total }, addresses: [{ hostname: `${name}.${zone}.mesh` }] },
  })
}

export function aUnion(
  name: string,
  matchLabels: Record<string, string> = { 'kuma.io/display-name': name },
  mesh = 'default',
): ResourceDraft {
  const spec = { selector: { meshService: { matchLabels } }, ports: [{ name: 'main', port: 80, appProtocol: 'http' }] }
  return global({ kind: 'MeshMultiZoneService', mesh, name, labels: {}, spec })
}

export function aCapacity(service: string, healthy: number, total: number, { mesh = 'default', zone = 'aws-1' }: ServiceOptions = {}) {
  return inZone(zone, { kind: 'ServiceCapacity', mesh, name: service, labels: {}, spec: { service, healthy, total, weight: healthy } })
}

export function aStrategy(
  name: string,
  service: string,
  rules: readonly object[],
  over: { targetRef?: object; mesh?: string } = {},
): ResourceDraft {
  const { mesh = 'default', targetRef } = over
  const to = [
    {
      targetRef: { kind: 'MeshMultiZoneService', labels: { 'kuma.io/display-name': service } },
      default: { localityAwareness: { crossZone: { failover: rules } } },
    },
  ]
  return global({ kind: 'MeshLoadBalancingStrategy', mesh, name, labels: {}, spec: { ...(targetRef ? { targetRef } : {}), to } })
}
