import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../std/clock.ts'
import { silentLog } from '../../std/log.ts'
import { seededRandom } from '../../std/random.ts'
import { testCertificate } from '../../std/test-certificate.ts'
import type { AdapterDeps } from '../adapter.ts'
import type { Reply, ScriptedRequest, World } from '../scripted-platform.ts'

/** What adapters get in tests: no limits, and `secrets` by the name of the variable that refers to them. */
export function testDeps(secrets: Readonly<Record<string, string>> = {}): AdapterDeps {
  return {
    secret: async reference => Buffer.from(secrets[reference.type === 'EnvVar' ? reference.envVar.name : ''] ?? 'secret'),
    budget: { take: async (_limit, signal) => signal.throwIfAborted(), throttled: () => {} },
    clock: systemClock,
    random: seededRandom(1),
    log: silentLog,
  }
}

/** Is it the API server that is asked, and not the cloud that lists it? */
export function isForApiServer({ path }: Pick<ScriptedRequest, 'path'>): boolean {
  return path.startsWith('/api/') || path.startsWith('/apis/')
}

/** The API server of a cluster in which each thing is an EndpointSlice with one endpoint. */
export function respondAsApiServer({ path, query }: ScriptedRequest, world: World): Reply {
  const list = (kind: string, items: unknown[], next?: string) => ({
    body: { kind: `${kind}List`, apiVersion: 'v1', metadata: { resourceVersion: '7', ...(next ? { continue: next } : {}) }, items },
  })
  if (path === '/api/v1/namespaces/kube-system') return { body: { kind: 'Namespace', metadata: { name: 'kube-system', uid: 'u-1' } } }
  if (!path.endsWith('/endpointslices')) return list(path.slice(path.lastIndexOf('/') + 1), [])
  const { names, next } = world.page(query.get('continue'))
  return list('EndpointSlice', names.map(slice), next)
}

function slice(name: string): object {
  const index = Number(name.slice(-3))
  return {
    metadata: { name, namespace: 'default', uid: `uid-${name}`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [`10.3.${Math.floor(index / 200)}.${1 + (index % 200)}`], conditions: { ready: true } }],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  }
}

export interface TlsFront extends AsyncDisposable {
  readonly url: string
  readonly caPem: string
}

/** The same server over TLS, for libraries that send tokens in no other way. */
export async function tlsFront(target: string): Promise<TlsFront> {
  const { rootCaPem, server: certificate } = await testCertificate()
  const server = createServer({ cert: certificate.certPem, key: certificate.keyPem }, (incoming, outgoing) => {
    const forward = request(`${target}${incoming.url}`, { method: incoming.method, headers: incoming.headers }, answer => {
      outgoing.writeHead(answer.statusCode!, answer.headers)
      answer.on('error', () => outgoing.destroy())
      answer.pipe(outgoing)
    })
    forward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => forward.destroy())
    incoming.pipe(forward)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    caPem: rootCaPem,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
