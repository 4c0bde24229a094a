import { isOpen } from '../../../model/kinds/insight.ts'
import type { Zone } from '../../../model/kinds/zone.ts'
import type { ZoneInsight } from '../../../model/kinds/zone-insight.ts'
import { formatKri } from '../../../model/kri.ts'
import type { Registry } from '../../../registry/registry.ts'
import type { Clock } from '../../../std/clock.ts'
import type { ProxyCounts } from '../schema/common.ts'
import type { Summary } from '../schema/summary.ts'
import type { Source, Trust, ZoneRow } from '../schema/zone.ts'
import type { ChangeLog } from './change-log.ts'
import type { Events } from './events.ts'
import type { Problems } from './problems.ts'
import { Table } from './table.ts'
import { readSources, type ZoneLink } from './zone-facts.ts'
import { aboutZone, diagnoseZone } from './zone-problems.ts'

/** What other parts know of a zone. */
export interface ZoneContents {
  readonly proxies: (zone: string) => ProxyCounts
  readonly services: (zone: string) => { readonly total: number; readonly available: number }
  readonly workloads: (zone: string) => number
  readonly trust: (zone: string) => Trust[]
}

interface Options {
  readonly registry: Pick<Registry, 'get'>
  readonly clock: Pick<Clock, 'now'>
  readonly log: ChangeLog
  readonly problems: Problems
  readonly events: Events
  readonly contents: ZoneContents
  /** Unix ms; null = it is heard, or may still come back. */
  readonly silentSince: (zone: string) => number | null
  /** The zone that this control plane is; '' = global. */
  readonly ownZone: string
  readonly version: string
  readonly instance: string
}

const shownRefusals = 20

const worst: readonly ZoneRow['state'][] = ['silent', 'never-connected', 'expected', 'online']

/** Every zone at global; in a zone that zone alone. */
export class Zones {
  readonly table = new Table<ZoneRow>({
    id: row => row.name,
    mesh: () => '',
    text: row => row.name,
    filters: {
      name: row => row.name,
      zone: row => row.name,
      state: row => row.state,
      version: row => row.version ?? '',
      enabled: row => String(row.enabled),
      lagging: row => String(row.lag.since !== null),
    },
    sorts: {
      name: row => row.name,
      // The worst first.
      state: row => worst.indexOf(row.state),
      lastHeard: row => row.lastHeard,
      since: row => row.since,
      version: row => row.version,
      lag: row => row.lag.revisions,
      proxies: row => row.proxies.total,
      services: row => row.services.total,
      problems: row => row.problems,
    },
    order: 'name',
  })
  readonly #options: Options
  readonly #links = new Map<string, ZoneLink>()
  readonly #counts = { online: 0, silent: 0, expected: 0, neverConnected: 0, lagging: 0 }
  #sources: readonly Source[] = []

  constructor(options: Options) {
    this.#options = options
  }

  get counts(): Readonly<Omit<Summary['counts']['zones'], 'total'>> {
    return { ...this.#counts }
  }

  /** @returns what was known before; a zone of which nothing was known is not known for having gone */
  onLink(link: ZoneLink): ZoneLink | undefined {
    const before = this.#links.get(link.zone)
    if (before || link.connected) this.#links.set(link.zone, link)
    return before
  }

  forget(zone: string): void {
    this.#links.delete(zone)
  }

  /** Of the own zone. */
  set sources(sources: readonly Source[]) {
    this.#sources = sources
  }

  refresh(name: string): void {
    const { registry, ownZone, log, problems, clock } = this.#options
    const previous = this.table.get(name)
    const resource = registry.get<Zone>({ kind: 'Zone', mesh: '', name })
    if (!resource && name !== ownZone) {
      if (!previous) return
      this.table.delete(name)
      this.#recount(previous, undefined)
      problems.set(`zone/${name}`, { problems: [], nextAt: null })
      log.record('zones', name, '')
      this.#options.events.add({ type: 'zone.deleted', ...aboutZone(previous), message: `zone ${name} was deleted` })
      return
    }
    const row = name === ownZone ? this.#ownRow() : this.#row(resource!, previous)
    if (this.table.put(row)) {
      this.#recount(previous, row)
      log.record('zones', name, '')
      this.#tellEvents(previous, row)
    }
    problems.set(`zone/${name}`, diagnoseZone(row, clock.now()))
  }

  #row({ name, spec, creationTime }: Zone, previous: ZoneRow | undefined): ZoneRow {
    const { registry, silentSince } = this.#options
    const link = this.#links.get(name)
    const stored = registry.get<ZoneInsight>({ kind: 'ZoneInsight', mesh: '', name })?.spec
    const last = stored?.subscriptions?.at(-1)
    const silent = silentSince(name)
    const state = link?.connected ? 'online' : silent === null ? 'expected' : link || last ? 'silent' : 'never-connected'
    const heard = link?.lastHeard ? iso(link.lastHeard) : (stored?.healthCheck?.time ?? last?.disconnectTime ?? last?.connectTime ?? null)
    const sinces = {
      online: link ? iso(link.since) : null,
      // Of a zone that this process has not seen yet: what the one before knew.
      silent: link ? iso(link.since) : last && !isOpen(last) ? last.disconnectTime! : silent === null ? null : iso(silent),
      expected: link ? iso(link.since) : (last?.disconnectTime ?? null),
      'never-connected': creationTime || null,
    }
    return {
      ...this.#contents(name),
      enabled: spec.enabled ?? true,
      state,
      since: sinces[state],
      lastHeard: heard,
      reason: link?.lastError ?? null,
      version: link?.version || last?.version?.kumaCp?.version || null,
      instance: link?.instance || last?.zoneInstanceId || null,
      lag: this.#lag(link, previous),
      resources: link?.resources ?? {},
      sources: link ? readSources(link.state) : [],
      refused: (link?.refused ?? []).slice(0, shownRefusals).map(({ name, reason }) => ({ name, reason })),
      refusedTotal: link?.refused.length ?? 0,
      revision: link?.revision || null,
    }
  }

  #ownRow(): ZoneRow {
    const { ownZone, version, instance } = this.#options
    return {
      ...this.#contents(ownZone),
      enabled: true,
      state: 'online',
      since: null,
      lastHeard: null,
      reason: null,
      version,
      instance,
      lag: { kinds: [], revisions: 0, since: null, ms: 0 },
      resources: {},
      sources: [...this.#sources],
      refused: [],
      refusedTotal: 0,
      revision: null,
    }
  }

  #contents(name: string) {
    const { contents, problems } = this.#options
    return {
      name,
      kri: formatKri({ short: 'z', mesh: '', zone: '', namespace: '', name, section: '' }),
      proxies: contents.proxies(name),
      services: contents.services(name),
      workloads: contents.workloads(name),
      trust: contents.trust(name),
      problems: problems.table.idsWith('zone', name).size,
    }
  }

  /** Measured when it is heard: a silent zone's lag is its silence. */
  #lag(link: ZoneLink | undefined, previous: ZoneRow | undefined): ZoneRow['lag'] {
    if (!link?.connected || link.behind.length === 0) return { kinds: [], revisions: 0, since: null, ms: 0 }
    const since = previous?.lag.since ?? iso(this.#options.clock.now())
    return {
      kinds: [...link.behind],
      revisions: Math.max(0, link.owedRevision - link.heldRevision),
      since,
      ms: Math.max(0, link.lastHeard - Date.parse(since)),
    }
  }

  #recount(previous: ZoneRow | undefined, next: ZoneRow | undefined): void {
    for (const [sign, row] of [
      [-1, previous],
      [1, next],
    ] as const) {
      if (!row) continue
      this.#counts[row.state === 'never-connected' ? 'neverConnected' : row.state] += sign
      if (row.lag.since !== null) this.#counts.lagging += sign
    }
    const isSame = previous?.state === next?.state && (previous?.lag.since === null) === (next?.lag.since === null)
    if (!isSame) this.#options.log.record('summary', '', '')
  }

  #tellEvents(previous: ZoneRow | undefined, row: ZoneRow): void {
    const { events, ownZone } = this.#options
    if (row.name === ownZone) return
    if (row.state === 'online' && previous?.state !== 'online') {
      events.add({ type: 'zone.connected', ...aboutZone(row), message: `zone ${row.name} connected` })
    } else if (row.state !== 'online' && previous?.state === 'online') {
      events.add({
        type: 'zone.silent',
        ...aboutZone(row),
        message: `zone ${row.name} is not connected any more${row.reason ? `: ${row.reason}` : ''}`,
      })
    } else if (row.state === 'silent' && previous?.state === 'expected') {
      events.add({ type: 'zone.silent', ...aboutZone(row), message: `zone ${row.name} has not come back since this control plane started` })
    }
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
