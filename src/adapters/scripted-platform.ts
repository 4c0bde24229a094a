import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it reached the scripted platform. */
export interface ScriptedRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** A text as it is; anything else as JSON. */
  readonly body: unknown
}

/** What the platform has, and how it tells of it. */
export interface World {
  /** Names of the things that there are, each once. */
  readonly names: readonly string[]
  /** A page of the list, honest or not. @param token of the page before; absent or '' = the first page */
  page(token?: string | null): { readonly names: readonly string[]; readonly next?: string }
}

export type Lie =
  | { readonly kind: 'none' }
  /** Every request that lists is answered so. */
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'hang' }
  | { readonly kind: 'reset' }
  /** Half of each answer, and the end. */
  | { readonly kind: 'truncated' }
  /** Every page names itself as the next. */
  | { readonly kind: 'looping-token' }
  /** The last page cannot be had. */
  | { readonly kind: 'missing-last-page'; readonly reply: Reply }
  /** Every thing comes twice. */
  | { readonly kind: 'duplicates' }

export interface PlatformScript {
  /** Answers as the platform would when all goes well. */
  respond(request: ScriptedRequest, world: World): Reply
  /** Does a request ask for the list of things? Those are lied to; others (a token, an identity) are not. Absent = all do. */
  isListing?(request: ScriptedRequest): boolean
}

class CannotSay extends Error {
  readonly reply: Reply

  constructor(reply: Reply) {
    super('this page cannot be had')
    this.reply = reply
  }
}

/** A platform's API over HTTP that has things, and lies of them as it is told to. For tests. */
export class ScriptedPlatform {
  names: readonly string[] = []
  lie: Lie = { kind: 'none' }
  pageSize: number
  /** Requests that were answered, since the start. */
  requests = 0
  readonly #script: PlatformScript
  readonly #server = createServer((request, response) => void this.#serve(request, response))

  constructor(script: PlatformScript, pageSize = 10) {
    this.#script = script
    this.pageSize = pageSize
  }

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of incoming) body += chunk
    const url = new URL(incoming.url ?? '/', 'http://platform')
    const request = { method: incoming.method ?? 'GET', path: url.pathname, query: url.searchParams, headers: incoming.headers, body }
    const lie: Lie = (this.#script.isListing?.(request) ?? true) ? this.lie : { kind: 'none' }
    this.requests++
    if (lie.kind === 'hang') return
    if (lie.kind === 'reset') {
      incoming.socket.destroy()
      return
    }
    const { status = 200, headers = {}, body: content } = lie.kind === 'reply' ? lie.reply : this.#answer(request, lie)
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    const sent = lie.kind === 'truncated' ? text.slice(0, Math.floor(text.length / 2)) : text
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent), ...headers }).end(sent)
  }

  #answer(request: ScriptedRequest, lie: Lie): Reply {
    try {
      return this.#script.respond(request, this.#world(lie))
    } catch (error) {
      if (error instanceof CannotSay) return error.reply
      return { status: 500, body: String(error) }
    }
  }

  #world(lie: Lie): World {
    const { names, pageSize } = this
    return {
      names: lie.kind === 'duplicates' ? names.flatMap(name => [name, name]) : names,
      page: token => {
        const at = token === undefined || token === null || token === '' ? 0 : Number(token)
        const some = names.slice(at, at + pageSize)
        const isLast = at + pageSize >= names.length
        if (lie.kind === 'missing-last-page' && isLast && at > 0) throw new CannotSay(lie.reply)
        if (lie.kind === 'looping-token') return { names: some, next: String(at === 0 ? pageSize : at) }
        return {
          names: lie.kind === 'duplicates' ? some.flatMap(name => [name, name]) : some,
          ...(isLast ? {} : { next: String(at + pageSize) }),
        }
      },
    }
  }
}
