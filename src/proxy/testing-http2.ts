import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { ClusterTable, Permissions } from './compile/table.ts'
import {
  aCluster,
  aDataPlane,
  aHost,
  aListener,
  anIdentity,
  anInbound,
  aRoute,
  aTrustDomain,
  endpointsOf,
  freePort,
  pause,
  someRoutes,
  tlsTo,
  trustIn,
} from './testing.ts'

/** Two sidecars with HTTP/2 between them, and peers that speak it. */

export const authority = await aTrustDomain('mesh.local')
export const trust = trustIn({ 'mesh.local': authority })
export const web = await anIdentity(authority, 'spiffe://mesh.local/workload/web')
export const echo = await anIdentity(authority, 'spiffe://mesh.local/workload/echo')

type RouteOptions = NonNullable<Parameters<typeof aRoute>[1]>

/** An application behind its sidecar, and a caller's sidecar with an outbound to it. */
export async function aChain(
  appPort: number,
  options: { permissions?: Permissions; route?: RouteOptions; app?: Partial<ClusterTable>; between?: Partial<ClusterTable> } = {},
) {
  const [server, client] = [aDataPlane(), aDataPlane()]
  const [inbound, outbound] = [await freePort(), await freePort()]
  for (const [plane, identity] of [
    [server, echo],
    [client, web],
  ] as const) {
    plane.setIdentity(identity)
    plane.setTrust(trust)
  }
  server.setCluster(aCluster('app', { http2: true, ...options.app }))
  server.setEndpoints(endpointsOf('app', [aHost(appPort)]))
  await server.setListener(anInbound('inbound', inbound, 'app', options.permissions))
  client.setCluster(aCluster('echo', { http2: true, tls: { ...tlsTo('echo', echo.spiffeId), alpn: ['h2'] }, ...options.between }))
  client.setEndpoints(endpointsOf('echo', [aHost(inbound)]))
  await client.setListener(aListener('outbound', outbound, someRoutes([aRoute('echo', options.route ?? {})])))
  return {
    server,
    client,
    inbound,
    outbound,
    async [Symbol.asyncDispose]() {
      assert.deepEqual([...client.faults, ...server.faults], [])
      await client.close()
      await server.close()
    },
  }
}

/** Polls until it holds, at most ten seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!holds()) {
    if (performance.now() > end) assert.fail(what)
    await pause(10)
  }
}

/** An application that speaks HTTP/2 and no gRPC. */
export async function anHttp2App(handle: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void) {
  const server = createServer()
  const sessions = new Set<{ destroy(): void }>()
  let count = 0
  server.on('session', session => {
    count++
    sessions.add(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    handle(stream, headers)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    sessions: () => count,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy()
      server.close()
    },
  }
}

/** One request; resolves when its stream has closed, however that was. */
export function ask2(session: ClientHttp2Session, path: string, body?: Buffer | string, host = 'echo.mesh') {
  return new Promise<{ headers: IncomingHttpHeaders; body: string; trailers: IncomingHttpHeaders; code: number }>(resolve => {
    const stream = session.request({ ':method': body === undefined ? 'GET' : 'POST', ':path': path, ':authority': host })
    let headers: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders = {}
    const parts: Buffer[] = []
    stream.on('response', got => {
      headers = got
    })
    stream.on('trailers', got => {
      trailers = got
    })
    stream.on('data', part => parts.push(part))
    stream.on('error', () => {})
    stream.on('close', () => resolve({ headers, trailers, body: Buffer.concat(parts).toString(), code: stream.rstCode! }))
    stream.end(body)
  })
}

/** An application's connection to its sidecar. */
export async function aSession(port: number): Promise<ClientHttp2Session & Disposable> {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  await once(session, 'connect')
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() })
}
