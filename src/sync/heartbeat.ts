import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { GlobalBeatSchema, ZoneBeatSchema } from '../gen/skerry/sync/v1/sync_pb.js'
import type { Clock, Timer } from '../std/clock.ts'
import type { MessageStream, StreamStatus } from '../std/message-stream.ts'
import { Beater } from './beater.ts'
import type { VersionTable } from './digest.ts'

/** What each side says of itself: that it lives, and what it owes and holds. */
export interface Beat {
  readonly instance: string
  readonly version: string
  /** Of the sender's registry. */
  readonly revision: number
  /** Kind → digest of what the sender owes to the receiver. */
  readonly sent: Readonly<Record<string, string>>
  /** Kind → digest of what the sender has received from the receiver. */
  readonly held: Readonly<Record<string, string>>
  /** Global: the zone's name as its token says it. Zone: JSON for people. */
  readonly text: string
  /** Global: zones that it has not heard for a while. Zone: none. */
  readonly silentZones: readonly string[]
}

export interface HeartbeatOptions {
  readonly clock: Clock
  readonly stream: MessageStream
  readonly role: 'zone' | 'global'
  readonly beat: () => Beat
  /** After each beat of the other side. */
  readonly onBeat: (beat: Beat) => void
}

/** ms */
export const beatEveryMs = 5_000
const beatDistanceMs = 250
/** Three beats did not come: whatever keeps the connection open, nobody speaks on it. */
export const silenceMs = 3 * beatEveryMs

/** Beats on a session's stream until it ends, and ends it when the other side falls silent. */
export class Heartbeat {
  /** How the stream ended. */
  readonly done: Promise<StreamStatus>
  readonly #options: HeartbeatOptions
  readonly #beater: Beater
  #silence: Timer | undefined

  constructor(options: HeartbeatOptions) {
    this.#options = options
    const { clock, stream, role, beat } = options
    this.#beater = new Beater({
      clock,
      everyMs: beatEveryMs,
      minMs: beatDistanceMs,
      beat: () => {
        try {
          stream.send(role === 'zone' ? writeZoneBeat(beat()) : writeGlobalBeat(beat()))
        } catch (error) {
          // Called by a timer: nobody else would catch it.
          stream.end({ code: 'INTERNAL', message: `no heartbeat could be made: ${(error as Error).message}` })
        }
      },
    })
    this.#listen()
    this.done = this.#read()
  }

  /** Something that a beat tells is another now. */
  changed(): void {
    this.#beater.changed()
  }

  async #read(): Promise<StreamStatus> {
    const { stream, role, onBeat } = this.#options
    try {
      for await (const bytes of stream.messages) {
        this.#listen()
        onBeat(role === 'zone' ? readGlobalBeat(bytes) : readZoneBeat(bytes))
      }
      stream.end()
    } catch (error) {
      if ((error as { code?: string }).code !== 'SKERRY_STREAM_CLOSED') {
        stream.end({ code: 'INTERNAL', message: `a heartbeat could not be used: ${(error as Error).message}` })
      }
    }
    const status = await stream.closed
    this.#beater.stop()
    this.#silence?.cancel()
    return status
  }

  #listen(): void {
    const { clock, stream } = this.#options
    this.#silence?.cancel()
    const message = `no heartbeat for ${silenceMs / 1000} s`
    this.#silence = clock.setTimeout(() => stream.end({ code: 'DEADLINE_EXCEEDED', message }), silenceMs)
  }
}

export function digestsOf(tables: ReadonlyMap<string, VersionTable>): Record<string, string> {
  return Object.fromEntries([...tables].map(([kind, table]) => [kind, table.digest]))
}

function writeZoneBeat({ instance, version, revision, sent, held, text }: Beat): Uint8Array {
  const message = { instanceId: instance, version, revision: BigInt(revision), sentDigest: sent, heldDigest: held, state: text }
  return toBinary(ZoneBeatSchema, create(ZoneBeatSchema, message))
}

function readZoneBeat(bytes: Uint8Array): Beat {
  const { instanceId, version, revision, sentDigest, heldDigest, state } = fromBinary(ZoneBeatSchema, bytes)
  return { instance: instanceId, version, revision: Number(revision), sent: sentDigest, held: heldDigest, text: state, silentZones: [] }
}

function writeGlobalBeat({ instance, version, revision, sent, held, text, silentZones }: Beat): Uint8Array {
  const message = {
    globalInstanceId: instance,
    version,
    revision: BigInt(revision),
    sentDigest: sent,
    heldDigest: held,
    zone: text,
    silentZones: [...silentZones],
  }
  return toBinary(GlobalBeatSchema, create(GlobalBeatSchema, message))
}

function readGlobalBeat(bytes: Uint8Array): Beat {
  const { globalInstanceId, version, revision, sentDigest, heldDigest, zone, silentZones } = fromBinary(GlobalBeatSchema, bytes)
  return { instance: globalInstanceId, version, revision: Number(revision), sent: sentDigest, held: heldDigest, text: zone, silentZones }
}
