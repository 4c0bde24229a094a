import { MessageQueue } from './message-queue.ts'
import type { MessageStream, StreamStatus } from './message-stream.ts'

const OK: StreamStatus = { code: 'OK', message: '' }

/** Both ends of a stream without a network. `metadata` is what the dialling end sends; the other end reads it. */
export function memoryStreamPair(options: { readonly metadata?: Readonly<Record<string, string>> } = {}): {
  readonly client: MessageStream
  readonly server: MessageStream
} {
  const metadata = new Map(Object.entries(options.metadata ?? {}).map(([name, value]) => [name.toLowerCase(), value]))
  const client = new MemoryStream('client', new Map())
  const server = new MemoryStream('server', metadata)
  client.connect(server)
  server.connect(client)
  return { client, server }
}

class MemoryStream implements MessageStream {
  readonly peer = ''
  readonly metadata: ReadonlyMap<string, string>
  readonly messages: MessageQueue
  readonly closed: Promise<StreamStatus>
  readonly #role: 'client' | 'server'
  #other!: MemoryStream
  #resolveClosed!: (status: StreamStatus) => void
  #writable = true
  #open = true
  #over = false
  #waiting: (() => void)[] = []

  constructor(role: 'client' | 'server', metadata: ReadonlyMap<string, string>) {
    this.#role = role
    this.metadata = metadata
    this.messages = new MessageQueue(() => this.#other.#resume())
    this.closed = new Promise(resolve => {
      this.#resolveClosed = resolve
    })
  }

  connect(other: MemoryStream): void {
    this.#other = other
  }

  send(message: Uint8Array): boolean {
    if (!this.#open) return true
    if (!this.#other.messages.push(message)) this.#writable = false
    return this.#writable
  }

  drained(): Promise<void> {
    if (this.#writable || !this.#open) return Promise.resolve()
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** As in gRPC: a client that ends in good order only stops sending; whatever a server ends, or a client breaks off, ends both ways. */
  end(status: StreamStatus = OK): void {
    if (!this.#open) return
    this.#open = false
    if (this.#role === 'client' && status.code === 'OK') this.#other.messages.end(OK)
    else {
      this.#finish(status)
      this.#other.#finish(this.#role === 'client' ? { code: 'CANCELLED', message: 'the other side went away' } : status)
    }
    this.#resume()
  }

  #resume(): void {
    this.#writable = true
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #finish(status: StreamStatus): void {
    if (this.#over) return
    this.#over = true
    this.#open = false
    this.messages.end(status)
    this.#resolveClosed(status)
    this.#resume()
  }
}
