import type { MeshZoneAddress } from '../model/kinds/mesh-zone-address.ts'
import { zoneLabel } from '../model/labels.ts'
import type { ZoneDoubt } from '../policy/endpoints.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'

/** What one of this zone's gateways found. */
export interface Reach {
  /** `host:port` */
  readonly address: string
  readonly reachable: boolean
  /** Why not, for people. */
  readonly reason: string
}

/** A zone must have been unreachable for so long before it is in doubt: one lost packet is no death. */
export const doubtAfterMs = 3_000

/** Of what one gateway tells so much is kept: it is told to look at no more. */
const reachLimit = 256

interface Options {
  readonly registry: Registry
  readonly zone: string
  /** What global says of this zone's connection, and of others': null = there is no global. */
  readonly global: () => { readonly connected: boolean; readonly silentZones: readonly string[] } | null
  readonly clock: Clock
  readonly log: Log
}

/** What one gateway has told last. */
interface Told {
  readonly reaches: ReadonlyMap<string, Reach>
  /** Address → monotonic ms since when it cannot be reached. */
  readonly since: ReadonlyMap<string, number>
}

/**
 * Which other zones seem dead, by the evidence of this zone alone: nobody vouches for the zone (global has not heard it for a while, or
 * is itself out of hearing), and none of this zone's gateways of the mesh reaches any of its. One of the two proves nothing.
 */
export class ZoneDoubts {
  readonly #options: Options
  /** Mesh → gateway → what it told. */
  readonly #told = new Map<string, Map<string, Told>>()
  /** `mesh zone` → why. */
  #doubts = new Map<string, string>()
  readonly #unsubscribe: () => void
  #timer: Timer | null = null
  /** Whether a zone is in doubt in a mesh changed. */
  onChange: (mesh: string, zone: string) => void = () => {}
  /** Gateways of a mesh have other addresses to look at. */
  onTargets: (mesh: string) => void = () => {}

  constructor(options: Options) {
    this.#options = options
    this.#unsubscribe = options.registry.onChange(({ changes }) => {
      const meshes = new Set<string>()
      for (const change of changes) {
        const { kind, mesh } = change.kind === 'put' ? change.resource : change.key
        if (kind === 'MeshZoneAddress') meshes.add(mesh)
      }
      for (const mesh of meshes) this.onTargets(mesh)
      if (meshes.size > 0) this.check()
    })
  }

  close(): void {
    this.#unsubscribe()
    this.#timer?.cancel()
  }

  /** `host:port` of every other zone's gateway in a mesh. */
  targets(mesh: string): string[] {
    return [...new Set(this.#addresses(mesh).map(({ spec }) => `${spec.address}:${spec.port}`))].sort().slice(0, reachLimit)
  }

  /** A gateway of this zone told what it reaches; null = it is gone. */
  told(mesh: string, gateway: string, reaches: readonly Reach[] | null): void {
    const gateways = this.#told.get(mesh) ?? new Map<string, Told>()
    const before = gateways.get(gateway)
    if (reaches === null) gateways.delete(gateway)
    else {
      const now = this.#options.clock.monotonic()
      const kept = reaches.slice(0, reachLimit)
      const since = kept.filter(reach => !reach.reachable).map(({ address }) => [address, before?.since.get(address) ?? now] as const)
      gateways.set(gateway, { reaches: new Map(kept.map(reach => [reach.address, reach])), since: new Map(since) })
    }
    if (gateways.size > 0) this.#told.set(mesh, gateways)
    else this.#told.delete(mesh)
    this.check()
  }

  /** Why each zone of a mesh is in doubt. */
  doubt(mesh: string): ZoneDoubt {
    return zone => this.#doubts.get(`${mesh} ${zone}`) ?? null
  }

  /** Looks again: something that doubts rest on may be another now. */
  check(): void {
    this.#timer?.cancel()
    this.#timer = null
    const next = new Map<string, string>()
    let recheckInMs = Number.POSITIVE_INFINITY
    for (const mesh of this.#told.keys()) {
      for (const [zone, addresses] of Map.groupBy(this.#addresses(mesh), address => address.labels[zoneLabel]!)) {
        const unheard = this.#unheard(zone)
        const found = unheard === null ? null : this.#unreachable(mesh, addresses)
        if (found === null) continue
        if (found.forMs < doubtAfterMs) recheckInMs = Math.min(recheckInMs, doubtAfterMs - found.forMs)
        else next.set(`${mesh} ${zone}`, `${unheard}, and ${found.reason}`)
      }
    }
    const before = this.#doubts
    this.#doubts = next
    for (const key of new Set([...before.keys(), ...next.keys()])) this.#tell(key, before.get(key), next.get(key))
    if (recheckInMs < Number.POSITIVE_INFINITY) this.#timer = this.#options.clock.setTimeout(() => this.check(), recheckInMs)
  }

  #addresses(mesh: string): MeshZoneAddress[] {
    const { registry, zone } = this.#options
    return registry.list<MeshZoneAddress>('MeshZoneAddress', mesh).filter(({ labels }) => (labels[zoneLabel] ?? zone) !== zone)
  }

  /** Why nobody vouches for a zone; null = global hears it. */
  #unheard(zone: string): string | null {
    const global = this.#options.global()
    if (global === null) return 'there is no global to vouch for it'
    if (!global.connected) return 'global cannot be asked whether it lives'
    return global.silentZones.includes(zone) ? 'global does not hear it' : null
  }

  /** For how long no gateway of this zone has reached any of these; null = one does, or has not told yet. */
  #unreachable(mesh: string, addresses: readonly MeshZoneAddress[]): { readonly forMs: number; readonly reason: string } | null {
    let last = Number.NEGATIVE_INFINITY
    let reason = ''
    for (const { reaches, since } of this.#told.get(mesh)!.values()) {
      for (const { spec } of addresses) {
        const reach = reaches.get(`${spec.address}:${spec.port}`)
        if (!reach || reach.reachable) return null
        last = Math.max(last, since.get(reach.address)!)
        reason = reach.reason
      }
    }
    return { forMs: this.#options.clock.monotonic() - last, reason: `no gateway of zone ${this.#options.zone} reaches it: ${reason}` }
  }

  #tell(key: string, before: string | undefined, after: string | undefined): void {
    if (before === after) return
    const [mesh = '', zone = ''] = key.split(' ')
    const { log } = this.#options
    if (after === undefined) log.info('a zone is relied on again', { mesh, zone })
    else if (before === undefined) log.warn('a zone seems dead: its endpoints come last', { mesh, zone, reason: after })
    this.onChange(mesh, zone)
  }
}
