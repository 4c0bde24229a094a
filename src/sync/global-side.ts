import { kinds } from '../model/kinds/index.ts'
import type { Resource, Revision } from '../model/resource.ts'
import type { ChangeBatch } from '../registry/change-batch.ts'
import { commitInParts } from '../registry/commit-parts.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream, StreamStatus } from '../std/message-stream.ts'
import { changesToForgetZone } from './apply.ts'
import { globalToZonePath, instanceHeader, sessionPath, zoneHeader, zoneToGlobalPath } from './exchange.ts'
import { type OwedChange, OwedResources } from './owed.ts'
import { comesDown, owedToZones, zoneOfOrigin } from './visibility.ts'
import type { ZoneLink } from './zone-link.ts'
import { ZoneRecord } from './zone-record.ts'

export type ZoneAuthentication =
  | {
      readonly kind: 'zone'
      readonly zone: string
      /** Unix ms; the session ends then. Absent: it lasts until the zone leaves, or `hold` ends it. */
      readonly expiresAt?: number
      /** Ends a stream that was opened with the credential when that is withdrawn. */
      readonly hold?: (stream: MessageStream) => void
    }
  | { readonly kind: 'refused'; readonly reason: string }

export interface GlobalSideOptions {
  readonly registry: Registry
  /** Who dialled, by its credential (metadata `authorization`) alone. Asked for each stream. */
  readonly authenticate: (metadata: ReadonlyMap<string, string>) => ZoneAuthentication | Promise<ZoneAuthentication>
  /** This process; new with every start. */
  readonly instance: string
  readonly version: string
  /** At every change of what is known of a zone's connection, heartbeats included. */
  readonly onFacts?: (facts: ZoneLink) => void
  /** Zones that count as silent now: every heartbeat tells the others. Without it: none. */
  readonly silentZones?: () => readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/** Global's end of the sync: every zone that dials gets what it is owed, and what it may own is taken over. */
export class GlobalSide {
  readonly #options: GlobalSideOptions
  readonly #owed: OwedResources
  readonly #zones = new Map<string, ZoneRecord>()
  readonly #stopListening: () => void
  #closing = false

  constructor(options: GlobalSideOptions) {
    this.#options = options
    const { registry } = options
    this.#owed = new OwedResources((resource, kind) => owedToZones(resource, kind, zone => this.#isEnabled(zone)), registry.all())
    this.#stopListening = registry.onChange(batch => this.#onChange(batch))
  }

  /** gRPC paths with what serves them. */
  get handlers(): Readonly<Record<string, (stream: MessageStream) => void>> {
    return {
      [sessionPath]: stream => void this.#accept(stream, (zone, instance, expiresAt) => zone.openSession(stream, instance, expiresAt)),
      [globalToZonePath]: stream => void this.#accept(stream, (zone, instance) => zone.openDown(stream, instance)),
      [zoneToGlobalPath]: stream => void this.#accept(stream, (zone, instance) => zone.openUp(stream, instance)),
    }
  }

  /** Of every zone that has connected since the start. */
  facts(): ZoneLink[] {
    return [...this.#zones.values()].map(zone => zone.facts)
  }

  /** Ends a zone's session; it will dial again, and `authenticate` decides. */
  disconnect(zone: string, reason: string): void {
    this.#zones.get(zone)?.disconnect({ code: 'ABORTED', message: reason })
  }

  /**
   * After a person removed a zone: ends its session, and removes all that it made, here and so in the other zones. Were it to dial again and
   * be admitted, it would bring all of it again. Every replica of global does so, in case that one of them dies over it; where the zone
   * was not connected, only what is as old as `removedAt` goes, so that what it brings anew to another replica stays.
   */
  async forget(zone: string, reason: string, removedAt: Revision = Number.POSITIVE_INFINITY): Promise<void> {
    const record = this.#zones.get(zone)
    const wasHere = record?.facts.connected ?? false
    this.#zones.delete(zone)
    await record?.close({ code: 'ABORTED', message: reason })
    const { registry } = this.#options
    const newest = wasHere ? Number.POSITIVE_INFINITY : removedAt
    const made = [...registry.all()].filter(({ revision }) => revision <= newest)
    await commitInParts(changesToForgetZone(zone, made), { sizeOf: () => 0, commit: part => registry.commit(part) })
  }

  /** Ends every session, and resolves when all that was received is durable. */
  async close(): Promise<void> {
    this.#closing = true
    this.#stopListening()
    const status: StreamStatus = { code: 'UNAVAILABLE', message: 'global is shutting down: dial again' }
    await Promise.all([...this.#zones.values()].map(zone => zone.close(status)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #accept(stream: MessageStream, open: (zone: ZoneRecord, instance: string, expiresAt?: number) => void): Promise<void> {
    try {
      const admitted = await this.#admit(stream)
      if (admitted.kind === 'open') open(this.#record(admitted.zone), admitted.instance, admitted.expiresAt)
      else stream.end(admitted.status)
    } catch (error) {
      this.#options.log.error('a stream of a zone failed', { peer: stream.peer, error })
      stream.end({ code: 'INTERNAL', message: 'global failed on this stream: see its log' })
    }
  }

  async #admit(stream: MessageStream): Promise<Admitted> {
    const who = await this.#options.authenticate(stream.metadata)
    const instance = stream.metadata.get(instanceHeader) ?? ''
    if (this.#closing) return refusal('UNAVAILABLE', 'global is shutting down: dial again')
    if (who.kind === 'refused') {
      this.#options.log.warn('a zone was refused', { peer: stream.peer, reason: who.reason })
      return refusal('UNAUTHENTICATED', who.reason)
    }
    if (instance === '') return refusal('INVALID_ARGUMENT', `metadata ${instanceHeader} must name the process that dials`)
    const claimed = stream.metadata.get(zoneHeader) ?? who.zone
    if (claimed !== who.zone) {
      const fix = `start it with --zone ${who.zone}, or give it a token of its own (skerry token zone ${claimed})`
      return refusal('PERMISSION_DENIED', `the token is zone ${who.zone}'s, and this control plane is zone ${claimed}: ${fix}`)
    }
    who.hold?.(stream)
    const expiry = who.expiresAt === undefined ? {} : { expiresAt: who.expiresAt }
    return { kind: 'open', zone: who.zone, instance, ...expiry }
  }

  #record(zone: string): ZoneRecord {
    let record = this.#zones.get(zone)
    if (!record) {
      record = new ZoneRecord(zone, kindsDown, { ...this.#options, silentZones: () => this.#options.silentZones?.() ?? [] })
      for (const resource of this.#owed.values()) if (resource.from !== zone) record.outbox.put(resource)
      record.onOwed(this.#options.registry.revision)
      this.#zones.set(zone, record)
    }
    return record
  }

  #onChange(batch: ChangeBatch): void {
    const touched = new Set<ZoneRecord>()
    for (const change of this.#owed.apply(batch)) this.#tellZones(change, touched)
    for (const zone of enablingChanges(batch)) {
      for (const resource of this.#options.registry.all()) {
        if (zoneOfOrigin(resource) !== zone) continue
        for (const change of this.#owed.update(resource)) this.#tellZones(change, touched)
      }
    }
    for (const zone of touched) zone.onOwed(batch.revision)
  }

  #tellZones(change: OwedChange, touched: Set<ZoneRecord>): void {
    const resource = change.kind === 'put' ? change.resource : change.previous
    for (const [name, zone] of this.#zones) {
      if (name === resource.from) continue
      if (change.kind === 'put') zone.outbox.put(resource)
      else zone.outbox.remove(resource)
      touched.add(zone)
    }
  }

  /** A zone that nobody wrote down is not disabled. */
  #isEnabled(zone: string): boolean {
    const stored = this.#options.registry.get<Resource<{ readonly enabled?: boolean }>>({ kind: 'Zone', mesh: '', name: zone })
    return stored?.spec.enabled !== false
  }
}

type Admitted =
  | { readonly kind: 'open'; readonly zone: string; readonly instance: string; readonly expiresAt?: number }
  | { readonly kind: 'refused'; readonly status: StreamStatus }

const kindsDown = kinds.filter(comesDown).map(kind => kind.kind)

function refusal(code: StreamStatus['code'], message: string): Admitted {
  return { kind: 'refused', status: { code, message } }
}

/** Zones of which it changed whether what they made goes to others. */
function enablingChanges(batch: ChangeBatch): string[] {
  const isEnabled = (zone: Resource | undefined) => (zone?.spec as { readonly enabled?: boolean } | undefined)?.enabled !== false
  return batch.changes.flatMap(change => {
    const { kind, name } = change.kind === 'put' ? change.resource : change.key
    if (kind !== 'Zone') return []
    const now = change.kind === 'put' ? change.resource : undefined
    return isEnabled(now) === isEnabled(change.previous) ? [] : [name]
  })
}
