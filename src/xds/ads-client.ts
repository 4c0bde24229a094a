import type { Backoff } from '../std/backoff.ts'
import { type Clock, sleep } from '../std/clock.ts'
import { type Log, silentLog } from '../std/log.ts'
import type { MessageStream, StreamStatus } from '../std/message-stream.ts'
import { DeltaClient, type DeltaClientOptions } from './delta-client.ts'

export type AdsClientState =
  /** The server answers. */
  | { readonly kind: 'connected' }
  /** Tried again after `retryInMs`. */
  | { readonly kind: 'disconnected'; readonly status: StreamStatus; readonly retryInMs: number }

export interface AdsClientOptions extends Omit<DeltaClientOptions, 'onAnswer'> {
  /** Opens a new stream to whichever server is next. Called for every attempt. */
  readonly connect: (signal: AbortSignal) => MessageStream | Promise<MessageStream>
  readonly onState?: (state: AdsClientState) => void
  readonly clock: Clock
  readonly backoff: Backoff
  readonly log?: Log
}

/** Keeps a delta client connected: whenever the stream ends, another is opened after a while. */
export class AdsClient {
  readonly #options: AdsClientOptions
  readonly #client: DeltaClient
  readonly #abort = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: AdsClientOptions) {
    this.#options = options
    this.#client = new DeltaClient({
      node: options.node,
      onUpdate: options.onUpdate,
      onAnswer: () => {
        options.backoff.reset()
        options.onState?.({ kind: 'connected' })
      },
    })
  }

  /** See DeltaClient. Works at any time, connected or not. */
  subscribe(typeUrl: string, names: Iterable<string> | '*'): void {
    this.#client.subscribe(typeUrl, names)
  }

  unsubscribe(typeUrl: string, names: Iterable<string> | '*'): void {
    this.#client.unsubscribe(typeUrl, names)
  }

  hold(typeUrl: string, versions: Iterable<readonly [name: string, version: string]>): void {
    this.#client.hold(typeUrl, versions)
  }

  held(typeUrl: string): ReadonlyMap<string, string> {
    return this.#client.held(typeUrl)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends the stream and waits for it; no callback comes after. */
  async close(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort
    const { backoff, clock } = this.#options
    const log = this.#options.log ?? silentLog
    while (!signal.aborted) {
      const status = await this.#connectOnce(signal)
      if (signal.aborted) return
      const retryInMs = backoff.nextMs()
      log.info('disconnected from the control plane', { status: status.code, reason: status.message, retryInMs: Math.round(retryInMs) })
      this.#options.onState?.({ kind: 'disconnected', status, retryInMs })
      await sleep(clock, retryInMs, signal)
    }
  }

  async #connectOnce(signal: AbortSignal): Promise<StreamStatus> {
    let stream: MessageStream
    try {
      stream = await this.#options.connect(signal)
    } catch (error) {
      return { code: 'UNAVAILABLE', message: (error as Error).message }
    }
    const end = () => stream.end({ code: 'CANCELLED', message: 'no longer wanted' })
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    const status = await this.#client.run(stream)
    signal.removeEventListener('abort', end)
    return status
  }
}
