import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Duplex, duplexPair } from 'node:stream'
import { lambdaUrl } from '../../envoy/lambda.ts'
import type { Lambda } from '../../model/kinds/dataplane.ts'
import type { Clock } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'
import { answerOf, type HttpAnswer, tooLarge, unreachable } from './answer.ts'
import type { Credentials } from './credentials.ts'
import { eventOf } from './event.ts'
import { InvokeError, Invoker, payloadLimit } from './invoke.ts'

export interface FunctionHostOptions {
  readonly clock: Clock
  readonly log: Log
  readonly credentials: Credentials
}

/** The same alert is not said again for so long. */
const alertEveryMs = 60_000

/**
 * A function as a host of a cluster: what is sent to it is HTTP, as to any other host, and it makes invocations of that. Its connections are in
 * memory: nobody but this proxy can reach it, and so nobody gets round the permissions.
 */
export class FunctionHost {
  readonly #lambda: Lambda
  readonly #options: FunctionHostOptions
  readonly #invoker: Invoker
  readonly #server: Server
  readonly #connections = new Set<Duplex>()
  readonly #accountId: string
  readonly #apiId: string
  #isClosing = false
  #alerted = { text: '', untilMs: 0 }

  constructor(lambda: Lambda, options: FunctionHostOptions) {
    this.#lambda = lambda
    this.#options = options
    this.#invoker = new Invoker(lambda, { ...options, endpoint: lambdaUrl(lambda) })
    // arn:aws:lambda:REGION:ACCOUNT:function:NAME
    const [, , , , accountId = '', , name = ''] = lambda.arn.split(':')
    this.#accountId = accountId
    this.#apiId = name
    this.#server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => void this.#serve(request, response))
  }

  /** A connection to it, ready at once. */
  connect(): Duplex {
    const [ours, theirs] = duplexPair()
    this.#connections.add(theirs)
    // The other end may go first.
    theirs.on('error', () => {})
    ours.once('close', () => theirs.destroy())
    theirs.once('close', () => {
      ours.destroy()
      this.#connections.delete(theirs)
      if (this.#isClosing && this.#connections.size === 0) this.#invoker.close()
    })
    this.#server.emit('connection', theirs)
    return ours
  }

  /** When the last of its connections has ended, which is its callers' to say. */
  close(): void {
    this.#isClosing = true
    if (this.#connections.size === 0) this.#invoker.close()
  }

  /** Never rejects. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    try {
      const body = await readWhole(request)
      const answer = body === null ? tooLarge(payloadLimit) : await this.#invoke(request, body, gone.signal)
      if (gone.signal.aborted) return
      if (answer.alert !== undefined) this.#alert(answer.alert)
      // What is left of a request that is too large is not read.
      if (body === null) response.shouldKeepAlive = false
      const hasBody = answer.status !== 204 && answer.status !== 304
      const headers = hasBody ? [...answer.headers, ['content-length', String(answer.body.length)] as const] : answer.headers
      response.writeHead(answer.status, headers.flat())
      response.end(hasBody ? answer.body : undefined)
    } catch (error) {
      if (gone.signal.aborted) return
      this.#options.log.error('a function could not be called', { function: this.#lambda.arn, error })
      response.destroy()
    }
  }

  async #invoke(request: IncomingMessage, body: Buffer, signal: AbortSignal): Promise<HttpAnswer> {
    const { payload } = this.#lambda
    const event = payload === 'passthrough' ? body : Buffer.from(JSON.stringify(this.#eventOf(request, body)))
    if (event.length > payloadLimit) return tooLarge(payloadLimit)
    try {
      return answerOf(await this.#invoker.invoke(event, signal), payload)
    } catch (error) {
      if (!(error instanceof InvokeError)) throw error
      if (!signal.aborted) this.#alert(error.message)
      return unreachable(error.wasSent ? 'the connection broke' : 'no connection, or no credentials', error.wasSent)
    }
  }

  #eventOf({ method = '', url = '/', httpVersion, rawHeaders }: IncomingMessage, body: Buffer): object {
    const context = { requestId: randomUUID(), accountId: this.#accountId, apiId: this.#apiId, timeMs: this.#options.clock.now() }
    return eventOf({ method, target: url, httpVersion, rawHeaders, body }, context)
  }

  #alert(reason: string): void {
    const { clock, log } = this.#options
    if (this.#alerted.text === reason && clock.monotonic() < this.#alerted.untilMs) return
    this.#alerted = { text: reason, untilMs: clock.monotonic() + alertEveryMs }
    log.error('a function cannot be invoked', { function: this.#lambda.arn, reason })
  }
}

/** null = it is larger than what can become an event. */
async function readWhole(request: IncomingMessage): Promise<Buffer | null> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length
    if (length > payloadLimit) return null
    parts.push(part)
  }
  return Buffer.concat(parts)
}
