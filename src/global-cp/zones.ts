import { type Connection, unknownZone, type ZoneFacts } from '../derive/facts.ts'
import { zoneInsight } from '../derive/insight.ts'
import { computedLabels } from '../model/compute-labels.ts'
import { isOpen } from '../model/kinds/insight.ts'
import type { Zone } from '../model/kinds/zone.ts'
import type { ZoneInsight } from '../model/kinds/zone-insight.ts'
import type { ResourceDraft, Revision } from '../model/resource.ts'
import type { Leading } from '../registry/leader-role.ts'
import type { Registry, RegistryChange } from '../registry/registry.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { ZoneLink } from '../sync/zone-link.ts'
import type { Holder } from './replicas.ts'

const rememberedConnections = 5
/** A zone whose connection breaks comes back within this time when it is only restarted. */
const silentAfterMs = 5_000
/** After its start global counts no zone as gone for so long, ms. */
export const returnWithinMs = 60_000

interface Options {
  readonly registry: Registry
  readonly instanceId: string
  /** Of the replicas of global, the one that writes for those that died. */
  readonly leading: Leading
  readonly clock: Clock
  readonly log: Log
}

/** The zones that global knows: their resources, made when a zone first connects, and what is true of them now. */
export class Zones {
  readonly #registry: Registry
  readonly #instanceId: string
  readonly #leading: Leading
  readonly #log: Log
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #facts = new Map<string, ZoneFacts>()
  readonly #links = new Map<string, ZoneLink>()
  readonly #stopLeading: () => void
  #staleCheck: Timer | undefined

  constructor({ registry, instanceId, leading, clock, log }: Options) {
    this.#registry = registry
    this.#instanceId = instanceId
    this.#leading = leading
    this.#log = log
    this.#clock = clock
    this.#startedAt = clock.now()
    this.#stopLeading = leading.onChange(fence => fence && this.#checkStaleSoon())
    this.#checkStaleSoon()
  }

  close(): void {
    this.#stopLeading()
    this.#staleCheck?.cancel()
  }

  /** Told at every change of a zone's connection, heartbeats included. The replica that holds it writes it down. */
  onLink(link: ZoneLink, holder: Holder = { kind: 'here' }): void {
    const before = this.#links.get(link.zone)
    // The last word of a connection that ended because its zone was deleted must not make the zone anew.
    if (!before && !link.connected) return
    this.#links.set(link.zone, link)
    const known = this.#facts.get(link.zone) ?? unknownZone
    const controlPlaneId = holder.kind === 'here' ? this.#instanceId : holder.instance
    const isSame =
      link.connected === before?.connected &&
      link.instance === before.instance &&
      known.connections.at(-1)?.controlPlaneId === controlPlaneId
    const connections = isSame ? known.connections : this.#connections(known.connections, link, controlPlaneId)
    this.#facts.set(link.zone, {
      ...known,
      connections,
      zoneInstanceId: link.instance,
      version: link.version,
      lastBeatMs: link.lastHeard || known.lastBeatMs,
      behind: link.behind,
      proxies: readState(link.state) ?? known.proxies,
    })
    if (connections === known.connections) return
    if (holder.kind === 'here') void this.#store(link.zone)
    else if (!link.connected) this.#checkStaleSoon()
  }

  /** Somebody deleted the zone, by the commit of this revision; an insight that is newer is of a zone that came back. */
  forget(zone: string, removedAt: Revision = Number.POSITIVE_INFINITY): void {
    this.#facts.delete(zone)
    this.#links.delete(zone)
    const key = { kind: 'ZoneInsight', mesh: '', name: zone }
    if ((this.#registry.get(key)?.revision ?? 0) > removedAt) return
    void this.#registry
      .commit([{ kind: 'delete', key }])
      .catch(error => this.#log.error('the insight of a deleted zone could not be removed', { zone, error }))
  }

  /** The insight of a zone as it is now; undefined when it has not connected since this start. */
  insight(zone: string): unknown {
    const facts = this.#facts.get(zone)
    return facts && zoneInsight(facts)
  }

  /** Since when a zone is not connected, Unix ms; null = it is, or this process is so young that it may not have come back yet. */
  silentSince(zone: string): number | null {
    const link = this.#links.get(zone)
    if (link) return link.connected ? null : link.since
    return this.#clock.now() - this.#startedAt < returnWithinMs ? null : this.#startedAt
  }

  /** Zones that have not been connected for a while. None in the first minute of this process: it does not know yet who comes back. */
  silent(): string[] {
    const now = this.#clock.now()
    if (now - this.#startedAt < returnWithinMs) return []
    return this.#registry
      .list<Zone>('Zone')
      .map(({ name }) => name)
      .filter(name => now - (this.silentSince(name) ?? now) >= silentAfterMs)
  }

  /** A process that was killed could not write that its connections ended. */
  #checkStaleSoon(): void {
    const youngForMs = this.#startedAt + returnWithinMs - this.#clock.now()
    this.#staleCheck?.cancel()
    this.#staleCheck = this.#clock.setTimeout(() => void this.#closeStale(), Math.max(silentAfterMs, youngForMs))
  }

  /** Zones that have not come back by now, here or at another replica, are not connected. */
  async #closeStale(): Promise<void> {
    const { fence } = this.#leading
    if (!fence) return
    const stale = this.#registry
      .list<ZoneInsight>('ZoneInsight')
      .filter(({ name, spec }) => !this.#links.get(name)?.connected && spec.subscriptions?.some(isOpen))
    const changes = stale.map<RegistryChange>(({ kind, mesh, name, labels, spec, revision }) => {
      const disconnectTime = new Date(this.#links.get(name)?.since ?? this.#startedAt).toISOString()
      const subscriptions = spec.subscriptions!.map(it => (isOpen(it) ? { ...it, disconnectTime } : it))
      return { kind: 'put', draft: { kind, mesh, name, labels, spec: { ...spec, subscriptions } }, expect: revision }
    })
    if (changes.length === 0) return
    await this.#registry
      .commit(changes, fence)
      .catch(error => this.#log.error('zones that did not come back could not be written', { error }))
  }

  #connections(earlier: readonly Connection[], link: ZoneLink, controlPlaneId: string): readonly Connection[] {
    const closed = earlier.map(connection =>
      connection.disconnectedAtMs === null ? { ...connection, disconnectedAtMs: link.since } : connection,
    )
    if (!link.connected) return closed
    const opened: Connection = {
      id: `${link.instance}-${link.since}`,
      controlPlaneId,
      connectedAtMs: link.since,
      disconnectedAtMs: null,
    }
    return [...closed, opened].slice(-rememberedConnections)
  }

  async #store(zone: string): Promise<void> {
    const insight: ResourceDraft = { kind: 'ZoneInsight', mesh: '', name: zone, labels: {}, spec: this.insight(zone) }
    const changes: RegistryChange[] = [{ kind: 'put', draft: { ...insight, labels: computedLabels(insight, { mode: 'global' }) } }]
    if (!this.#registry.get({ kind: 'Zone', mesh: '', name: zone })) {
      const draft: ResourceDraft = { kind: 'Zone', mesh: '', name: zone, labels: {}, spec: { enabled: true } }
      changes.push({ kind: 'put', draft: { ...draft, labels: computedLabels(draft, { mode: 'global' }) } })
    }
    await this.#registry.commit(changes).catch(error => this.#log.error('what is known of a zone could not be written', { zone, error }))
  }
}

/** What a zone says of itself in its heartbeats. */
function readState(text: string): ZoneFacts['proxies'] {
  try {
    const { connected, ready, total } = JSON.parse(text) as Record<string, unknown>
    return typeof connected === 'number' && typeof ready === 'number' && typeof total === 'number' ? { connected, ready, total } : null
  } catch {
    return null
  }
}
