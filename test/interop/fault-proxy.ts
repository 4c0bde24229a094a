import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ProxiedRequest {
  /** `ListTasks`, by `x-amz-target` or the query's `Action`; for REST the path. */
  readonly operation: string
  readonly path: string
  readonly body: string
}

export type Fault =
  | { readonly kind: 'reply'; readonly status: number; readonly body: string }
  | { readonly kind: 'hang' }
  | { readonly kind: 'reset' }
  /** What the server answers, changed. */
  | { readonly kind: 'change'; readonly change: (body: string) => string }

/** Stands before an AWS API and does to it what happens to AWS APIs. */
export class FaultProxy implements AsyncDisposable {
  /** What becomes of a request; undefined = it is passed on. */
  fault: (request: ProxiedRequest) => Fault | undefined = () => undefined
  /** How often each operation was called. */
  readonly calls = new Map<string, number>()
  readonly #target: string
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy())
  })

  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor(target: string) {
    this.#target = target
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const path = incoming.url ?? '/'
    const request = { operation: operationOf(incoming, path, body.toString('utf8')), path, body: body.toString('utf8') }
    this.calls.set(request.operation, (this.calls.get(request.operation) ?? 0) + 1)
    const fault = this.fault(request)
    if (fault?.kind === 'hang') return
    if (fault?.kind === 'reset') {
      incoming.socket.destroy()
      return
    }
    if (fault?.kind === 'reply') {
      response.writeHead(fault.status, { 'content-type': 'application/x-amz-json-1.1' }).end(fault.body)
      return
    }
    const { host: _, connection: __, 'transfer-encoding': ___, ...headers } = incoming.headers as Record<string, string>
    const answer = await fetch(this.#target + path, { method: incoming.method ?? 'GET', headers, ...(body.length > 0 ? { body } : {}) })
    const text = Buffer.from(await answer.arrayBuffer())
    const sent = fault?.kind === 'change' ? Buffer.from(fault.change(text.toString('utf8'))) : text
    const kept = [...answer.headers].filter(
      ([name]) => !/^(content-length|content-encoding|transfer-encoding|connection|x-amz-crc32)$/.test(name),
    )
    response.writeHead(answer.status, { ...Object.fromEntries(kept), 'content-length': sent.length }).end(sent)
  }
}

function operationOf({ headers }: IncomingMessage, path: string, body: string): string {
  const target = headers['x-amz-target']
  if (typeof target === 'string') return target.split('.').pop()!
  return /(?:^|&)Action=(\w+)/.exec(body)?.[1] ?? path
}
