import { kinds } from '../model/kinds/index.ts'
import type { Registry } from '../registry/registry.ts'
import { Backoff } from '../std/backoff.ts'
import { type Clock, sleep, type Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream, StreamStatus } from '../std/message-stream.ts'
import type { Random } from '../std/random.ts'
import { admitFromGlobal, withdrawFromGlobal } from './apply.ts'
import { differingKinds } from './digest.ts'
import { Divergence } from './divergence.ts'
import { fillInbox, globalToZonePath, instanceHeader, serveOutbox, sessionPath, zoneHeader, zoneToGlobalPath } from './exchange.ts'
import { type Beat, digestsOf, Heartbeat } from './heartbeat.ts'
import { Inbox, type Refusal } from './inbox.ts'
import { Outbox } from './outbox.ts'
import { type OwedChange, OwedResources } from './owed.ts'
import { PeerRefusals } from './peer-refusals.ts'
import { comesDown, goesUp, isFromGlobal, owedToGlobal } from './visibility.ts'
import { ZoneSession } from './zone-session.ts'

/** What a zone knows of its connection to global at this moment. */
export interface GlobalFacts {
  readonly connected: boolean
  /** Unix ms: since when it is connected, or not. */
  readonly since: number
  /** Unix ms of global's last heartbeat; 0 = none yet. */
  readonly lastHeard: number
  /** Global's process. */
  readonly instance: string
  readonly version: string
  /** Kinds of which global's last heartbeat did not yet tell all that it is owed. */
  readonly behind: readonly string[]
  /** Zones that global has not heard for a while, by its last heartbeat. */
  readonly silentZones: readonly string[]
  /** What this zone did not accept from global. */
  readonly refused: readonly Refusal[]
  /** Why it is not connected, or what global did not accept from this zone. */
  readonly lastError: string | undefined
}

export interface ZoneSideOptions {
  readonly zone: string
  readonly registry: Registry
  /** Opens a stream to global; may throw, or fail later: both are tried again. */
  readonly connect: (path: string, metadata: Readonly<Record<string, string>>) => MessageStream | Promise<MessageStream>
  /** `authorization` with the zone token as it is now: asked at every attempt. */
  readonly credentials: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>
  /** This process; new with every start. */
  readonly instance: string
  readonly version: string
  /** What the zone says of itself in every heartbeat, for people; becomes JSON. */
  readonly describe?: () => unknown
  readonly onFacts?: (facts: GlobalFacts) => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** A connection that held this long was a good one, ms: the next loss is a new trouble. */
const goodAfterMs = 5_000

/**
 * A zone's end of the sync: it dials global, and again whenever the connection is lost, for ever. What it holds it keeps, whether
 * global is there or not.
 */
export class ZoneSide {
  readonly #options: ZoneSideOptions
  readonly #log: Log
  readonly #owed: OwedResources
  readonly #outbox: Outbox
  readonly #inbox: Inbox
  readonly #divergence: Divergence
  readonly #peerRefusals = new PeerRefusals()
  readonly #backoff: Backoff
  readonly #stopping = new AbortController()
  readonly #stopListening: () => void
  #running: Promise<void> | undefined
  #heartbeat: Heartbeat | undefined
  #beat: Beat | undefined
  #connected = false
  #since: number
  #lastHeard = 0
  #ending: string | undefined

  constructor(options: ZoneSideOptions) {
    const { zone, registry, clock, random, log } = options
    this.#options = options
    this.#log = log
    this.#since = clock.now()
    this.#divergence = new Divergence(clock)
    this.#backoff = new Backoff({ baseMs: 100, maxMs: 2_000, random })
    const form: ConstructorParameters<typeof OwedResources>[0] = (resource, kind) => {
      const owed = owedToGlobal(zone, resource, kind)
      return owed && { form: owed, from: '' }
    }
    this.#owed = new OwedResources(form, registry.all())
    this.#outbox = new Outbox(kinds.filter(goesUp).map(kind => kind.kind))
    for (const resource of this.#owed.values()) this.#outbox.put(resource)
    this.#inbox = new Inbox(registry, {
      kinds: kinds.filter(comesDown),
      holds: isFromGlobal,
      sentForm: ({ status: _ofThisZone, ...stored }) => stored,
      admit: (sent, kind, stored) => admitFromGlobal(zone, sent, kind, stored),
      withdraw: withdrawFromGlobal,
    })
    this.#stopListening = registry.onChange(batch => this.#onOwed(this.#owed.apply(batch)))
  }

  start(): void {
    this.#running ??= this.#run()
  }

  get facts(): GlobalFacts {
    return {
      connected: this.#connected,
      since: this.#since,
      lastHeard: this.#lastHeard,
      instance: this.#beat?.instance ?? '',
      version: this.#beat?.version ?? '',
      behind: this.#beat ? differingKinds(this.#beat.held, this.#outbox.tables) : [],
      silentZones: this.#beat?.silentZones ?? [],
      refused: this.#inbox.refused,
      lastError: this.#connected ? this.#peerRefusals.text : this.#ending,
    }
  }

  /** Ends the connection, and resolves when all that was received is durable. */
  async close(): Promise<void> {
    this.#stopListening()
    this.#stopping.abort()
    await this.#running
    this.#inbox.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const status = await this.#connectOnce(signal).catch(
        (error: Error): StreamStatus => ({ code: 'UNAVAILABLE', message: error.message }),
      )
      if (signal.aborted) return
      const retryInMs = this.#backoff.nextMs()
      this.#onDisconnected(status, retryInMs)
      await sleep(this.#options.clock, retryInMs, signal)
    }
  }

  /** Resolves when the session is over and nothing of it is under way. */
  async #connectOnce(signal: AbortSignal): Promise<StreamStatus> {
    const { clock, zone, instance, connect, credentials } = this.#options
    const metadata = { ...(await credentials()), [instanceHeader]: instance, [zoneHeader]: zone }
    const session = new ZoneSession(instance, undefined, clock)
    const stop = () => session.end({ code: 'CANCELLED', message: 'the zone is shutting down' })
    signal.addEventListener('abort', stop, { once: true })
    const filled: Promise<unknown>[] = []
    let good: Timer | undefined
    try {
      const stream = await connect(sessionPath, metadata)
      session.add(stream)
      if (signal.aborted) stop()
      // Global takes the other two only from a process that has a session.
      const accepted = Promise.withResolvers<'accepted' | 'over'>()
      void session.ended.then(() => accepted.resolve('over'))
      this.#heartbeat = new Heartbeat({
        clock,
        stream,
        role: 'zone',
        beat: () => this.#ownBeat(),
        onBeat: beat => {
          this.#onBeat(session, beat)
          accepted.resolve('accepted')
        },
      })
      if ((await accepted.promise) === 'accepted') {
        good = clock.setTimeout(() => this.#backoff.reset(), goodAfterMs)
        const [down, up] = await Promise.all([connect(globalToZonePath, metadata), connect(zoneToGlobalPath, metadata)])
        session.add(down)
        session.add(up)
        filled.push(fillInbox(down, this.#inbox, zone, (kind, refusals) => this.#onReceived(kind, refusals)))
        filled.push(serveOutbox(up, this.#outbox, this.#peerListener, this.#log))
      }
      return await session.ended
    } finally {
      session.end({ code: 'CANCELLED', message: 'the session is over' })
      signal.removeEventListener('abort', stop)
      good?.cancel()
      await Promise.all([...filled, this.#heartbeat?.done])
      this.#heartbeat = undefined
    }
  }

  readonly #peerListener = {
    onAcknowledged: (acknowledged: Parameters<PeerRefusals['accepted']>[0]) => this.#peerRefusals.accepted(acknowledged),
    onRefused: (refused: Parameters<PeerRefusals['refused']>[0]) => {
      this.#peerRefusals.refused(refused)
      this.#log.warn('global refused resources of this zone', { kind: refused.typeUrl, reason: refused.error })
      this.#emit()
    },
  }

  #onOwed(changes: readonly OwedChange[]): void {
    for (const change of changes) {
      if (change.kind === 'put') this.#outbox.put(change.resource)
      else this.#outbox.remove(change.previous)
    }
    if (changes.length > 0) this.#heartbeat?.changed()
  }

  #onBeat(session: ZoneSession, beat: Beat): void {
    this.#beat = beat
    this.#lastHeard = this.#options.clock.now()
    if (!this.#connected) this.#onConnected(beat)
    const lost = this.#divergence.observe(beat.sent, this.#inbox.tables)
    if (lost.length > 0) {
      this.#log.error('what came from global is not what it sent: everything is fetched again', { kinds: lost })
      this.#inbox.distrust(lost)
      session.end({ code: 'ABORTED', message: `fetching everything again: ${lost.join(', ')}` })
    }
    this.#emit()
  }

  #onConnected(beat: Beat): void {
    this.#connected = true
    this.#since = this.#options.clock.now()
    this.#ending = undefined
    this.#peerRefusals.clear()
    this.#log.info('connected to global', { instance: beat.instance, version: beat.version })
  }

  #onDisconnected({ code, message }: StreamStatus, retryInMs: number): void {
    const ending = `${code}: ${message || 'global went away'}`
    // Every attempt fails alike while global is away: one line says it.
    if (this.#connected || ending !== this.#ending)
      this.#log.warn('not connected to global', { reason: ending, retryInMs: Math.round(retryInMs) })
    if (this.#connected) this.#since = this.#options.clock.now()
    this.#connected = false
    this.#ending = ending
    this.#emit()
  }

  #onReceived(kind: string, refusals: readonly Refusal[]): void {
    if (refusals.length > 0) this.#log.warn('resources of global were refused', { kind, refusals: refusals.slice(0, 10) })
    this.#heartbeat?.changed()
    if (refusals.length > 0) this.#emit()
  }

  #ownBeat(): Beat {
    const { instance, version, registry, describe } = this.#options
    const text = (describe && JSON.stringify(describe())) ?? ''
    const [sent, held] = [digestsOf(this.#outbox.tables), digestsOf(this.#inbox.tables)]
    return { instance, version, revision: registry.revision, sent, held, text, silentZones: [] }
  }

  #emit(): void {
    try {
      this.#options.onFacts?.(this.facts)
    } catch (error) {
      this.#log.error('a listener of global facts failed', { error })
    }
  }
}
