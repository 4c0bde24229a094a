import { Agent as HttpAgent, type IncomingHttpHeaders, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { SourceCallError } from '../adapter.ts'
import { callName, refusal } from './refusal.ts'

export interface JsonClientOptions {
  /** PEM of the CA that signs the servers' certificates; absent = the public ones. */
  readonly ca?: string
  /** From the first byte sent to the last one read. ms */
  readonly timeoutMs?: number
  /** A larger answer is given up. */
  readonly maxBytes?: number
}

export interface JsonCall {
  readonly method?: 'GET' | 'POST'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Instead of the client's own. ms */
  readonly timeoutMs?: number
  readonly signal: AbortSignal
}

export interface JsonAnswer {
  readonly body: unknown
  readonly headers: IncomingHttpHeaders
}

/** A page of a cloud's API with 500 machines is about 2 MiB. */
const MAX_BYTES = 64 * 1024 * 1024
const TIMEOUT_MS = 30_000

/** Asks HTTP APIs that speak JSON, over connections that are kept. Redirects are not followed: they would take a credential elsewhere. */
export class JsonClient implements Disposable {
  readonly #timeoutMs: number
  readonly #maxBytes: number
  readonly #http = new HttpAgent({ keepAlive: true })
  readonly #https: HttpsAgent

  constructor({ ca, timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES }: JsonClientOptions = {}) {
    this.#timeoutMs = timeoutMs
    this.#maxBytes = maxBytes
    this.#https = new HttpsAgent({ keepAlive: true, ...(ca === undefined ? {} : { ca }) })
  }

  /** What the server answered with 2xx. Throws HttpCallError for another status, SourceCallError for no answer or one that is no JSON. */
  async call(call: JsonCall): Promise<unknown> {
    return (await this.exchange(call)).body
  }

  /** As `call`, with the answer's headers. */
  async exchange(call: JsonCall): Promise<JsonAnswer> {
    const { status, headers, text } = await this.#exchange(call)
    if (status < 200 || status > 299) throw refusal(call, status, name => headers[name]?.toString(), text)
    try {
      return { body: JSON.parse(text), headers }
    } catch (cause) {
      throw new SourceCallError('garbled', `${callName(call)} answered no JSON: ${(cause as Error).message}`, { cause })
    }
  }

  [Symbol.dispose](): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  #exchange(call: JsonCall): Promise<Answer> {
    const { method = 'GET', url, headers = {}, body, timeoutMs = this.#timeoutMs, signal } = call
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const isTls = url.startsWith('https:')
    return new Promise((resolve, reject) => {
      const late = () => (signal.aborted ? 'no longer wanted' : `no answer within ${timeoutMs} ms`)
      const fail = (message: string, cause?: unknown) => {
        reject(new SourceCallError('unreachable', `${callName(call)}: ${message}`, { cause }))
        request.destroy()
      }
      // The whole exchange: a server that sends a byte now and then is as good as gone.
      const timeout = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      const request = (isTls ? requestHttps : requestHttp)(
        url,
        {
          method,
          agent: isTls ? this.#https : this.#http,
          signal: timeout,
          headers: {
            accept: 'application/json',
            'user-agent': 'skerry',
            ...(payload ? { 'content-type': 'application/json', 'content-length': payload.length } : {}),
            ...headers,
          },
        },
        response => {
          const chunks: Buffer[] = []
          let length = 0
          response.on('data', (chunk: Buffer) => {
            length += chunk.length
            if (length > this.#maxBytes) fail(`its answer is larger than ${this.#maxBytes} bytes`)
            else chunks.push(chunk)
          })
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text: String(Buffer.concat(chunks)) }),
          )
          response.on('error', error => fail(timeout.aborted ? late() : `the answer broke off: ${error.message}`, error))
        },
      )
      request.on('error', error => fail(timeout.aborted ? late() : error.message, error))
      request.end(payload)
    })
  }
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}
