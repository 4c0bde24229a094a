import { type ClientDuplexStream, status as codes, type Metadata, type ServerDuplexStream } from '@grpc/grpc-js'
import { MessageQueue } from './message-queue.ts'
import type { MessageStream, StatusCode, StreamStatus } from './message-stream.ts'

/** What differs between a dialled and an accepted call. */
export interface CallEnd {
  readonly peer: string
  readonly metadata: ReadonlyMap<string, string>
  end(status: StreamStatus): void
}

export type GrpcCall = ClientDuplexStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>

/** A grpc-js call, of either side, as MessageStream. The side that made it says with `finish` how it ended. */
export class GrpcStream implements MessageStream {
  readonly messages: MessageQueue
  readonly closed: Promise<StreamStatus>
  readonly #call: GrpcCall
  readonly #end: CallEnd
  #resolveClosed!: (status: StreamStatus) => void
  #over = false
  #ended: StreamStatus | undefined
  #writable = true
  #waiting: (() => void)[] = []

  constructor(call: GrpcCall, end: CallEnd) {
    this.#call = call
    this.#end = end
    this.messages = new MessageQueue(() => call.resume())
    this.closed = new Promise(resolve => {
      this.#resolveClosed = resolve
    })
    call.on('data', (message: Uint8Array) => {
      if (!this.messages.push(message)) call.pause()
    })
    call.on('drain', () => this.#resume())
  }

  get metadata(): ReadonlyMap<string, string> {
    return this.#end.metadata
  }

  get peer(): string {
    return this.#end.peer
  }

  /** What this side ended with, if it did. */
  get ended(): StreamStatus | undefined {
    return this.#ended
  }

  send(message: Uint8Array): boolean {
    if (this.#over || this.#ended) return true
    this.#writable = this.#call.write(asBuffer(message)) && this.#writable
    return this.#writable
  }

  drained(): Promise<void> {
    if (this.#writable || this.#over) return Promise.resolve()
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  end(status: StreamStatus = { code: 'OK', message: '' }): void {
    if (this.#over || this.#ended) return
    this.#ended = status
    this.#end.end(status)
  }

  /** Gives the call up when `finish` has said how it ended already. */
  abandon(): void {
    this.#end.end({ code: 'CANCELLED', message: 'given up' })
  }

  finish(status: StreamStatus): void {
    if (this.#over) return
    this.#over = true
    this.messages.end(status)
    this.#resolveClosed(status)
    this.#resume()
  }

  #resume(): void {
    this.#writable = true
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

export function statusNumber(code: StatusCode): number {
  return codes[code]
}

export function statusCode(number: number): StatusCode {
  return (codes[number] as StatusCode | undefined) ?? 'UNKNOWN'
}

export function readMetadata(metadata: Metadata): ReadonlyMap<string, string> {
  return new Map(Object.entries(metadata.getMap()).map(([name, value]) => [name, String(value)]))
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
