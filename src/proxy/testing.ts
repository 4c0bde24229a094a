import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { issueSvid } from '../identity/issue.ts'
import { exportPrivateKey, makeKeyPair } from '../identity/keys.ts'
import { type CertificateAuthority, makeRoot } from '../identity/zone-ca.ts'
import { systemClock } from '../std/clock.ts'
import { type Log, silentLog } from '../std/log.ts'
import { seededRandom } from '../std/random.ts'
import type {
  ClusterTable,
  EndpointTable,
  HeaderEdits,
  HostConfig,
  IdentityMaterial,
  ListenerTable,
  Permissions,
  RetryRule,
  Route,
  RouteTable,
  TrustTable,
  VirtualHost,
} from './compile/table.ts'
import { createDataPlane, type RunningDataPlane } from './data.ts'

/** Builders and peers for tests and benches of the data path: real sockets on loopback, real certificates. */

export interface LoggedRequest {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly peer: string
  readonly cluster: string
  readonly route: string
  readonly upstream: string
  readonly zone: string
  readonly tries: readonly { readonly host: string; readonly zone: string; readonly outcome: string }[]
}

export interface TestDataPlane extends RunningDataPlane {
  readonly lines: LoggedRequest[]
  readonly faults: unknown[]
  readonly localFailures: string[]
}

export function aDataPlane(): TestDataPlane {
  const lines: LoggedRequest[] = []
  const faults: unknown[] = []
  const localFailures: string[] = []
  const log: Log = { ...silentLog, error: (_event, fields) => void faults.push(fields?.error) }
  const plane = createDataPlane({
    clock: systemClock,
    random: seededRandom(7),
    log,
    accessLog: line => void lines.push(JSON.parse(line)),
    onLocalFailure: cluster => void localFailures.push(cluster),
  })
  return Object.assign(plane, { lines, faults, localFailures })
}

// Certificates.

export const aTrustDomain = (trustDomain: string): Promise<CertificateAuthority> =>
  makeRoot({ commonName: trustDomain, trustDomain }, { clock: systemClock })

export async function anIdentity(authority: CertificateAuthority, spiffeId: string, ttlMs?: number): Promise<IdentityMaterial> {
  const keys = makeKeyPair()
  const { chainPem } = await issueSvid(
    authority,
    { spiffeId, publicKey: keys.publicKey, ...(ttlMs === undefined ? {} : { ttlMs }) },
    { clock: systemClock },
  )
  return { chainPem, keyPem: exportPrivateKey(keys.privateKey), spiffeId }
}

export function trustIn(domains: Readonly<Record<string, CertificateAuthority>>): TrustTable {
  return new Map(Object.entries(domains).map(([domain, { certificatePem }]) => [domain, [certificatePem]]))
}

// Tables.

export const noEdits: HeaderEdits = { set: [], add: [], remove: [] }

export const retryEverything: RetryRule = {
  attempts: 2,
  connectFailure: true,
  refused: true,
  reset: true,
  gatewayError: true,
  serverError: false,
  statuses: new Set(),
  grpcStatuses: new Set(),
  perTryTimeoutMs: null,
  backOffBaseMs: 5,
  backOffMaxMs: 20,
}

export const retryUnhandled: RetryRule = { ...retryEverything, reset: false, gatewayError: false }

export function aRoute(cluster: string, overrides: Partial<Route> & { retry?: RetryRule | null; timeoutMs?: number | null } = {}): Route {
  const { retry = null, timeoutMs = null, ...route } = overrides
  return {
    name: 'default',
    path: { kind: 'prefix', value: '/' },
    methods: null,
    headers: [],
    query: [],
    requestHeaders: noEdits,
    responseHeaders: noEdits,
    action: { kind: 'forward', clusters: [{ cluster, weight: 1 }], timeoutMs, retry, rewrite: null },
    ...route,
  }
}

export function aVirtualHost(routes: readonly Route[], responseHeaders: HeaderEdits = noEdits): VirtualHost {
  return { name: 'any', routes, responseHeaders }
}

export function routesTo(cluster: string, retry: RetryRule | null = null): RouteTable {
  return someRoutes([aRoute(cluster, { retry })])
}

export function someRoutes(routes: readonly Route[], overrides: Partial<RouteTable> = {}): RouteTable {
  return { name: 'routes', exact: new Map(), suffixes: [], any: aVirtualHost(routes), onDemand: false, ...overrides }
}

export function aListener(name: string, port: number, routes: RouteTable, overrides: Partial<ListenerTable> = {}): ListenerTable {
  return { name, address: '127.0.0.1', port, accept: { kind: 'plain' }, handler: { kind: 'http', permissions: null, routes }, ...overrides }
}

export const everybody: Permissions = { deny: [], allow: [{ type: 'any' }] }

export function anInbound(name: string, port: number, cluster: string, permissions: Permissions = everybody): ListenerTable {
  return {
    name,
    address: '127.0.0.1',
    port,
    accept: { kind: 'mtls', alpn: ['h2', 'http/1.1'] },
    handler: { kind: 'http', permissions, routes: { ...routesTo(cluster), name: `${name}-routes` } },
  }
}

export function aCluster(name: string, overrides: Partial<ClusterTable> = {}): ClusterTable {
  return {
    name,
    connectTimeoutMs: 1000,
    idleTimeoutMs: 60_000,
    http2: false,
    tls: null,
    balancer: { kind: 'round-robin', choices: 2 },
    slowStartMs: 0,
    panicPercent: 0,
    outlier: null,
    limits: { maxConnections: 1024, maxPending: 1024, maxRequests: 1024, maxRetries: 3 },
    ...overrides,
  }
}

export const ejectAfterFive: NonNullable<ClusterTable['outlier']> = {
  consecutiveLocal: 5,
  consecutiveGateway: 5,
  consecutive5xx: 0,
  intervalMs: 10_000,
  baseEjectionMs: 10_000,
  maxEjectionMs: 60_000,
  maxEjectionPercent: 100,
}

export function tlsTo(sni: string, ...allowedIds: string[]): NonNullable<ClusterTable['tls']> {
  return { sni, allowedIds: new Set(allowedIds), alpn: ['http/1.1'] }
}

export function aHost(port: number, overrides: Partial<HostConfig> = {}): HostConfig {
  return { address: '127.0.0.1', port, zone: 'aws-1', weight: 1, state: 'healthy', name: `host-${port}`, ...overrides }
}

export function endpointsOf(cluster: string, ...priorities: readonly HostConfig[][]): EndpointTable {
  return { cluster, overprovisioning: 1.4, priorities }
}

// Peers.

export interface App extends AsyncDisposable {
  readonly port: number
  readonly server: Server
  readonly requests: string[]
  /** TCP connections it has accepted. */
  connections(): number
  /** Ends at once, as a killed process would. */
  kill(): Promise<void>
}

/** An ordinary application; by default it answers `hello from NAME`. */
export async function anApp(name = 'app', handler?: (request: IncomingMessage, response: ServerResponse) => void, port = 0): Promise<App> {
  let connections = 0
  const requests: string[] = []
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    requests.push(`${incoming.method} ${incoming.url}`)
    if (handler) handler(incoming, response)
    else response.end(`hello from ${name}`)
  })
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const kill = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.writableEnded ? socket.destroy() : socket.resetAndDestroy()
    await closed
  }
  return {
    port: (server.address() as AddressInfo).port,
    server,
    requests,
    connections: () => connections,
    kill,
    [Symbol.asyncDispose]: kill,
  }
}

/** A TCP server that does with each connection what it is told. */
export async function aTcpServer(onConnection: (socket: Socket) => void, port = 0): Promise<{ readonly port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>()
  const server = createTcpServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Call {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: Buffer | string
  /** Without one, a connection of its own. */
  readonly agent?: Agent
}

/** Rejects when the connection breaks before the answer is complete. */
export function call(port: number, options: Call = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        method: options.method ?? 'GET',
        path: options.path ?? '/',
        headers: options.headers ?? {},
        agent: options.agent ?? false,
      },
      async response => {
        try {
          const parts: Buffer[] = []
          for await (const part of response) parts.push(part)
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts).toString('latin1') })
        } catch (error) {
          reject(error)
        }
      },
    )
    outgoing.on('error', reject)
    outgoing.end(options.body)
  })
}

export function anAgent(connections = 8): Agent & Disposable {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  return Object.assign(agent, { [Symbol.dispose]: () => agent.destroy() })
}

/** Sends bytes as they are, and gives back all that comes until the peer closes or `quietMs` pass without a byte. */
export function exchangeRaw(
  port: number,
  bytes: string | Buffer,
  quietMs = 150,
): Promise<{ readonly text: string; readonly isClosed: boolean }> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    const parts: Buffer[] = []
    let timer: NodeJS.Timeout | undefined
    const finish = (isClosed: boolean) => {
      clearTimeout(timer)
      if (isClosed) socket.destroy()
      else socket.resetAndDestroy()
      resolve({ text: Buffer.concat(parts).toString('latin1'), isClosed })
    }
    const wait = () => {
      clearTimeout(timer)
      timer = setTimeout(() => finish(false), quietMs)
    }
    socket.on('data', part => {
      parts.push(part)
      wait()
    })
    socket.on('end', () => finish(true))
    socket.on('error', () => finish(true))
    socket.write(bytes)
    wait()
  })
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
