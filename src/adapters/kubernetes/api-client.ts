import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { Clock, Timer } from '../../std/clock.ts'
import { type CallBudget, type CallLimit, SourceCallError, SourceConfigError } from '../adapter.ts'
import type { Authorization, ClusterConnection } from './connection.ts'

export interface ApiClientOptions {
  readonly connection: ClusterConnection
  readonly budget: CallBudget
  readonly clock: Clock
  /** How long the server may be silent in the middle of an answer, ms. */
  readonly silenceMs?: number
}

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** With its query. */
  readonly path: string
  readonly body?: unknown
  /** Absent = `application/json`. */
  readonly contentType?: string
  readonly signal: AbortSignal
  /** Instead of the client's own: a watch is silent as long as nothing happens. */
  readonly silenceMs?: number
}

const defaultSilenceMs = 30_000
/** Of an answer that is an error. */
const longestError = 64 * 1024

/**
 * Calls one API server over one pool of kept connections. The first refusal of a token asks for another; whatever else goes wrong is a
 * SourceCallError that says whether waiting will help.
 */
export class ApiClient implements Disposable {
  readonly #options: ApiClientOptions
  readonly #base: URL
  readonly #limit: CallLimit
  #agent: { readonly key: string; readonly agent: HttpAgent } | null = null
  #refusedToken: string | undefined
  #lastToken: string | undefined

  /** @throws SourceConfigError for an address that cannot be called, or not with a secret */
  constructor(options: ApiClientOptions) {
    this.#options = options
    const { server, id } = options.connection
    this.#base = baseOf(server)
    this.#limit = { key: `kubernetes/${id}`, perSecond: 20, burst: 40 }
  }

  /** The answer's body as JSON. */
  async json<T>(request: ApiRequest): Promise<T> {
    const chunks: Buffer[] = []
    for await (const chunk of await this.stream(request)) chunks.push(chunk)
    try {
      return JSON.parse(Buffer.concat(chunks).toString()) as T
    } catch (cause) {
      throw new SourceCallError('garbled', `${request.path}: the answer is no JSON`, { cause })
    }
  }

  /** The body as it comes. It ends with SourceCallError when the connection breaks or the server falls silent. */
  async stream(request: ApiRequest): Promise<AsyncIterable<Buffer>> {
    await this.#options.budget.take(this.#limit, request.signal)
    let answer = await this.#send(request)
    if (answer.statusCode === 401 && this.#options.connection.credentials.kind !== 'certificate') {
      answer.destroy()
      this.#refusedToken = this.#lastToken
      answer = await this.#send(request)
    }
    const status = answer.statusCode ?? 0
    if (status < 200 || status > 299) throw await this.#refusal(request, answer, status)
    return this.#body(request, answer)
  }

  [Symbol.dispose](): void {
    this.#agent?.agent.destroy()
    this.#agent = null
  }

  async #send({ method = 'GET', path, body, contentType = 'application/json', signal, silenceMs }: ApiRequest): Promise<IncomingMessage> {
    const authorization = await this.#authorize()
    signal.throwIfAborted()
    const agent = this.#agentFor(authorization)
    const payload = body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const send = this.#base.protocol === 'https:' ? requestHttps : requestHttp
    const outgoing = send(new URL(`${this.#base.pathname.replace(/\/$/, '')}${path}`, this.#base), {
      method,
      agent,
      signal,
      headers: {
        accept: 'application/json',
        'user-agent': 'skerry',
        ...(authorization.header === undefined ? {} : { authorization: authorization.header }),
        ...(payload === undefined ? {} : { 'content-type': contentType, 'content-length': payload.length }),
      },
    })
    const timer = this.#silence(silenceMs, () => outgoing.destroy(new SourceCallError('unreachable', `${this.#base.host} does not answer`)))
    outgoing.on('response', resolve).on('error', reject).end(payload)
    try {
      return await promise
    } catch (error) {
      throw this.#unreachable(error, signal)
    } finally {
      timer.cancel()
    }
  }

  async *#body({ signal, silenceMs }: ApiRequest, answer: IncomingMessage): AsyncGenerator<Buffer> {
    const silent = () => answer.destroy(new SourceCallError('unreachable', `${this.#base.host} fell silent in the middle of its answer`))
    let timer = this.#silence(silenceMs, silent)
    try {
      for await (const chunk of answer) {
        timer.cancel()
        yield chunk as Buffer
        timer = this.#silence(silenceMs, silent)
      }
    } catch (error) {
      throw this.#unreachable(error, signal)
    } finally {
      timer.cancel()
      answer.destroy()
    }
  }

  #silence(ms = this.#options.silenceMs ?? defaultSilenceMs, act: () => void): Timer {
    return this.#options.clock.setTimeout(act, ms)
  }

  #unreachable(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted || error instanceof SourceCallError) return signal.aborted ? signal.reason : error
    const { message, code } = error as { message: string; code?: string }
    return new SourceCallError('unreachable', `${this.#base.host}: ${message || code || 'the connection broke'}`, { cause: error })
  }

  async #refusal({ path }: ApiRequest, answer: IncomingMessage, status: number): Promise<ApiError> {
    let text = ''
    try {
      for await (const chunk of answer) {
        text += String(chunk)
        if (text.length > longestError) break
      }
    } catch {}
    const retryAfterMs = retryAfter(answer.headers['retry-after'])
    if (status === 429) this.#options.budget.throttled(this.#limit, retryAfterMs)
    return new ApiError(status, path, readStatus(text), retryAfterMs)
  }

  async #authorize(): Promise<Authorization> {
    const { credentials } = this.#options.connection
    switch (credentials.kind) {
      case 'certificate':
        return { certPem: credentials.certPem, keyPem: credentials.keyPem }
      case 'token': {
        const token = await withCause(credentials.token(this.#refusedToken))
        this.#refusedToken = undefined
        this.#lastToken = token
        return { header: `Bearer ${token}` }
      }
      case 'kubeconfig':
        return withCause(credentials.authorize())
    }
  }

  /** One pool, as long as the client certificate stays the same: a plugin may give another one. */
  #agentFor({ certPem, keyPem }: Authorization): HttpAgent {
    const key = certPem ?? ''
    if (this.#agent?.key === key) return this.#agent.agent
    this.#agent?.agent.destroy()
    const { caData, serverName } = this.#options.connection
    const kept = { keepAlive: true, keepAliveMsecs: 15_000 }
    const agent =
      this.#base.protocol === 'http:'
        ? new HttpAgent(kept)
        : new HttpsAgent({
            ...kept,
            ...(caData === undefined ? {} : { ca: Buffer.from(caData, 'base64') }),
            ...(serverName === undefined ? {} : { servername: serverName }),
            ...(certPem === undefined ? {} : { cert: certPem }),
            ...(keyPem === undefined ? {} : { key: keyPem }),
          })
    this.#agent = { key, agent }
    return agent
  }
}

/** The server said no. https://kubernetes.io/docs/reference/using-api/api-concepts/ */
export class ApiError extends SourceCallError {
  readonly status: number
  /** As `Expired`, `Forbidden`. */
  readonly reason: string
  /** Of a list whose token is too old: where it may go on, with what is true now. */
  readonly continueToken: string | undefined

  constructor(status: number, path: string, { message, reason, continueToken }: ApiStatus, retryAfterMs?: number) {
    super(whatOf(status), `${path.split('?')[0]}: ${status} ${message}`, retryAfterMs === undefined ? {} : { retryAfterMs })
    this.status = status
    this.reason = reason
    this.continueToken = continueToken
  }
}

export interface ApiStatus {
  readonly message: string
  readonly reason: string
  readonly continueToken?: string
}

/** The `Status` object that an error comes as, or what stands in its place. */
export function readStatus(text: string): ApiStatus {
  try {
    const { message, reason, metadata } = JSON.parse(text) as { message?: unknown; reason?: unknown; metadata?: { continue?: unknown } }
    const token = metadata?.continue
    return {
      message: typeof message === 'string' ? message : '',
      reason: typeof reason === 'string' ? reason : '',
      ...(typeof token === 'string' && token !== '' ? { continueToken: token } : {}),
    }
  } catch {
    return { message: text.slice(0, 200), reason: '' }
  }
}

function whatOf(status: number): SourceCallError['what'] {
  if (status === 401 || status === 403) return 'denied'
  if (status === 429) return 'throttled'
  return status >= 500 ? 'unreachable' : 'refused'
}

/** Seconds, or a date. ms */
function retryAfter(value: string | undefined): number | undefined {
  return value !== undefined && /^[0-9]{1,5}$/.test(value) ? Number(value) * 1000 : undefined
}

function baseOf(server: string): URL {
  let base: URL
  try {
    base = new URL(server)
  } catch {
    throw new SourceConfigError('kubernetes.server', `${JSON.stringify(server)} is not a URL: write https://HOST:PORT`)
  }
  const isLoopback = ['127.0.0.1', 'localhost', '[::1]'].includes(base.hostname)
  if (base.protocol !== 'https:' && !(base.protocol === 'http:' && isLoopback))
    throw new SourceConfigError('kubernetes.server', `${server}: credentials are sent over https:// alone, or to this machine itself`)
  return base
}

/** Credentials that cannot be had are no reason to remove anything: the platform was not asked at all. */
async function withCause<T>(wanted: Promise<T>): Promise<T> {
  try {
    return await wanted
  } catch (cause) {
    if (cause instanceof SourceCallError || cause instanceof SourceConfigError) throw cause
    throw new SourceCallError('denied', `no credentials for the cluster: ${(cause as Error).message}`, { cause })
  }
}
