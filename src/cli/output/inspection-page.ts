import { expiry, formatDuration } from './duration.ts'
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
  readonly refusals: readonly { readonly type: string; readonly atMs: number; readonly reason: string }[]
  readonly warnings: readonly { readonly resource: string; readonly reason: string }[]
  readonly spiffeId: string | null
  readonly trustDomains: readonly string[]
  readonly listeners: readonly Listener[]
  readonly clusters: readonly Cluster[]
  readonly onDemand: readonly VirtualHost[]
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
  readonly target?: { readonly virtualHost?: VirtualHost }
  readonly virtualHosts?: readonly VirtualHost[]
}

interface VirtualHost {
  readonly domains: readonly string[]
  readonly routes: readonly { readonly origin: string; readonly action: { readonly kind: string; readonly retry?: Retry } }[]
}

interface Retry {
  readonly attempts: number
  readonly on: readonly string[]
  readonly origin: string
}

interface Cluster {
  readonly kind: string
  readonly name: string
  readonly connectTimeoutMs?: number
  readonly balancer?: { readonly type: string }
  readonly outlier?: { readonly consecutiveLocal: number; readonly baseEjectionMs: number; readonly maxEjectionMs: number }
  readonly limits?: Readonly<Record<string, number>>
  readonly origins?: Readonly<Record<string, string>>
  readonly endpoints?: {
    readonly groups: readonly {
      readonly priority: number
      readonly zone: string
      readonly endpoints: readonly { readonly state: string }[]
    }[]
  }
}

/** One setting, its value, what it is for and who decided it. */
type Setting = readonly [setting: string, value: string, subject: string, origin: string]

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
    section('Who decided what', {
      columns: ['SETTING', 'VALUE', 'FOR', 'FROM'],
      rows: settingsOf(inspection).map(([setting, value, subject, from]) => [
        setting,
        value,
        subject,
        from === 'default' ? 'built-in default' : from,
      ]),
    }),
    section('Warnings', { columns: ['RESOURCE', 'REASON'], rows: inspection.warnings.map(({ resource, reason }) => [resource, reason]) }),
    section('Refused', {
      columns: ['TYPE', 'AGE', 'REASON'],
      rows: inspection.refusals.map(({ type, atMs, reason }) => [type, formatDuration(nowMs - atMs), reason]),
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

function settingsOf({ listeners, clusters, onDemand }: Inspection): readonly Setting[] {
  const hosts = [
    ...listeners.flatMap(listener => [
      ...(listener.virtualHosts ?? []),
      ...(listener.target?.virtualHost ? [listener.target.virtualHost] : []),
    ]),
    ...onDemand,
  ]
  return [
    ...listeners.flatMap(({ name, permissions }): Setting[] =>
      permissions
        ? [
            [
              'permission',
              permissions.origins.length > 0 ? 'allowed by' : 'nobody may enter',
              name,
              permissions.origins.join(', ') || 'default',
            ],
          ]
        : [],
    ),
    ...hosts.flatMap(({ domains, routes }) =>
      routes.flatMap(({ action }): Setting[] =>
        action.retry
          ? [['retry', `${action.retry.attempts} tries on ${action.retry.on.join(', ')}`, domains.join(', '), action.retry.origin]]
          : [],
      ),
    ),
    ...clusters.flatMap(clusterSettings),
  ]
}

function clusterSettings({ name, origins, connectTimeoutMs, balancer, outlier, limits, endpoints }: Cluster): Setting[] {
  if (!origins) return []
  const values: Readonly<Record<string, string>> = {
    connectTimeout: connectTimeoutMs === undefined ? '' : `${connectTimeoutMs} ms`,
    balancer: balancer?.type ?? '',
    outlier: outlier
      ? `left out after ${outlier.consecutiveLocal} failed, for ${outlier.baseEjectionMs} to ${outlier.maxEjectionMs} ms`
      : '',
    limits: Object.entries(limits ?? {})
      .map(([what, limit]) => `${what} ${limit}`)
      .join(', '),
    locality: formatTiers(endpoints?.groups ?? []),
  }
  return Object.entries(origins).map(([setting, origin]): Setting => [setting, values[setting] ?? '', name, origin])
}

/** Zones in the order in which they are tried, those of one priority together. */
function formatTiers(groups: readonly { readonly priority: number; readonly zone: string }[]): string {
  const tiers = Map.groupBy(groups, ({ priority }) => priority)
  return [...tiers]
    .sort(([a], [b]) => a - b)
    .map(([, tier]) => [...new Set(tier.map(({ zone }) => zone || '-'))].join(' + '))
    .join(', then ')
}
