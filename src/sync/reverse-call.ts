import { randomUUID } from 'node:crypto'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { ReverseAnswerSchema, ReverseRequestSchema } from '../gen/skerry/sync/v1/sync_pb.js'
import type { Backoff } from '../std/backoff.ts'
import { type Clock, sleep } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream } from '../std/message-stream.ts'

export const reverseCallPath = '/skerry.sync.v1.ReverseCalls/Connect'

/** How long a zone may take to answer, ms. */
const answerWithinMs = 5_000

/** A zone did not answer, or answered that it cannot. */
export class ReverseCallError extends Error {
  override name = 'ReverseCallError'
  readonly code: 'SKERRY_ZONE_NOT_CONNECTED' | 'SKERRY_ZONE_SILENT' | 'SKERRY_ZONE_REFUSED' | 'SKERRY_REPLICA_SILENT'
  constructor(code: ReverseCallError['code'], message: string) {
    super(message)
    this.code = code
  }
}

interface Asked {
  readonly zone: string
  readonly resolve: (body: unknown) => void
  readonly reject: (error: Error) => void
}

/** Global's end: asks zones over the streams that they opened. */
export class ReverseCaller {
  readonly #clock: Clock
  readonly #streams = new Map<string, MessageStream>()
  readonly #asked = new Map<string, Asked>()
  readonly #onReach: (zone: string, isReached: boolean) => void

  /** @param onReach told when a zone can be asked here, and when it no longer can */
  constructor(clock: Clock, onReach: (zone: string, isReached: boolean) => void = () => {}) {
    this.#clock = clock
    this.#onReach = onReach
  }

  /** Whether the zone has a stream open to this process. */
  reaches(zone: string): boolean {
    return this.#streams.has(zone)
  }

  /** Serves the stream of a zone, whose name comes from its credential. The newest stream of a zone is the one that is asked. */
  async accept(zone: string, stream: MessageStream): Promise<void> {
    this.#streams.get(zone)?.end({ code: 'ABORTED', message: 'the zone opened another stream' })
    this.#streams.set(zone, stream)
    this.#onReach(zone, true)
    try {
      for await (const bytes of stream.messages) this.#receive(fromBinary(ReverseAnswerSchema, bytes))
      stream.end()
    } catch {
      // The stream broke: whoever waits on it hears below.
    }
    if (this.#streams.get(zone) === stream) {
      this.#streams.delete(zone)
      this.#onReach(zone, false)
    }
    for (const [id, asked] of this.#asked) {
      if (asked.zone !== zone || this.#streams.has(zone)) continue
      this.#asked.delete(id)
      asked.reject(new ReverseCallError('SKERRY_ZONE_NOT_CONNECTED', `zone ${zone} went away before it answered: try again`))
    }
  }

  /** @throws ReverseCallError */
  async call(zone: string, method: string, body: unknown): Promise<unknown> {
    const stream = this.#streams.get(zone)
    if (!stream)
      throw new ReverseCallError(
        'SKERRY_ZONE_NOT_CONNECTED',
        `zone ${zone} is not connected to global: ask its own control plane, or wait until it is back`,
      )
    const id = randomUUID()
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const timer = this.#clock.setTimeout(() => {
      this.#asked.delete(id)
      reject(new ReverseCallError('SKERRY_ZONE_SILENT', `zone ${zone} did not answer within ${answerWithinMs / 1000} s`))
    }, answerWithinMs)
    this.#asked.set(id, { zone, resolve, reject })
    stream.send(toBinary(ReverseRequestSchema, create(ReverseRequestSchema, { id, method, body: JSON.stringify(body) })))
    try {
      return await promise
    } finally {
      timer.cancel()
    }
  }

  #receive({ id, result }: ReturnType<typeof create<typeof ReverseAnswerSchema>>): void {
    const asked = this.#asked.get(id)
    if (!asked) return
    this.#asked.delete(id)
    if (result.case === 'body') asked.resolve(JSON.parse(result.value))
    else asked.reject(new ReverseCallError('SKERRY_ZONE_REFUSED', result.value ?? 'the zone gave no reason'))
  }
}

/** What a zone answers, by method. Whatever is thrown reaches who asked, as text. */
export type ReverseMethods = Readonly<Record<string, (body: unknown) => unknown | Promise<unknown>>>

export interface ReverseServiceOptions {
  readonly methods: ReverseMethods
  readonly connect: () => Promise<MessageStream>
  readonly backoff: Backoff
  readonly clock: Clock
  readonly log: Log
}

/** The zone's end: keeps a stream to global open, and answers. */
export async function serveReverseCalls(
  { methods, connect, backoff, clock, log }: ReverseServiceOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const stream = await connect()
      const abort = () => stream.end({ code: 'CANCELLED', message: 'the zone stops' })
      signal.addEventListener('abort', abort, { once: true })
      for await (const bytes of stream.messages) {
        backoff.reset()
        void answer(stream, methods, bytes)
      }
      signal.removeEventListener('abort', abort)
    } catch (error) {
      log.debug('the stream on which global asks is not there', { error })
    }
    if (!signal.aborted) await sleep(clock, backoff.nextMs(), signal)
  }
}

async function answer(stream: MessageStream, methods: ReverseMethods, bytes: Uint8Array): Promise<void> {
  let id = ''
  const send = (result: { case: 'body' | 'error'; value: string }) =>
    stream.send(toBinary(ReverseAnswerSchema, create(ReverseAnswerSchema, { id, result })))
  try {
    const request = fromBinary(ReverseRequestSchema, bytes)
    id = request.id
    const { method, body } = request
    const run = methods[method]
    if (!run) throw new Error(`this zone does not know ${JSON.stringify(method)}: its version is older`)
    send({ case: 'body', value: JSON.stringify((await run(JSON.parse(body))) ?? null) })
  } catch (error) {
    send({ case: 'error', value: (error as Error).message })
  }
}
