import { formatAge, formatDuration } from './duration.ts'
import { section } from './table.ts'

interface Counts {
  readonly total: number
}

/** What is read of the API's `/dashboard/v1/summary`. */
export interface Summary {
  readonly mode: 'global' | 'zone'
  readonly zone: string | null
  /** Of a zone: its link to global; null = it has none. */
  readonly global: { readonly url: string; readonly connected: boolean; readonly reason: string | null } | null
  readonly problems: readonly Problem[]
  readonly counts: {
    readonly problems: Counts & { readonly critical: number; readonly warning: number; readonly info: number }
    readonly zones: Counts
    readonly services: Counts
    readonly proxies: Counts & { readonly connected: number; readonly ready: number; readonly unknown: number }
  }
}

export interface Problem {
  readonly severity: 'critical' | 'warning' | 'info'
  readonly code: string
  readonly since: string
  readonly cause: string
  readonly fix: string
  readonly subject: { readonly kind: string; readonly mesh: string | null; readonly name: string }
}

export interface Zone {
  readonly name: string
  readonly state: string
  readonly lastHeard: string | null
  readonly lag: { readonly revisions: number; readonly since: string | null }
  readonly proxies: Counts & { readonly ready: number }
  readonly services: Counts & { readonly available: number }
  readonly version: string | null
}

export interface Service {
  readonly mesh: string
  readonly name: string
  readonly state: string
  readonly healthy: number
  readonly total: number
  readonly zones: readonly {
    readonly zone: string
    readonly healthy: number
    readonly total: number
    readonly state: string
    readonly tier: number | null
  }[]
  readonly ports: readonly { readonly port: number; readonly protocol: string }[]
}

export interface Proxy {
  readonly mesh: string
  readonly name: string
  readonly zone: string
  readonly workload: string | null
  readonly state: string
  readonly ready: boolean
  readonly reason: string | null
  readonly certificate: { readonly notAfter: string } | null
  readonly version: string | null
}

export interface Status {
  readonly summary: Summary
  readonly zones: { readonly total: number; readonly items: readonly Zone[] }
  readonly services: { readonly total: number; readonly items: readonly Service[] }
  readonly proxies: { readonly total: number; readonly items: readonly Proxy[] }
}

/** Everything on one screen: what is wrong first. */
export function formatStatus({ summary, zones, services, proxies }: Status, url: string, nowMs: number): string {
  const isGlobal = summary.mode === 'global'
  return [
    header(summary, url),
    problems(summary, nowMs),
    isGlobal
      ? section('Zones', {
          columns: ['ZONE', 'STATE', 'LAST HEARD', 'BEHIND', 'PROXIES READY', 'SERVICES AVAILABLE', 'VERSION'],
          rows: zones.items.map(zone => zoneRow(zone, nowMs)),
        })
      : '',
    more(isGlobal ? zones : undefined),
    section('Services', { columns: ['MESH', 'SERVICE', 'STATE', 'HEALTHY', 'ZONES', 'PORTS'], rows: services.items.map(serviceRow) }),
    more(services),
    section('Proxies', {
      columns: ['MESH', 'PROXY', 'ZONE', 'WORKLOAD', 'STATE', 'READY', 'CERTIFICATE', 'VERSION', 'REASON'],
      rows: proxies.items.map(proxy => proxyRow(proxy, nowMs)),
    }),
    more(proxies),
  ].join('')
}

function header({ mode, zone, global, counts }: Summary, url: string): string {
  const { proxies, zones, services } = counts
  const what = [
    ...(mode === 'global' ? [countOf(zones.total, 'zone')] : []),
    countOf(services.total, 'service'),
    `${countOf(proxies.total, 'proxy', 'proxies')}, ${proxies.connected} connected, ${proxies.ready} ready`,
    ...(proxies.unknown > 0 ? [`${proxies.unknown} unknown`] : []),
  ]
  const link = global
    ? `global ${global.url}: ${global.connected ? 'connected' : `not connected${global.reason ? `: ${global.reason}` : ''}`}\n`
    : ''
  return `${mode === 'zone' ? `Zone ${zone}` : 'Global control plane'} at ${url}: ${what.join(', ')}\n${link}`
}

/** Each with its cause and what to do. Marks, so that the meaning does not hang on a colour. */
function problems({ problems, counts }: Summary, nowMs: number): string {
  const { total, critical, warning, info } = counts.problems
  if (total === 0) return '\n√ no problems\n'
  const sums = [
    ...(critical > 0 ? [`${critical} critical`] : []),
    ...(warning > 0 ? [countOf(warning, 'warning')] : []),
    ...(info > 0 ? [`${info} to know`] : []),
  ]
  const lines = problems.map(problem => formatProblem(problem, nowMs)).join('')
  const hidden = total - problems.length
  return `\nProblems: ${sums.join(', ')}\n${lines}${hidden > 0 ? `  … and ${hidden} more\n` : ''}`
}

const marks = { critical: '×', warning: '‼', info: '·' } as const

function formatProblem({ severity, code, since, cause, fix, subject }: Problem, nowMs: number): string {
  const about = [subject.kind, subject.mesh ? `${subject.mesh}/${subject.name}` : subject.name].join(' ')
  return `  ${marks[severity]} ${about}: ${cause} (${formatAge(since, nowMs)}, ${code})\n      ${fix}\n`
}

function zoneRow({ name, state, lastHeard, lag, proxies, services, version }: Zone, nowMs: number): string[] {
  const isThere = state === 'online'
  const behind = lag.since === null ? '-' : `${lag.revisions} rev, ${formatAge(lag.since, nowMs)}`
  // What a zone said before it went silent is no news of what is in it.
  const ready = `${isThere ? proxies.ready : '?'}/${proxies.total}`
  const available = `${isThere ? services.available : '?'}/${services.total}`
  return [name, state, formatAge(lastHeard, nowMs), behind, ready, available, version ?? '-']
}

function serviceRow({ mesh, name, state, healthy, total, zones, ports }: Service): string[] {
  const list = [...new Set(ports.map(({ port, protocol }) => `${port}/${protocol}`))].join(',')
  return [mesh, name, state, `${healthy}/${total}`, zoneOrder(zones) || '-', list || '-']
}

/** `aws-1 2/2 → azure-1 1/1, gcp-1 1/1`: in the order in which callers try them; those of one rank share the load. */
function zoneOrder(zones: Service['zones']): string {
  return zones
    .map(({ zone, healthy, total, state, tier }, index) => {
      const earlier = zones[index - 1]
      const between = earlier === undefined ? '' : earlier.tier === tier ? ', ' : ' → '
      return `${between}${zone || '-'} ${state === 'unknown' ? '?' : healthy}/${total}`
    })
    .join('')
}

function proxyRow({ mesh, name, zone, workload, state, ready, reason, certificate, version }: Proxy, nowMs: number): string[] {
  const left = certificate ? Date.parse(certificate.notAfter) - nowMs : Number.NaN
  const life = Number.isNaN(left) ? '-' : left > 0 ? formatDuration(left) : 'expired'
  return [mesh, name, zone || '-', workload ?? '-', state, ready ? 'yes' : 'no', life, version ?? '-', reason ?? '']
}

function more(list: { readonly total: number; readonly items: readonly unknown[] } | undefined): string {
  const hidden = list ? list.total - list.items.length : 0
  return hidden > 0 ? `  … and ${hidden} more: \`skerry status -o wide\` shows all\n` : ''
}

function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
