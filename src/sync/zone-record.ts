import { kinds } from '../model/kinds/index.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream, StreamStatus } from '../std/message-stream.ts'
import { admitFromZone, withdrawFromZone } from './apply.ts'
import { differingKinds } from './digest.ts'
import { Divergence } from './divergence.ts'
import { fillInbox, serveOutbox } from './exchange.ts'
import { type Beat, digestsOf, Heartbeat } from './heartbeat.ts'
import { Inbox, type Refusal } from './inbox.ts'
import { Outbox } from './outbox.ts'
import { PeerRefusals } from './peer-refusals.ts'
import { goesUp, zoneOfOrigin } from './visibility.ts'
import type { ZoneLink } from './zone-link.ts'
import { ZoneSession } from './zone-session.ts'

interface ZoneRecordOptions {
  readonly registry: Registry
  readonly instance: string
  readonly version: string
  readonly onFacts?: (facts: ZoneLink) => void
  /** Zones that are silent now. */
  readonly silentZones: () => readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/** Instances that were taken over from and are kept out as long as their successor is there. */
const supersededLimit = 16

/** One zone, as global knows it: what it is owed, what came from it, and the session of the control plane that speaks for it. */
export class ZoneRecord {
  readonly zone: string
  readonly outbox: Outbox
  readonly #options: ZoneRecordOptions
  readonly #log: Log
  readonly #inbox: Inbox
  readonly #divergence: Divergence
  readonly #peerRefusals = new PeerRefusals()
  readonly #superseded = new Set<string>()
  /** What one session is still writing is written before the next begins. */
  #filling: Promise<unknown> = Promise.resolve()
  #session: ZoneSession | undefined
  #heartbeat: Heartbeat | undefined
  #beat: Beat | undefined
  #since: number
  #lastHeard = 0
  #owedRevision = 0
  #heldRevision = 0
  #ending: string | undefined

  constructor(zone: string, owedKinds: Iterable<string>, options: ZoneRecordOptions) {
    this.zone = zone
    this.outbox = new Outbox(owedKinds)
    this.#options = options
    this.#log = options.log.child({ zone })
    this.#since = options.clock.now()
    this.#divergence = new Divergence(options.clock)
    this.#inbox = new Inbox(options.registry, {
      kinds: kinds.filter(goesUp),
      holds: stored => zoneOfOrigin(stored) === zone,
      sentForm: stored => stored,
      admit: (sent, kind, stored) => admitFromZone(zone, sent, kind, stored),
      withdraw: stored => withdrawFromZone(zone, stored),
    })
  }

  /** The outbox has changed by the registry's change of this revision. */
  onOwed(revision: number): void {
    this.#owedRevision = revision
    this.#heartbeat?.changed()
  }

  openSession(stream: MessageStream, instance: string, expiresAt?: number): void {
    const earlier = this.#session
    if (earlier && this.#superseded.has(instance)) {
      const message = `zone ${this.zone} is spoken for by a control plane that came later (${earlier.instance}): stop one of the two`
      stream.end({ code: 'ALREADY_EXISTS', message })
      return
    }
    if (earlier) this.#takeOver(earlier, instance)
    const session = new ZoneSession(instance, expiresAt, this.#options.clock)
    this.#session = session
    this.#since = this.#options.clock.now()
    this.#beat = undefined
    this.#ending = undefined
    this.#peerRefusals.clear()
    session.add(stream)
    void session.ended.then(status => this.#onEnd(session, status))
    this.#log.info('zone connected', { instance, peer: stream.peer })
    this.#heartbeat = new Heartbeat({
      clock: this.#options.clock,
      stream,
      role: 'global',
      beat: () => this.#ownBeat(),
      onBeat: beat => this.#onBeat(session, beat),
    })
    this.#emit()
  }

  /** The zone subscribes on this stream to what it is owed. */
  openDown(stream: MessageStream, instance: string): void {
    const session = this.#sessionOf(stream, instance)
    if (!session) return
    session.add(stream)
    const listener = {
      onAcknowledged: (acknowledged: Parameters<PeerRefusals['accepted']>[0]) => this.#peerRefusals.accepted(acknowledged),
      onRefused: (refused: Parameters<PeerRefusals['refused']>[0]) => {
        this.#peerRefusals.refused(refused)
        this.#log.warn('the zone refused resources', { kind: refused.typeUrl, reason: refused.error })
        this.#emit()
      },
    }
    void serveOutbox(stream, this.outbox, listener, this.#log)
  }

  /** Global subscribes on this stream to what the zone makes. */
  openUp(stream: MessageStream, instance: string): void {
    const session = this.#sessionOf(stream, instance)
    if (!session) return
    session.add(stream)
    this.#filling = this.#filling
      .then(async () => {
        if (session.isOver) return
        await fillInbox(stream, this.#inbox, 'global', (kind, refusals) => this.#onReceived(kind, refusals))
      })
      .catch((error: Error) => {
        this.#log.error('receiving from the zone failed', { error })
        session.end({ code: 'INTERNAL', message: 'global failed to receive: see its log' })
      })
  }

  disconnect(status: StreamStatus): void {
    this.#session?.end(status)
  }

  async close(status: StreamStatus): Promise<void> {
    this.disconnect(status)
    await this.#filling
    this.#inbox.close()
  }

  get facts(): ZoneLink {
    const connected = this.#session !== undefined
    const counts = [...this.#inbox.tables].filter(([, table]) => table.size > 0).map(([kind, table]) => [kind, table.size])
    return {
      zone: this.zone,
      connected,
      since: this.#since,
      lastHeard: this.#lastHeard,
      instance: this.#session?.instance ?? '',
      version: this.#beat?.version ?? '',
      revision: this.#beat?.revision ?? 0,
      owedRevision: this.#owedRevision,
      heldRevision: this.#heldRevision,
      behind: this.#behind,
      resources: Object.fromEntries(counts),
      refused: this.#inbox.refused,
      lastError: connected ? this.#peerRefusals.text : this.#ending,
      state: this.#beat?.text ?? '',
    }
  }

  get #behind(): string[] {
    return this.#beat ? differingKinds(this.#beat.held, this.outbox.tables) : []
  }

  #sessionOf(stream: MessageStream, instance: string): ZoneSession | undefined {
    if (this.#session?.instance === instance) return this.#session
    stream.end({ code: 'FAILED_PRECONDITION', message: `zone ${this.zone} has no session of this process: open one first` })
    return undefined
  }

  /** The newest wins: the older one is a remnant of a process that died, or a second one that was started by mistake. */
  #takeOver(earlier: ZoneSession, instance: string): void {
    this.#superseded.delete(instance)
    if (earlier.instance !== instance) {
      this.#superseded.add(earlier.instance)
      for (const oldest of this.#superseded) if (this.#superseded.size > supersededLimit) this.#superseded.delete(oldest)
      this.#log.warn('another control plane takes over', { instance, from: earlier.instance })
    }
    this.#session = undefined
    earlier.end({ code: 'ABORTED', message: `another control plane of zone ${this.zone} (${instance}) took over` })
  }

  #onEnd(session: ZoneSession, { code, message }: StreamStatus): void {
    if (this.#session !== session) return
    this.#session = undefined
    this.#heartbeat = undefined
    this.#superseded.clear()
    this.#since = this.#options.clock.now()
    this.#ending = `${code}: ${message || 'the zone went away'}`
    this.#log.info('zone disconnected', { instance: session.instance, status: code, reason: message })
    this.#emit()
  }

  #onBeat(session: ZoneSession, beat: Beat): void {
    if (this.#session !== session) return
    this.#beat = beat
    this.#lastHeard = this.#options.clock.now()
    if (this.#behind.length === 0) this.#heldRevision = this.#owedRevision
    const lost = this.#divergence.observe(beat.sent, this.#inbox.tables)
    if (lost.length > 0) {
      this.#log.error('what came from the zone is not what it sent: everything is fetched again', { kinds: lost })
      this.#inbox.distrust(lost)
      session.end({ code: 'ABORTED', message: `fetching everything again: ${lost.join(', ')}` })
    }
    this.#emit()
  }

  #onReceived(kind: string, refusals: readonly Refusal[]): void {
    if (refusals.length > 0) this.#log.warn('resources of the zone were refused', { kind, refusals: refusals.slice(0, 10) })
    this.#heartbeat?.changed()
    if (refusals.length > 0) this.#emit()
  }

  #ownBeat(): Beat {
    const { instance, version, registry } = this.#options
    const [sent, held] = [digestsOf(this.outbox.tables), digestsOf(this.#inbox.tables)]
    const silentZones = this.#options.silentZones().filter(zone => zone !== this.zone)
    return { instance, version, revision: registry.revision, sent, held, text: this.zone, silentZones }
  }

  #emit(): void {
    try {
      this.#options.onFacts?.(this.facts)
    } catch (error) {
      this.#log.error('a listener of zone facts failed', { error })
    }
  }
}
