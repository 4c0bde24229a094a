import { formatAge } from './duration.ts'
import { section } from './table.ts'

/** The API's `/status`. */
export interface Status {
  readonly mode: string
  /** Of a zone: its name. */
  readonly zone?: string
  /** Of a zone: its link to global; absent = it has none. */
  readonly global?: { readonly url: string; readonly connected: boolean; readonly lastHeard?: string; readonly error?: string }
  readonly problems: readonly { readonly about: string; readonly what: string; readonly fix?: string }[]
  readonly zones: readonly { readonly name: string; readonly online: boolean; readonly lastHeard?: string; readonly error?: string }[]
  readonly services: readonly {
    readonly mesh: string
    readonly name: string
    readonly zones: readonly { readonly zone: string; readonly healthy: number; readonly total: number }[]
  }[]
  readonly proxies: { readonly total: number; readonly connected: number; readonly ready: number }
}

/** One screen: what is wrong first. */
export function formatStatus(status: Status, url: string, nowMs: number): string {
  const { mode, zone, global, problems, zones, services, proxies } = status
  const zoneRows = zones.map(it => [it.name, it.online ? 'online' : 'offline', formatAge(it.lastHeard, nowMs)])
  // What a zone said before it went silent is no news of its instances.
  const offline = new Set(zones.filter(it => !it.online).map(it => it.name))
  const serviceRows = services.map(it => [
    it.mesh,
    it.name,
    it.zones.map(({ zone, healthy, total }) => `${zone || '-'} ${offline.has(zone) ? '?' : healthy}/${total}`).join(', '),
  ])
  return [
    `${mode === 'zone' ? `Zone ${zone}` : 'Global control plane'} at ${url}: ${proxies.total} proxies, ${proxies.connected} connected, ${proxies.ready} ready\n`,
    global ? `global ${global.url}: ${global.connected ? 'connected' : `not connected${global.error ? `: ${global.error}` : ''}`}\n` : '',
    problems.length === 0 ? '\n√ no problems\n' : `\nProblems\n${problems.map(formatProblem).join('')}`,
    section('Zones', { columns: ['ZONE', 'STATE', 'LAST HEARD'], rows: zoneRows }),
    section('Services', { columns: ['MESH', 'SERVICE', 'HEALTHY'], rows: serviceRows }),
  ].join('')
}

function formatProblem({ about, what, fix }: Status['problems'][number]): string {
  return `  × ${about}: ${what}\n${fix ? `      ${fix}\n` : ''}`
}
