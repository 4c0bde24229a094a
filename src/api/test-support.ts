import { makeKeyPair } from '../identity/keys.ts'
import { TokenAuthority } from '../identity/token-authority.ts'
import { makeTokenKeys } from '../identity/tokens.ts'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry } from '../registry/registry.ts'
import type { Store } from '../registry/store.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { createAuthenticator } from './authenticate.ts'
import { listenApi } from './listen.ts'
import { type ApiOptions, createApi } from './server.ts'

export const adminToken = 'the-admin-token-of-this-test'
export const global = { kind: 'global' } as const
export const standaloneZone = { kind: 'zone', zone: 'aws-1', federated: false } as const
export const federatedZone = { kind: 'zone', zone: 'aws-1', federated: true } as const

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of many shapes.
  readonly body: any
}

export interface RequestOptions {
  /** null sends none. */
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** An API on a port of its own over a registry in memory, and a client that is its admin unless it says otherwise. */
export async function anApi(options: Partial<ApiOptions> & { store?: Store } = {}) {
  const store = options.store ?? new MemoryStore()
  const registry = options.registry ?? (await Registry.open(store, { clock: systemClock, log: silentLog }))
  const keys = makeTokenKeys('ab'.repeat(32), { dataplane: makeKeyPair(), zone: makeKeyPair(), user: makeKeyPair() })
  const tokens = options.tokens ?? new TokenAuthority({ keys, clock: systemClock })
  const app = createApi({
    registry,
    role: standaloneZone,
    tokens,
    authenticate: createAuthenticator({ tokens, admin: { token: adminToken } }),
    clock: systemClock,
    log: silentLog,
    instanceId: 'instance-1',
    clusterId: 'cluster-1',
    ...options,
  })
  const { url, port } = await listenApi(app, { host: '127.0.0.1', port: 0 })

  const send = async (
    method: string,
    path: string,
    body?: unknown,
    { token = adminToken, headers = {} }: RequestOptions = {},
  ): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return { status: response.status, headers: response.headers, text, body: isJson && text !== '' ? JSON.parse(text) : undefined }
  }
  return {
    app,
    url,
    port,
    registry,
    tokens,
    send,
    get: (path: string, options?: RequestOptions) => send('GET', path, undefined, options),
    put: (path: string, body: unknown, options?: RequestOptions) => send('PUT', path, body, options),
    delete: (path: string, options?: RequestOptions) => send('DELETE', path, undefined, options),
    userToken: (groups: readonly string[], name = 'ann') => tokens.issue({ type: 'user', claims: { name, groups }, ttlMs: 60_000 }),
    async [Symbol.asyncDispose]() {
      await app.close()
      await registry.close()
      await store.close()
    },
  }
}

export type TestApi = Awaited<ReturnType<typeof anApi>>

export async function aMesh(api: TestApi, name = 'default'): Promise<void> {
  await api.registry.commit([{ kind: 'put', draft: { kind: 'Mesh', mesh: '', name, labels: {}, spec: {} } }])
}

export function aDataplane(over: { name?: string; mesh?: string; labels?: Record<string, string>; port?: number } = {}) {
  return {
    type: 'Dataplane',
    mesh: over.mesh ?? 'default',
    name: over.name ?? 'web-1',
    ...(over.labels ? { labels: over.labels } : {}),
    networking: { address: '10.0.0.5', inbound: [{ port: over.port ?? 8080, name: 'http', protocol: 'http' }] },
  }
}

export function aService(name = 'backend', mesh = 'default') {
  return {
    type: 'MeshService',
    mesh,
    name,
    spec: { selector: { dataplaneLabels: { matchLabels: { app: name } } }, ports: [{ port: 80, appProtocol: 'http' }] },
  }
}
