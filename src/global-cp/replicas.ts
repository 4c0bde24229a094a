import type { Presence } from '../registry/presence.ts'
import type { Clock } from '../std/clock.ts'
import type { ZoneLink } from '../sync/zone-link.ts'

/** Which replica a zone's connection is at; that of a replica that is gone is nobody's. */
export type Holder = { readonly kind: 'here' } | { readonly kind: 'replica'; readonly instance: string }

export interface ReplicasOptions {
  readonly presence: Presence
  /** Told at every change of what is known of a zone's connection, wherever that is; heartbeats of zones that are connected here included. */
  readonly onLink: (link: ZoneLink, holder: Holder) => void
  readonly clock: Pick<Clock, 'now'>
}

interface Replica {
  /** HOST:PORT of its --sync, for the others; undefined when it has not said so. */
  address: string | undefined
  readonly links: Map<string, ZoneLink>
  /** Zones that can be asked there. */
  readonly reached: Set<string>
}

/**
 * The replicas of global on one store: each tells the others which zones are connected to it, so that all of them show the same. Only
 * zones that are connected are told of; one that no replica has is not connected.
 */
export class Replicas {
  readonly #options: ReplicasOptions
  readonly #others = new Map<string, Replica>()
  readonly #here = new Map<string, ZoneLink>()
  /** Zones of which the others were told, or told, last. */
  readonly #latest = new Map<string, { readonly link: ZoneLink; readonly holder: Holder }>()

  constructor(options: ReplicasOptions) {
    this.#options = options
    options.presence.follow((instance, name, value) => this.#heard(instance, name, value))
  }

  /** Where the others reach this one, HOST:PORT. */
  tellAddress(address: string): void {
    this.#options.presence.say('address', address)
  }

  /** At every change of a zone's connection to this process, heartbeats included. */
  tellLink(link: ZoneLink): void {
    const before = this.#here.get(link.zone)
    this.#here.set(link.zone, link)
    if (!link.connected) this.#options.presence.say(`zone/${link.zone}`, undefined)
    else if (!before?.connected || significant(before) !== significant(link))
      this.#options.presence.say(`zone/${link.zone}`, JSON.stringify(link))
    this.#decide(link.zone)
  }

  /** Whether this process can ask a zone. */
  tellReach(zone: string, isReached: boolean): void {
    this.#options.presence.say(`reach/${zone}`, isReached ? '' : undefined)
  }

  /** A person deleted the zone. */
  forget(zone: string): void {
    this.#here.delete(zone)
    this.#latest.delete(zone)
    this.#options.presence.say(`zone/${zone}`, undefined)
  }

  /** The replica through which a zone can be asked, when it is another. */
  reachedAt(zone: string): { readonly instance: string; readonly address: string | undefined } | undefined {
    for (const [instance, { reached, address }] of this.#others) if (reached.has(zone)) return { instance, address }
    return undefined
  }

  #heard(instance: string, name: string, value: string | undefined): void {
    const replica = this.#others.get(instance) ?? { address: undefined, links: new Map(), reached: new Set() }
    this.#others.set(instance, replica)
    const [what, zone = ''] = name.split('/')
    if (what === 'address') replica.address = value
    if (what === 'reach') {
      if (value === undefined) replica.reached.delete(zone)
      else replica.reached.add(zone)
    }
    if (what === 'zone') {
      if (value === undefined) replica.links.delete(zone)
      else replica.links.set(zone, JSON.parse(value) as ZoneLink)
      this.#decide(zone)
    }
    if (replica.address === undefined && replica.links.size === 0 && replica.reached.size === 0) this.#others.delete(instance)
  }

  /** The newest connection counts: an older one is a remnant of which its replica does not know yet that it is over. */
  #decide(zone: string): void {
    const here = this.#here.get(zone)
    const before = this.#latest.get(zone)
    let newest: { link: ZoneLink; holder: Holder } | undefined
    if (here?.connected) newest = { link: here, holder: { kind: 'here' } }
    for (const [instance, { links }] of this.#others) {
      const link = links.get(zone)
      if (link && (!newest || link.since > newest.link.since)) newest = { link, holder: { kind: 'replica', instance } }
    }
    newest ??= before?.holder.kind === 'replica' ? { link: this.#lost(before.link), holder: before.holder } : undefined
    newest ??= here && { link: here, holder: { kind: 'here' } }
    if (!newest) return
    this.#latest.set(zone, newest)
    this.#options.onLink(newest.link, newest.holder)
  }

  #lost(link: ZoneLink): ZoneLink {
    if (!link.connected) return link
    return { ...link, connected: false, since: this.#options.clock.now(), lastError: 'its connection to another replica of global is over' }
  }
}

/** What the others are told of at once; revisions and heartbeats they hear when one of these is another. */
function significant({ since, instance, version, behind, refused, lastError, state }: ZoneLink): string {
  return JSON.stringify([since, instance, version, behind, refused, lastError, state])
}
