import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { ReverseAnswerSchema, ReverseRequestSchema } from '../gen/skerry/sync/v1/sync_pb.js'
import { type Clock, sleep } from '../std/clock.ts'
import type { MessageStream } from '../std/message-stream.ts'
import { zoneHeader } from './exchange.ts'
import { ReverseCallError, type ReverseCaller } from './reverse-call.ts'

/** A replica of global asks a zone through the replica that the zone is connected to: one question a stream. */
export const forwardedCallPath = '/skerry.sync.v1.ForwardedCalls/Ask'

/** Longer than a zone may take, so that what the other replica says of a silent zone comes through, ms. */
const answerWithinMs = 7_000

interface Outcome {
  readonly body?: unknown
  readonly error?: { readonly code: ReverseCallError['code']; readonly message: string }
}

/** @throws ReverseCallError, the zone's own or `SKERRY_REPLICA_SILENT`. */
export async function forwardCall(
  { zone, method, body, replica }: { zone: string; method: string; body: unknown; replica: string },
  connect: (path: string, metadata: Readonly<Record<string, string>>) => MessageStream | Promise<MessageStream>,
  clock: Clock,
): Promise<unknown> {
  const { body: answer, error } = await exchange()
  if (error) throw new ReverseCallError(error.code, error.message)
  return answer

  async function exchange(): Promise<Outcome> {
    const done = new AbortController()
    try {
      const stream = await connect(forwardedCallPath, { [zoneHeader]: zone })
      void sleep(clock, answerWithinMs, done.signal).then(() => stream.end({ code: 'DEADLINE_EXCEEDED', message: 'no answer' }))
      stream.send(toBinary(ReverseRequestSchema, create(ReverseRequestSchema, { method, body: JSON.stringify(body ?? null) })))
      for await (const bytes of stream.messages) {
        stream.end()
        return JSON.parse(fromBinary(ReverseAnswerSchema, bytes).result.value ?? 'null') as Outcome
      }
      throw new Error((await stream.closed).message || 'it ended without an answer')
    } catch (cause) {
      const problem = (cause as Error).message
      throw new ReverseCallError(
        'SKERRY_REPLICA_SILENT',
        `zone ${zone} is connected to another replica of global, ${replica}, which could not be asked (${problem}): ask that one, or see that replicas reach each other's --sync address (--replica-address)`,
      )
    } finally {
      done.abort()
    }
  }
}

/** Answers one replica, which the caller has authenticated. */
export async function answerForwardedCall(stream: MessageStream, reverse: ReverseCaller): Promise<void> {
  const zone = stream.metadata.get(zoneHeader) ?? ''
  for await (const bytes of stream.messages) {
    const { method, body } = fromBinary(ReverseRequestSchema, bytes)
    const outcome = await reverse.call(zone, method, JSON.parse(body)).then(
      (answer): Outcome => ({ body: answer }),
      (error: unknown): Outcome => {
        if (!(error instanceof ReverseCallError)) throw error
        return { error: { code: error.code, message: error.message } }
      },
    )
    const result = { case: 'body', value: JSON.stringify(outcome) } as const
    stream.send(toBinary(ReverseAnswerSchema, create(ReverseAnswerSchema, { result })))
    stream.end()
    return
  }
  stream.end()
}
