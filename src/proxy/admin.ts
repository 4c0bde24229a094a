import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { listen } from '../std/listen.ts'
import type { Address } from '../std/option-value.ts'

export interface AdminSources {
  /** Why the proxy is not ready; '' = it is. */
  readonly notReady: () => string
  /** Everything that is counted, in the Prometheus text format. */
  readonly stats: () => string | Promise<string>
  /** Whatever helps a person to see what this proxy does; printed as JSON. */
  readonly config: () => unknown
}

/** For probes, scrapers and people on this machine. Reads only. */
export class Admin {
  readonly #server: Server
  readonly address: Address

  private constructor(server: Server, address: Address) {
    this.#server = server
    this.address = address
  }

  static async start(address: Address, sources: AdminSources): Promise<Admin> {
    const server = createServer((request, response) => {
      answer(request, response, sources).catch(error => response.writeHead(503).end(`${(error as Error).message}\n`))
    })
    server.keepAliveTimeout = 5000
    return new Admin(server, await listen(server, address, '--admin'))
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, sources: AdminSources): Promise<void> {
  const send = (status: number, type: string, body: string) => {
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(405, 'text/plain', 'this address can only be read\n')
    return
  }
  switch (request.url?.split('?')[0]) {
    case '/ready': {
      const reason = sources.notReady()
      send(reason === '' ? 200 : 503, 'text/plain', reason === '' ? 'ready\n' : `${reason}\n`)
      return
    }
    case '/stats':
      send(200, 'text/plain; version=0.0.4', await sources.stats())
      return
    case '/config':
      send(200, 'application/json', `${JSON.stringify(await sources.config(), plain, 2)}\n`)
      return
    default:
      send(404, 'text/plain', 'there are /ready, /stats and /config\n')
  }
}

/** Counters by name with labels. https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function exposition(counters: ReadonlyMap<string, number>): string {
  const lines: string[] = []
  let family = ''
  for (const [name, value] of [...counters].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const brace = name.indexOf('{')
    const bare = brace < 0 ? name : name.slice(0, brace)
    if (bare !== family) lines.push(`# TYPE ${bare} ${bare.endsWith('_total') ? 'counter' : 'gauge'}`)
    family = bare
    lines.push(`${name} ${value}`)
  }
  return `${lines.join('\n')}\n`
}

/** JSON knows neither maps, sets, regular expressions nor bytes. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value)
  if (value instanceof Set) return [...value]
  if (value instanceof RegExp) return value.source
  if (value instanceof Uint8Array) return Buffer.from(value).toString()
  return value
}
