import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { version } from '../std/version.ts'
import { toApiError } from './api-error.ts'
import { CliError } from './cli-error.ts'
import type { Connection } from './connection.ts'
import { exitCodes } from './exit-codes.ts'
import { fetchPinnedAuthority, pinnedFingerprint } from './first-contact.ts'

const timeoutMs = 30_000
const pageSize = 1000

export interface ApiResponse {
  readonly status: number
  readonly etag: string | undefined
  readonly text: string
  /** The parsed body; undefined where there is none or it is no JSON. */
  readonly body: unknown
}

/** The API's list body; pages already put together. */
export interface List<Item = Record<string, unknown>> {
  readonly total: number
  readonly items: readonly Item[]
  readonly next: string | null
}

/** Talks to one control plane. `node:http` because importing `fetch`'s client costs more than the request. */
export class ApiClient {
  readonly #connection: Connection
  readonly #agent: Promise<HttpAgent>

  constructor(connection: Connection) {
    this.#connection = connection
    this.#agent = openAgent(connection)
    this.#agent.catch(() => {})
  }

  get url(): URL {
    return this.#connection.url
  }

  /** Any answer, whatever its status. Rejects when there is none. */
  async send(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<ApiResponse> {
    const { url, token } = this.#connection
    const target = new URL(url.pathname.replace(/\/$/, '') + path, url)
    const payload = body === undefined ? undefined : JSON.stringify(body)
    try {
      const agent = await this.#agent
      const requestFunction = url.protocol === 'https:' ? (await import('node:https')).request : httpRequest
      return await new Promise((resolve, reject) => {
        const request = requestFunction(target, {
          method,
          agent,
          timeout: timeoutMs,
          headers: {
            accept: 'application/json',
            'user-agent': `skerry/${version}`,
            ...(token ? { authorization: `Bearer ${token}` } : {}),
            ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
            ...headers,
          },
        })
        request.once('timeout', () => request.destroy(Object.assign(new Error(`no answer in ${timeoutMs / 1000}s`), { code: 'ETIMEDOUT' })))
        request.once('error', reject)
        request.once('response', response => readBody(response).then(resolve, reject))
        request.end(payload)
      })
    } catch (error) {
      throw error instanceof CliError ? error : unreachable(this.#connection, error as NodeJS.ErrnoException)
    }
  }

  /** The answer of a request that must succeed; anything but 2xx throws what the API said. */
  async ask(method: string, path: string, body?: unknown): Promise<ApiResponse> {
    const response = await this.send(method, path, body)
    if (response.status >= 200 && response.status < 300) return response
    throw toApiError(response, `${method} ${path}`)
  }

  async get<Body = Record<string, unknown>>(path: string): Promise<Body> {
    return (await this.ask('GET', path)).body as Body
  }

  /** Every page. One page comes back as the API said it; several as one body with all items. */
  async list<Item = Record<string, unknown>>(path: string, query: Readonly<Record<string, string>> = {}): Promise<List<Item>> {
    const parameters = new URLSearchParams({ ...query, size: String(pageSize) })
    const first = await this.get<List<Item>>(`${path}?${parameters}`)
    const items = [...first.items]
    for (let page = first; page.next; ) {
      const offset = new URL(page.next, this.url).searchParams.get('offset') ?? String(items.length)
      page = await this.get<List<Item>>(`${path}?${new URLSearchParams({ ...query, size: String(pageSize), offset })}`)
      items.push(...page.items)
    }
    return first.next ? { ...first, items, next: null } : first
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.then(
      agent => agent.destroy(),
      () => {},
    )
  }
}

async function openAgent({ url, token, ca }: Connection): Promise<HttpAgent> {
  if (url.protocol === 'http:') return new HttpAgent({ keepAlive: true })
  const { Agent } = await import('node:https')
  const pinned = ca === undefined ? pinnedFingerprint(token) : undefined
  const trusted = pinned === undefined ? ca : await fetchPinnedAuthority(url, pinned, timeoutMs)
  return new Agent({ keepAlive: true, ...(trusted === undefined ? {} : { ca: trusted }) })
}

async function readBody(response: IncomingMessage): Promise<ApiResponse> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  const isJson = /\bjson\b/.test(response.headers['content-type'] ?? '')
  return { status: response.statusCode ?? 0, etag: response.headers.etag, text, body: isJson && text !== '' ? JSON.parse(text) : undefined }
}

function unreachable({ url, origin }: Connection, error: NodeJS.ErrnoException): CliError {
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME|ERR_TLS|SSL/.test(error.code ?? '')
  if (certificate) {
    return new CliError(`the certificate of ${url.origin} is not trusted: ${error.message}`, {
      code: 'SKERRY_CERTIFICATE_NOT_TRUSTED',
      exitCode: exitCodes.unreachable,
      fix: 'use a token that this control plane made, or name its authority with --ca-file FILE',
      cause: error,
    })
  }
  const why =
    error.code === 'ECONNREFUSED'
      ? 'nothing listens there'
      : error.code === 'ENOTFOUND'
        ? 'there is no such host'
        : error.message || error.code
  const demo = origin.endsWith('demo.json')
  return new CliError(`cannot reach the control plane at ${url.origin} (from ${origin}): ${why}`, {
    code: 'SKERRY_UNREACHABLE',
    exitCode: exitCodes.unreachable,
    fix: demo
      ? 'start the demo again (npm start), or name another control plane with --api URL'
      : 'check that it runs and that the address is right',
    cause: error,
  })
}
