import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { fetchPinnedAuthority, pinnedFingerprint } from '../../../src/cli/first-contact.ts'
import { Backoff } from '../../../src/std/backoff.ts'
import { sleep, systemClock } from '../../../src/std/clock.ts'
import { version } from '../../../src/std/version.ts'
import { ProviderError } from '../../sdk/provider/problem.ts'

export interface ControlPlaneOptions {
  readonly endpoint: URL
  readonly token: string | undefined
  /** PEM of the authorities to trust; without it the fingerprint in the token decides, then the system. */
  readonly caCertificate: string | undefined
  /** Any certificate will do. */
  readonly isInsecure: boolean
  /** For one request, ms. */
  readonly timeoutMs: number
  /** How often a request is sent again that the control plane had no time for. */
  readonly retries: number
  /** Aborted when Terraform is stopped. */
  readonly signal: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly etag: string | undefined
  /** Parsed where it is JSON, else text. */
  readonly body: unknown
}

export interface Question {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Ever longer waits, of half a second at first. */
const BACKOFF = { baseMs: 500, maxMs: 10_000 }
/** No control plane asks for more patience than Terraform's user has, ms. */
const LONGEST_WAIT_MS = 30_000

/** Talks to the control plane that the provider is configured for. */
export class ControlPlane {
  readonly #options: ControlPlaneOptions
  #agent: Promise<HttpAgent> | undefined

  constructor(options: ControlPlaneOptions) {
    this.#options = options
  }

  get endpoint(): URL {
    return this.#options.endpoint
  }

  /** Any answer, whatever its status; 429 and 503 only once no retry is left. Throws a ProviderError when there is none. */
  async send(method: string, path: string, question: Question = {}): Promise<Answer> {
    const { retries, signal } = this.#options
    const backoff = new Backoff(BACKOFF)
    for (let attempt = 0; ; attempt++) {
      const { answer, retryAfterMs } = await this.#once(method, path, question)
      const mayRetry = (answer.status === 429 || answer.status === 503) && attempt < retries
      if (!mayRetry) return answer
      await sleep(systemClock, Math.min(retryAfterMs ?? backoff.nextMs(), LONGEST_WAIT_MS), signal)
      if (signal.aborted) throw signal.reason
    }
  }

  async #once(method: string, path: string, { body, headers }: Question): Promise<{ answer: Answer; retryAfterMs: number | undefined }> {
    const { endpoint, token, signal, timeoutMs } = this.#options
    if (signal.aborted) throw signal.reason
    const target = new URL(endpoint.pathname.replace(/\/$/, '') + path, endpoint)
    const payload = body === undefined ? undefined : JSON.stringify(body)
    try {
      this.#agent ??= openAgent(this.#options)
      const options: RequestOptions = {
        method,
        agent: await this.#agent,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        headers: {
          accept: 'application/json',
          'user-agent': `terraform-provider-skerry/${version}`,
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
          ...headers,
        },
      }
      const response = await sendRequest(target, options, payload)
      return { answer: await readAnswer(response), retryAfterMs: retryAfterMs(response.headers['retry-after']) }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw unreachable(endpoint, timeoutMs, error as NodeJS.ErrnoException)
    }
  }
}

async function openAgent({ endpoint, token, caCertificate, isInsecure, timeoutMs }: ControlPlaneOptions): Promise<HttpAgent> {
  if (endpoint.protocol === 'http:') return new HttpAgent({ keepAlive: true })
  if (isInsecure) return new HttpsAgent({ keepAlive: true, rejectUnauthorized: false })
  const pinned = caCertificate === undefined ? pinnedFingerprint(token) : undefined
  const ca = pinned === undefined ? caCertificate : await fetchPinnedAuthority(endpoint, pinned, timeoutMs)
  return new HttpsAgent({ keepAlive: true, ...(ca === undefined ? {} : { ca }) })
}

function sendRequest(target: URL, options: RequestOptions, payload: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, options)
    request.once('error', reject)
    request.once('response', resolve)
    request.end(payload)
  })
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  const isJson = /\bjson\b/.test(response.headers['content-type'] ?? '')
  return { status: response.statusCode ?? 0, etag: response.headers.etag, body: isJson && text !== '' ? JSON.parse(text) : text }
}

/** Seconds or a date. https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

function unreachable(endpoint: URL, timeoutMs: number, error: NodeJS.ErrnoException): ProviderError {
  const [summary, why, fix] = reasonOf(error, timeoutMs)
  return new ProviderError({ summary, detail: `${endpoint.origin}: ${why}. ${fix}` }, { cause: error })
}

function reasonOf(error: NodeJS.ErrnoException, timeoutMs: number): readonly [summary: string, why: string, fix: string] {
  const summary = 'Cannot reach the control plane'
  if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME|ERR_TLS|SSL|NOT_PINNED/.test(error.code ?? '')) {
    const fix = 'Set ca_certificate (or SKERRY_CA_CERTIFICATE) to its authority, or use a token that this control plane made.'
    return ["The control plane's certificate is not trusted", error.message, fix]
  }
  if ((error.cause as Error | undefined)?.name === 'TimeoutError')
    return [summary, `no answer in ${timeoutMs / 1000}s`, 'Check that it runs, or set a longer timeout.']
  const why =
    error.code === 'ECONNREFUSED'
      ? 'nothing listens there'
      : error.code === 'ENOTFOUND'
        ? 'there is no such host'
        : error.message || error.code
  return [summary, String(why), 'Check that it runs, and that endpoint (or SKERRY_ENDPOINT) is right.']
}
