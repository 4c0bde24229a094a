import { type Connection, unknownZone, type ZoneFacts } from '../derive/facts.ts'
import { zoneInsight } from '../derive/insight.ts'
import type { ZoneLine } from '../derive/overview.ts'
import { computedLabels } from '../model/compute-labels.ts'
import type { Zone } from '../model/kinds/zone.ts'
import type { ResourceDraft } from '../model/resource.ts'
import type { Registry, RegistryChange } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { ZoneFacts as LinkFacts } from '../sync/zone-facts.ts'

const rememberedConnections = 5
/** After its start global counts no zone as gone for so long. */
const returnWithinMs = 60_000

/** The zones that global knows: their resources, made when a zone first connects, and what is true of them now. */
export class Zones {
  readonly #registry: Registry
  readonly #instanceId: string
  readonly #log: Log
  readonly #clock: Pick<Clock, 'now'>
  readonly #startedAt: number
  readonly #facts = new Map<string, ZoneFacts>()
  readonly #links = new Map<string, LinkFacts>()

  constructor(options: { registry: Registry; instanceId: string; clock: Pick<Clock, 'now'>; log: Log }) {
    this.#registry = options.registry
    this.#instanceId = options.instanceId
    this.#log = options.log
    this.#clock = options.clock
    this.#startedAt = options.clock.now()
  }

  /** Told at every change of a zone's connection, heartbeats included. */
  onLink(link: LinkFacts): void {
    const before = this.#links.get(link.zone)
    // The last word of a connection that ended because its zone was deleted must not make the zone anew.
    if (!before && !link.connected) return
    this.#links.set(link.zone, link)
    const known = this.#facts.get(link.zone) ?? unknownZone
    const connections =
      link.connected === before?.connected && link.instance === before.instance
        ? known.connections
        : this.#connections(known.connections, link)
    this.#facts.set(link.zone, {
      ...known,
      connections,
      zoneInstanceId: link.instance,
      version: link.version,
      lastBeatMs: link.lastHeard || known.lastBeatMs,
      behind: link.behind,
      proxies: readState(link.state) ?? known.proxies,
    })
    if (connections !== known.connections) void this.#store(link.zone)
  }

  /** Somebody deleted the zone. */
  forget(zone: string): void {
    this.#facts.delete(zone)
    this.#links.delete(zone)
    void this.#registry
      .commit([{ kind: 'delete', key: { kind: 'ZoneInsight', mesh: '', name: zone } }])
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

  lines(): ZoneLine[] {
    return this.#registry.list<Zone>('Zone').map(({ name }) => {
      const link = this.#links.get(name)
      const refused = link?.refused[0]
      const error = refused ? `${refused.name} was refused: ${refused.reason}` : link?.connected ? undefined : link?.lastError
      return {
        name,
        online: link?.connected ?? false,
        ...(link?.lastHeard ? { lastHeard: new Date(link.lastHeard).toISOString() } : {}),
        ...(error ? { error } : {}),
      }
    })
  }

  #connections(earlier: readonly Connection[], link: LinkFacts): readonly Connection[] {
    const closed = earlier.map(connection =>
      connection.disconnectedAtMs === null ? { ...connection, disconnectedAtMs: link.since } : connection,
    )
    if (!link.connected) return closed
    const opened: Connection = {
      id: `${link.instance}-${link.since}`,
      controlPlaneId: this.#instanceId,
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
