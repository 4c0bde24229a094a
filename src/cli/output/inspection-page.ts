import { expiry, formatDuration } from './duration.ts'
import { type Settings, type SettingsOf, settingsTable } from './settings-table.ts'
import { formatFields, section } from './table.ts'

/** The API's `_inspect`, as far as a page reads it: what a proxy shall do and by whose word, whether it does, and why it is ready or not. */
export interface Inspection {
  readonly mesh: string
  readonly name: string
  readonly zone: string
  readonly role: string
  readonly connected: boolean
  readonly engine?: string
  readonly version?: string
  readonly readiness: {
    readonly proxy: Readiness
    readonly inbounds: Readonly<Record<string, Readiness>>
    readonly listeners: Readonly<Record<string, Readiness>>
  }
  readonly certificate?: { readonly notAfter: string }
  readonly refusals: readonly {
    readonly type: string
    readonly atMs: number
    readonly reason: string
    readonly resources?: readonly string[]
  }[]
  readonly warnings: readonly { readonly resource: string; readonly reason: string }[]
  readonly spiffeId: string | null
  readonly trustDomains: readonly string[]
  readonly listeners: readonly Listener[]
  readonly clusters: readonly Cluster[]
  readonly onDemand: readonly VirtualHost[]
  readonly settings?: Settings
}

interface Readiness {
  readonly state: string
  readonly reason: string
}

interface Listener {
  readonly kind: string
  readonly name: string
  readonly address: string
  readonly port: number
  readonly permissions?: { readonly origins: readonly string[] }
  readonly target?: { readonly virtualHost?: VirtualHost; readonly settings?: Settings }
  readonly virtualHosts?: readonly VirtualHost[]
  readonly settings?: Settings
}

interface VirtualHost {
  readonly domains: readonly string[]
  readonly settings?: Settings
  readonly routes: readonly { readonly name: string; readonly origin: string; readonly settings?: Settings }[]
}

interface Cluster {
  readonly kind: string
  readonly name: string
  readonly settings?: Settings
  readonly endpoints?: {
    readonly groups: readonly {
      readonly priority: number
      readonly zone: string
      readonly endpoints: readonly { readonly state: string }[]
    }[]
  }
}

export function formatInspection(inspection: Inspection, nowMs: number): string {
  const { mesh, name, zone, role, connected, engine, version, certificate, spiffeId, readiness } = inspection
  const listenerRows = inspection.listeners.map(listener => [listener.kind, listener.name, `${listener.address}:${listener.port}`])
  return [
    `Dataplane ${mesh}/${name}\n`,
    formatFields(
      [
        ['Zone', zone],
        ['Role', role],
        ['Identity', spiffeId ?? 'none: no MeshIdentity selects it'],
        ['Stream', connected ? `connected${engine ? ` (${engine} ${version ?? ''})` : ''}` : 'not connected'],
        ['Certificate', certificate ? expiry(Date.parse(certificate.notAfter) - nowMs) : 'none'],
        ['Ready', formatReadiness(readiness.proxy)],
      ],
      '  ',
    ),
    section('Inbounds', {
      columns: ['NAME', 'READY'],
      rows: Object.entries({ ...readiness.inbounds, ...readiness.listeners }).map(([inbound, state]) => [inbound, formatReadiness(state)]),
    }),
    section('Listeners', { columns: ['KIND', 'NAME', 'ADDRESS'], rows: listenerRows }),
    section('Where requests go', {
      columns: ['SERVICE', 'PRIORITY', 'ZONE', 'HEALTHY'],
      rows: inspection.clusters.flatMap(destinationRows),
    }),
    section('Who may come in', { columns: ['INBOUND', 'FROM'], rows: inspection.listeners.flatMap(permissionRows) }),
    section('Who decided what', settingsTable(partsOf(inspection))),
    section('Warnings', { columns: ['RESOURCE', 'REASON'], rows: inspection.warnings.map(({ resource, reason }) => [resource, reason]) }),
    section('Refused', {
      columns: ['TYPE', 'AGE', 'RESOURCE', 'REASON'],
      rows: inspection.refusals.map(({ type, atMs, reason, resources = [] }) => [
        type,
        formatDuration(nowMs - atMs),
        resources.join(' ') || '-',
        reason,
      ]),
    }),
  ].join('')
}

function formatReadiness({ state, reason }: Readiness): string {
  return state === 'ready' ? 'yes' : `${state === 'draining' ? 'draining' : 'no'}${reason ? `: ${reason}` : ''}`
}

function destinationRows({ name, endpoints }: Cluster): string[][] {
  return (endpoints?.groups ?? []).map(({ priority, zone, endpoints: hosts }) => [
    name,
    String(priority),
    zone || '-',
    `${hosts.filter(({ state }) => state === 'healthy').length}/${hosts.length}`,
  ])
}

function permissionRows({ name, permissions }: Listener): string[][] {
  return permissions ? [[name, permissions.origins.join(', ') || 'nobody: no MeshTrafficPermission reaches it']] : []
}

function partsOf({ listeners, clusters, onDemand, settings = {} }: Inspection): SettingsOf[] {
  const hosts = (at: string, list: readonly VirtualHost[]) => list.flatMap(host => hostParts(at, host))
  return [
    { subject: 'the proxy', settings },
    ...listeners.flatMap(({ name, settings = {}, target, virtualHosts = [] }): SettingsOf[] => [
      { subject: name, settings },
      { subject: name, settings: target?.settings ?? {} },
      ...hosts(name, target?.virtualHost ? [target.virtualHost] : []),
      ...hosts(name, virtualHosts),
    ]),
    ...onDemand.flatMap(host => hostParts(host.domains.join(','), host)),
    ...clusters.map(({ name, settings = {} }) => ({ subject: name, settings })),
  ]
}

function hostParts(at: string, { domains, settings = {}, routes }: VirtualHost): SettingsOf[] {
  const host = domains.includes('*') ? at : domains.join(',')
  return [
    { subject: host, settings },
    ...routes.map(route => ({ subject: route.name === 'default' ? host : `${host} ${route.name}`, settings: route.settings ?? {} })),
  ]
}
