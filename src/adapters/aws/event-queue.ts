import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { Backoff } from '../../std/backoff.ts'
import { sleep } from '../../std/clock.ts'
import { type AdapterDeps, SourceCallError, SourceConfigError } from '../adapter.ts'
import type { AwsAccess } from './access.ts'
import type { Place } from './limits.ts'

/** SQS holds a question open for that long. s */
const pollSeconds = 20
/** A server that answers at once that there is nothing would be asked without end. ms */
const breathMs = 1000
/** A message that came this often and never could be used is let fall: a listing says the same. */
const mostReceived = 10

/** Deals with messages; when it throws, they come again. */
export type TakeMessages<M> = (messages: readonly M[], signal: AbortSignal) => Promise<void>

/** Whose a message is, and what it says; nobody's is removed. */
export type Sorted<M> =
  | { readonly kind: 'for'; readonly topic: string; readonly message: M }
  | { readonly kind: 'nobody'; readonly reason: string }

interface Reader<M> {
  readonly take: TakeMessages<M>
  readonly fail: (error: SourceCallError) => void
}

/**
 * A queue that several readers share, each with a topic of its own. A message is removed from the queue when its reader has dealt with it; before
 * that, whatever goes wrong, it comes again. What comes twice or in disorder is the readers' concern.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
 */
export class EventQueue<M> implements AsyncDisposable {
  readonly #url: string
  readonly #access: AwsAccess
  readonly #deps: AdapterDeps
  readonly #sort: (body: string | undefined) => Sorted<M>
  readonly #readers = new Map<string, Reader<M>>()
  readonly #closed = new AbortController()
  #isKnown: (topic: string) => boolean = () => true
  #place: Place | undefined
  #reading: Promise<void> | undefined

  constructor(url: string, access: AwsAccess, deps: AdapterDeps, sort: (body: string | undefined) => Sorted<M>) {
    this.#url = url
    this.#access = access
    this.#deps = deps
    this.#sort = sort
  }

  /** Messages of other topics than these are removed: nobody will ever read them. */
  expect(isKnown: (topic: string) => boolean): void {
    this.#isKnown = isKnown
  }

  /** Reads for a topic until the signal is aborted. Throws SourceCallError when the queue cannot be read. */
  async follow(topic: string, places: readonly Place[], take: TakeMessages<M>, signal: AbortSignal): Promise<void> {
    this.#place ??= queuePlace(this.#url, places)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const reader: Reader<M> = { take, fail: reject }
    this.#readers.set(topic, reader)
    signal.addEventListener('abort', () => resolve(), { once: true })
    if (signal.aborted) resolve()
    this.#reading ??= this.#read(this.#place)
    try {
      await promise
    } finally {
      if (this.#readers.get(topic) === reader) this.#readers.delete(topic)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort()
    await this.#reading
  }

  /** Goes on while there is a reader, and between two of them: a question that is broken off may take its messages with it for a while. */
  async #read(place: Place): Promise<void> {
    const { clock, random, log } = this.#deps
    const { signal } = this.#closed
    const backoff = new Backoff({ baseMs: 1000, maxMs: 60_000, random })
    while (!signal.aborted) {
      try {
        const askedAtMs = clock.monotonic()
        const messages = await this.#receive(place, signal)
        backoff.reset()
        await this.#deliver(messages, place, signal)
        if (messages.length === 0) await sleep(clock, Math.max(0, askedAtMs + breathMs - clock.monotonic()), signal)
      } catch (error) {
        if (signal.aborted) return
        const known =
          error instanceof SourceCallError
            ? error
            : new SourceCallError('garbled', `${this.#url}: ${(error as Error).message}`, { cause: error })
        const retryInMs = known.retryAfterMs ?? backoff.nextMs()
        log.warn('the queue of events cannot be read', { queue: this.#url, error: known, retryInMs })
        for (const { fail } of this.#readers.values()) fail(known)
        await sleep(clock, retryInMs, signal)
      }
    }
  }

  async #receive(place: Place, signal: AbortSignal): Promise<readonly Message[]> {
    const client = this.#client(place)
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#url,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: pollSeconds,
      MessageSystemAttributeNames: ['ApproximateReceiveCount'],
    })
    const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal })
    const answer = await this.#access.call(place, 'sqs', 'sqs:ReceiveMessage', send, signal, (pollSeconds + 10) * 1000)
    return answer.Messages ?? []
  }

  async #deliver(messages: readonly Message[], place: Place, signal: AbortSignal): Promise<void> {
    if (messages.length === 0) return
    const done: Message[] = []
    const byTopic = new Map<string, { message: Message; value: M }[]>()
    for (const message of messages) {
      const sorted = this.#sort(message.Body)
      if (sorted.kind === 'for' && this.#isKnown(sorted.topic)) {
        const its = byTopic.get(sorted.topic) ?? []
        its.push({ message, value: sorted.message })
        byTopic.set(sorted.topic, its)
      } else {
        const reason = sorted.kind === 'nobody' ? sorted.reason : `it is about ${sorted.topic}`
        this.#deps.log.debug('a message of the queue is nothing for us', { queue: this.#url, reason })
        done.push(message)
      }
    }
    await Promise.all(
      [...byTopic].map(async ([topic, its]) => {
        const reader = this.#readers.get(topic)
        try {
          if (reader === undefined) return
          await reader.take(
            its.map(({ value }) => value),
            signal,
          )
          done.push(...its.map(({ message }) => message))
        } catch (error) {
          if (signal.aborted) return
          this.#deps.log.warn('events could not be applied and will come again', { queue: this.#url, topic, error })
        }
      }),
    )
    // What nobody could use so often would come for ever, and stand in the way of what can be used.
    const worn = messages.filter(it => !done.includes(it) && Number(it.Attributes?.ApproximateReceiveCount) >= mostReceived)
    if (worn.length > 0)
      this.#deps.log.warn('events that could not be applied are let fall: a listing tells the same', {
        queue: this.#url,
        count: worn.length,
      })
    await this.#remove([...done, ...worn], place, signal)
  }

  async #remove(messages: readonly Message[], place: Place, signal: AbortSignal): Promise<void> {
    const entries = messages.flatMap(({ ReceiptHandle }, index) =>
      ReceiptHandle === undefined ? [] : [{ Id: String(index), ReceiptHandle }],
    )
    if (entries.length === 0) return
    const client = this.#client(place)
    const command = new DeleteMessageBatchCommand({ QueueUrl: this.#url, Entries: entries })
    const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal })
    await this.#access.call(place, 'sqs', 'sqs:DeleteMessage', send, signal)
  }

  #client(place: Place): SQSClient {
    // The SDK would call the queue's URL even where another endpoint is given.
    return this.#access.client(place, SQSClient, this.#access.endpoint === undefined ? {} : { useQueueUrlAsEndpoint: false })
  }
}

/** Where a queue is, by its URL, among the places whose credentials we have. */
export function queuePlace(url: string, places: readonly Place[]): Place {
  const { hostname, pathname } = new URL(url)
  const account = pathname.split('/')[1]
  const region = /^sqs[.]([a-z0-9-]+)[.]/.exec(hostname)?.[1] ?? /^([a-z0-9-]+)[.]queue[.]/.exec(hostname)?.[1]
  const of = places.find(place => place.account === account) ?? places[0]
  if (of === undefined) throw new SourceConfigError('aws.events.queueUrl', 'no account of the source can read it')
  return { account: of.account, region: region ?? of.region }
}
