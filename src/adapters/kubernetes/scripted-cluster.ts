import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RawObject } from './object-facts.ts'

export type ScriptedObject = RawObject & { readonly metadata: NonNullable<RawObject['metadata']> } & Readonly<Record<string, unknown>>

/** What a request meets instead of its answer. */
export type Meeting =
  | { readonly kind: 'status'; readonly status: number; readonly body?: unknown }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' }

interface Watch {
  readonly path: string
  readonly response: ServerResponse
}

/** An API server for tests: lists in pages, watches, forgets what it should have known, and does whatever else a test asks it to do. */
export class ScriptedCluster implements AsyncDisposable {
  readonly requests: URL[] = []
  /** Connections since the start. */
  connections = 0
  /** Looks at each request first. */
  meet: (url: URL) => Meeting | undefined = () => undefined
  readonly #server: Server
  readonly #collections = new Map<string, Map<string, ScriptedObject>>()
  readonly #events: { readonly path: string; readonly version: number; readonly line: string }[] = []
  readonly #watches = new Set<Watch>()
  #version = 100
  #forgotten = 0

  private constructor() {
    this.#server = createServer((request, response) => this.#serve(request, response))
    this.#server.on('connection', () => this.connections++)
  }

  static async start(): Promise<ScriptedCluster> {
    const cluster = new ScriptedCluster()
    cluster.#server.listen(0, '127.0.0.1')
    await once(cluster.#server, 'listening')
    return cluster
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get version(): string {
    return String(this.#version)
  }

  get watches(): number {
    return this.#watches.size
  }

  /** @param path of its collection in all namespaces: `/api/v1/pods` */
  put(path: string, object: ScriptedObject): void {
    const collection = this.#collections.get(path) ?? new Map<string, ScriptedObject>()
    this.#collections.set(path, collection)
    const { namespace = '', name = '' } = object.metadata
    const key = `${namespace}/${name}`
    const before = collection.get(key)
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } }
    collection.set(key, stored)
    this.#tell(path, before ? 'MODIFIED' : 'ADDED', stored)
  }

  delete(path: string, key: string): void {
    const collection = this.#collections.get(path)
    const object = collection?.get(key)
    if (!object) return
    collection!.delete(key)
    this.#tell(path, 'DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } })
  }

  bookmark(path: string): void {
    this.send(path, { type: 'BOOKMARK', object: { kind: 'Pod', metadata: { resourceVersion: String(++this.#version) } } })
  }

  /** As it stands, to all who watch. */
  send(path: string, event: unknown): void {
    for (const watch of this.#watches) if (watch.path === path) watch.response.write(`${JSON.stringify(event)}\n`)
  }

  /** What happened before now can no longer be watched or read on. */
  forget(): void {
    this.#forgotten = this.#version
  }

  /** As after a backup was brought back: versions begin again from here. */
  restore(version: number): void {
    this.#version = version
    this.#events.length = 0
  }

  breakWatches(): void {
    for (const { response } of this.#watches) response.destroy()
    this.#watches.clear()
  }

  endWatches(): void {
    for (const { response } of this.#watches) response.end()
    this.#watches.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #tell(path: string, type: string, object: ScriptedObject): void {
    const line = `${JSON.stringify({ type, object })}\n`
    this.#events.push({ path, version: this.#version, line })
    for (const watch of this.#watches) if (watch.path === path) watch.response.write(line)
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, this.url)
    this.requests.push(url)
    const meeting = this.meet(url)
    if (meeting?.kind === 'hang') return
    if (meeting?.kind === 'reset') request.socket.destroy()
    else if (meeting) answer(response, meeting.status, meeting.body ?? { kind: 'Status', message: `scripted ${meeting.status}` })
    else if (url.searchParams.has('watch')) this.#watch(url, response)
    else this.#list(url, response)
  }

  #list(url: URL, response: ServerResponse): void {
    const objects = [...(this.#collections.get(url.pathname)?.values() ?? [])]
    const limit = Number(url.searchParams.get('limit') ?? objects.length) || objects.length
    const token = url.searchParams.get('continue')
    const [from = 0, version = this.#version] = token === null ? [] : token.split('.').map(Number)
    if (version < this.#forgotten) {
      const metadata = { continue: `${from}.${this.#version}` }
      answer(response, 410, { kind: 'Status', metadata, reason: 'Expired', message: 'the continue parameter is too old', code: 410 })
      return
    }
    const end = from + limit
    const more = end < objects.length ? { continue: `${end}.${version}`, remainingItemCount: objects.length - end } : {}
    answer(response, 200, {
      kind: 'List',
      apiVersion: 'v1',
      metadata: { resourceVersion: String(version), ...more },
      items: objects.slice(from, end),
    })
  }

  #watch(url: URL, response: ServerResponse): void {
    const from = Number(url.searchParams.get('resourceVersion'))
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    if (from < this.#forgotten) {
      const object = { kind: 'Status', reason: 'Expired', message: `too old resource version: ${from}`, code: 410 }
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`)
      return
    }
    for (const { path, version, line } of this.#events) if (path === url.pathname && version > from) response.write(line)
    const watch = { path: url.pathname, response }
    this.#watches.add(watch)
    response.on('close', () => this.#watches.delete(watch))
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
