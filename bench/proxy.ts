import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { anIdentity, aTrustDomain, call, freePort } from '../src/proxy/testing.ts'
import type { Figure } from './figure.ts'
import { answerOf, Peer, type ProxyTls } from './proxy-support.ts'

export const about = 'CPU time of the built-in proxy for a request, plain and between two sidecars, beside nginx when it is installed'

export const name = 'proxy'

const connections = 50
const roundMs = 2000
const rounds = 3
const bodyBytes = 96

interface Candidate {
  readonly name: string
  readonly port: number
  /** CPU time so far, µs, of all its processes. */
  cpu(): Promise<number>
}

/** CPU µs for each request, the median of interleaved rounds. */
export async function run(): Promise<readonly Figure[]> {
  await using peers = new AsyncDisposableStack()
  const appPort = await freePort()
  peers.use(await Peer.start({ kind: 'application', port: appPort, bodyBytes }))
  const hops = [await plainHop(peers, appPort), await mtlsChain(peers, appPort)]
  const others = nginxVersion() === null ? [] : await nginxHops(peers, appPort)
  if (others.length === 0) process.stdout.write('nginx is not installed: no comparison (apt-get install nginx)\n')

  const figures = await measure([...hops, ...others])
  return hops.map(hop => {
    const other = figures.get(`nginx, ${hop.name}`)
    return {
      name: `CPU for a request, ${hop.name}`,
      value: figures.get(hop.name)!,
      unit: 'µs',
      ...(other === undefined ? {} : { others: { nginx: `${other.toFixed(1)} µs` } }),
    }
  })
}

async function measure(candidates: readonly Candidate[]): Promise<Map<string, number>> {
  const samples = new Map<string, number[]>(candidates.map(candidate => [candidate.name, []]))
  const answerBytes = new Map<string, number>()
  for (const { name: candidate, port } of candidates) answerBytes.set(candidate, await answerLength(port))
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const candidate of candidates) {
      await using load = await Peer.start({
        kind: 'load',
        port: candidate.port,
        connections,
        ms: round === 0 ? 1000 : roundMs,
        answerBytes: answerBytes.get(candidate.name)!,
      })
      const before = await candidate.cpu()
      const answers = await load.run()
      const used = (await candidate.cpu()) - before
      if (answers === 0) throw new Error(`${candidate.name} answered nothing`)
      if (round > 0) samples.get(candidate.name)!.push(used / answers)
    }
  }
  return new Map([...samples].map(([candidate, values]) => [candidate, values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!]))
}

async function plainHop(peers: AsyncDisposableStack, to: number): Promise<Candidate> {
  const port = await freePort()
  const proxy = peers.use(await Peer.start({ kind: 'proxy', listen: port, to, side: 'plain' }))
  return { name: 'one plain hop', port, cpu: () => proxy.cpu() }
}

async function mtlsChain(peers: AsyncDisposableStack, to: number): Promise<Candidate> {
  const domain = 'default.bench.mesh.local'
  const authority = await aTrustDomain(domain)
  const [web, orders] = [`spiffe://${domain}/workload/web`, `spiffe://${domain}/workload/orders`]
  const tls = async (own: string): Promise<ProxyTls> => ({
    identity: await anIdentity(authority, own),
    trust: { [domain]: [authority.certificatePem] },
    peer: orders,
  })
  const [inbound, outbound] = [await freePort(), await freePort()]
  const server = peers.use(await Peer.start({ kind: 'proxy', listen: inbound, to, side: 'server', tls: await tls(orders) }))
  const client = peers.use(await Peer.start({ kind: 'proxy', listen: outbound, to: inbound, side: 'client', tls: await tls(web) }))
  return { name: 'two sidecars with mTLS between', port: outbound, cpu: async () => (await server.cpu()) + (await client.cpu()) }
}

/** How long the answer is that comes through, headers of the proxy's own included. */
async function answerLength(port: number): Promise<number> {
  const { status } = await call(port)
  if (status !== 200) throw new Error(`port ${port} answers ${status}`)
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let length = 0
    socket.on('error', reject)
    socket.on('data', bytes => {
      length += bytes.length
    })
    socket.write('GET / HTTP/1.1\r\nhost: orders.mesh\r\n\r\n')
    setTimeout(() => {
      socket.destroy()
      if (length < answerOf(bodyBytes).length / 2) reject(new Error(`port ${port} answered ${length} bytes`))
      else resolve(length)
    }, 200)
  })
}

// nginx with the same features: keep-alive both sides, X-Forwarded-For, mTLS with verification, one worker.

function nginxVersion(): string | null {
  const { status, stderr } = spawnSync('nginx', ['-v'], { encoding: 'utf8' })
  return status === 0 ? stderr.trim() : null
}

async function nginxHops(peers: AsyncDisposableStack, to: number): Promise<Candidate[]> {
  const directory = mkdtempSync(join(tmpdir(), 'skerry-bench-'))
  peers.defer(() => rmSync(directory, { recursive: true, force: true }))
  const domain = 'default.bench.mesh.local'
  const authority = await aTrustDomain(domain)
  const identity = await anIdentity(authority, `spiffe://${domain}/workload/orders`)
  writeFileSync(join(directory, 'ca.pem'), authority.certificatePem)
  writeFileSync(join(directory, 'cert.pem'), identity.chainPem)
  writeFileSync(join(directory, 'key.pem'), identity.keyPem, { mode: 0o600 })
  const [plain, inbound, outbound] = [await freePort(), await freePort(), await freePort()]
  const own = `ssl_certificate ${directory}/cert.pem; ssl_certificate_key ${directory}/key.pem;`
  const forward = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;'
  const server = (port: number, listen: string, inside: string) =>
    `server { listen 127.0.0.1:${port}${listen}; keepalive_requests 1000000000; location / { ${forward} ${inside} } }`
  const upstream = (id: string, port: number) =>
    `upstream ${id} { server 127.0.0.1:${port}; keepalive 256; keepalive_requests 1000000000; }`
  const start = async (file: string, servers: string): Promise<() => Promise<number>> => {
    const path = join(directory, file)
    writeFileSync(
      path,
      `daemon off; worker_processes 1; pid ${path}.pid; error_log /dev/null crit; events { worker_connections 4096; } http { access_log off; client_body_temp_path ${directory}; proxy_temp_path ${directory}; fastcgi_temp_path ${directory}; uwsgi_temp_path ${directory}; scgi_temp_path ${directory}; ${servers} }`,
    )
    const child = spawn('nginx', ['-p', directory, '-c', path], { stdio: 'ignore' })
    peers.defer(() => ended(child))
    return async () => cpuOf(child.pid!)
  }
  const plainCpu = await start('plain.conf', `${upstream('app', to)} ${server(plain, '', 'proxy_pass http://app;')}`)
  const serverCpu = await start(
    'server.conf',
    `${upstream('app', to)} ssl_client_certificate ${directory}/ca.pem; ssl_verify_client on; ${own} ${server(inbound, ' ssl', 'proxy_pass http://app;')}`,
  )
  const clientCpu = await start(
    'client.conf',
    `${upstream('peer', inbound)} ${server(outbound, '', `proxy_${own.replace('; ssl', '; proxy_ssl')} proxy_ssl_trusted_certificate ${directory}/ca.pem; proxy_ssl_verify off; proxy_pass https://peer;`)}`,
  )
  await new Promise(resolve => setTimeout(resolve, 500))
  return [
    { name: 'nginx, one plain hop', port: plain, cpu: plainCpu },
    { name: 'nginx, two sidecars with mTLS between', port: outbound, cpu: async () => (await serverCpu()) + (await clientCpu()) },
  ]
}

/** Of a process and its children, µs. Linux only, in steps of 10 ms. */
function cpuOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  const ticks = (id: string | number) => {
    const fields = readFileSync(`/proc/${id}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  return [pid, ...children].reduce((sum: number, id) => sum + ticks(id) * 10_000, 0)
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
