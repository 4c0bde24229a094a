import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { isDeepStrictEqual } from 'node:util'
import { kindByName } from '../model/kinds/index.ts'
import { runCli } from './main.ts'

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a command line inside this process: as `bin/skerry.js` does, without the start. */
export async function cli(
  argv: readonly string[],
  { env = {}, cwd = '/', stdin = '', columns }: { env?: Record<string, string>; cwd?: string; stdin?: string; columns?: number } = {},
): Promise<Ended> {
  let out = ''
  let err = ''
  const io = {
    out: (text: string) => {
      out += text
    },
    err: (text: string) => {
      err += text
    },
    env,
    cwd,
    columns,
    colour: false,
    readStdin: async () => stdin,
  }
  return { code: await runCli(argv, io), out, err }
}

/** Runs `bin/skerry.js` as a process of its own. */
export async function spawnCli(argv: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../bin/skerry.js'), ...argv], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [code, out, err] = await Promise.all([
    new Promise<number | null>(resolve => child.once('close', resolve)),
    text(child.stdout),
    text(child.stderr),
  ])
  return { code, out, err }
}

/** A directory with these files, gone afterwards. */
export async function filesOf(
  files: Readonly<Record<string, string>>,
): Promise<{ readonly path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'skerry-cli-'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: unknown
}

export interface FakeApi {
  readonly url: string
  readonly requests: readonly SeenRequest[]
  [Symbol.asyncDispose](): Promise<void>
}

type Stored = Record<string, unknown>

/** An API with the documented bodies, over a map from path to object. Answers in `answers` and what `answersTo` makes of a body (`METHOD PATH`) win. */
export async function fakeApi(
  objects: Readonly<Record<string, Stored>> = {},
  answers: Readonly<Record<string, { status: number; body: unknown }>> = {},
  answersTo: Readonly<Record<string, (sent: unknown) => { status: number; body: unknown } | undefined>> = {},
): Promise<FakeApi> {
  const stored = new Map(Object.entries(objects))
  const requests: SeenRequest[] = []
  const answer = (method: string, url: URL, body: unknown): { status: number; body: unknown } => {
    const path = url.pathname
    const given = answers[`${method} ${path}`] ?? answersTo[`${method} ${path}`]?.(body)
    if (given) return given
    if (method === 'POST' && path === '/bulk') return { status: 200, body: bulk(stored, body as Bulk, url.searchParams.has('dryRun')) }
    if (method === 'PUT') {
      const status = stored.has(path) ? 200 : 201
      stored.set(path, body as Stored)
      return { status, body: {} }
    }
    if (method === 'DELETE') return { status: stored.delete(path) ? 200 : 404, body: {} }
    if (stored.has(path)) return { status: 200, body: stored.get(path) }
    const items = [...stored].filter(([key]) => new RegExp(`^(/meshes/[^/]+)?${path}/[^/]+$`).test(key)).map(([, value]) => value)
    const isCollection = path.split('/').length % 2 === 0
    if (!isCollection)
      return { status: 404, body: { type: '/std-errors', status: 404, title: 'Could not retrieve a resource', detail: 'Not found' } }
    const [size, offset] = [Number(url.searchParams.get('size') ?? 100), Number(url.searchParams.get('offset') ?? 0)]
    const next = offset + size < items.length ? `${url.origin}${path}?size=${size}&offset=${offset + size}` : null
    return { status: 200, body: { total: items.length, items: items.slice(offset, offset + size), next } }
  }
  const server = createServer(async (request: IncomingMessage, response) => {
    const sent = await text(request)
    const url = new URL(request.url!, `http://${request.headers.host}`)
    const body: unknown = sent === '' ? undefined : JSON.parse(sent)
    requests.push({ method: request.method!, path: request.url!, authorization: request.headers.authorization, body })
    const { status, body: answered } = answer(request.method!, url, body)
    if (typeof answered === 'string') response.writeHead(status, { 'content-type': 'text/plain' }).end(answered)
    else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answered))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

interface Bulk {
  readonly items: readonly { readonly resource?: Stored; readonly delete?: Stored }[]
}

function bulk(stored: Map<string, Stored>, { items }: Bulk, dryRun: boolean) {
  const results = items.map(item => {
    const { type, mesh, name } = (item.resource ?? item.delete)!
    const { path: segment } = kindByName(String(type))!
    const path = `${mesh === undefined ? '' : `/meshes/${mesh}`}/${segment}/${name}`
    const before = stored.get(path)
    if (!dryRun && item.resource) stored.set(path, item.resource)
    if (!dryRun && item.delete) stored.delete(path)
    const put = before === undefined ? 'created' : isDeepStrictEqual(before, item.resource) ? 'unchanged' : 'updated'
    return { type, mesh, name, result: item.resource ? put : before ? 'deleted' : 'absent' }
  })
  return { revision: 1, items: results }
}

export const dataplane = {
  type: 'Dataplane',
  mesh: 'default',
  name: 'web-1',
  labels: { 'kuma.io/zone': 'azure-1', 'kuma.io/workload': 'web', 'kuma.io/display-name': 'web-1' },
  creationTime: new Date(Date.now() - 192_000).toISOString(),
  networking: { address: '127.0.0.1', inbound: [{ port: 8080, name: 'main', protocol: 'http' }] },
}
export const elsewhere = {
  ...dataplane,
  name: 'payments-1-586b984b597z5874',
  labels: { 'kuma.io/zone': 'aws-1', 'kuma.io/display-name': 'payments-1' },
}
export const meshOf = (dataplanes: readonly { name: string }[]) =>
  Object.fromEntries(dataplanes.map(it => [`/meshes/default/dataplanes/${it.name}`, it]))
export const overview = {
  ...dataplane,
  type: 'DataplaneOverview',
  dataplane: { networking: dataplane.networking },
  dataplaneInsight: {
    subscriptions: [
      {
        id: '1',
        connectTime: new Date(Date.now() - 61_000).toISOString(),
        status: { cds: { responsesSent: 4, responsesAcknowledged: 3, responsesRejected: 1 } },
      },
    ],
    readiness: [{ inbound: 'main', ready: false, reason: 'the application does not answer on 127.0.0.1:8080' }],
  },
}
