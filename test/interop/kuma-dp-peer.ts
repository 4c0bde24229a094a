import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { formatAddress } from '../../src/std/option-value.ts'
import type { EnvoyMesh } from './envoy-mesh.ts'
import { freePorts } from './free-ports.ts'

const root = resolve(import.meta.dirname, '../..')
const peers = process.env.SKERRY_PEERS ?? resolve(root, '../shared/peers')
const cache = process.env.PEERS_DIR ?? join(root, '.peers')

/** Kuma's kuma-dp, unmodified, fetched if need be; null = there is none to be had here. */
export async function kumaDpBinary(): Promise<string | null> {
  const known = join(cache, 'bin', 'kuma-dp')
  if (existsSync(known)) return known
  const script = join(peers, 'kuma.sh')
  if (!existsSync(script)) return null
  try {
    await promisify(execFile)('bash', [script], { env: { ...process.env, PEERS_DIR: cache }, timeout: 120_000 })
  } catch {
    return null
  }
  return existsSync(known) ? known : null
}

export interface KumaDpOptions {
  readonly service: string
  /** Where the application listens. */
  readonly port: number
  /** Services that it calls. */
  readonly calls: readonly string[]
  readonly protocol?: 'http' | 'tcp'
}

/** A kuma-dp with an Envoy of its own, joined to a zone as its users do it. */
export class KumaDp {
  readonly name: string
  readonly inboundPort: number
  /** By service. */
  readonly outboundPorts: ReadonlyMap<string, number>
  readonly #child: ChildProcess
  #log = ''

  static async start(mesh: EnvoyMesh, binary: string, envoy: string, options: KumaDpOptions): Promise<KumaDp> {
    const { service, port, calls, protocol = 'http' } = options
    const [inboundPort = 0, readinessPort = 0, ...ports] = await freePorts(2 + calls.length)
    const outboundPorts = new Map(calls.map((name, index) => [name, ports[index]!]))
    const name = `${service}-kuma-dp`
    const directory = join(mesh.directory, name)
    await mkdir(directory, { recursive: true })
    const token = (await mesh.api('/tokens/dataplane', { method: 'POST', body: { mesh: 'default', workload: service } })) as string
    const dataplane = {
      type: 'Dataplane',
      mesh: 'default',
      name,
      labels: { 'kuma.io/workload': service },
      networking: {
        address: '127.0.0.1',
        inbound: [{ port: inboundPort, servicePort: port, serviceAddress: '127.0.0.1', name: 'main', protocol }],
        outbound: calls.map(called => ({ port: outboundPorts.get(called), backendRef: { kind: 'MeshService', name: called, port: 0 } })),
      },
    }
    for (const outbound of dataplane.networking.outbound) outbound.backendRef.port = await portOf(mesh, outbound.backendRef.name)
    const file = (path: string) => join(directory, path)
    await writeFile(file('dataplane.json'), JSON.stringify(dataplane))
    await writeFile(file('token'), token)
    await writeFile(file('ca.pem'), await mesh.caPem())
    const args = [
      ...['run', '--cp-address', `https://${formatAddress(mesh.zone.ports.xds)}`, '--dataplane-file', file('dataplane.json')],
      ...['--dataplane-token-file', file('token'), '--ca-cert-file', file('ca.pem'), '--binary-path', envoy, '--work-dir', directory],
      ...['--dns-enabled=false', '--drain-time', '1s', '--concurrency', '1'],
    ]
    const env = { ...process.env, KUMA_READINESS_PORT: String(readinessPort) }
    return new KumaDp(spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }), name, inboundPort, outboundPorts)
  }

  private constructor(child: ChildProcess, name: string, inboundPort: number, outboundPorts: ReadonlyMap<string, number>) {
    this.#child = child
    this.name = name
    this.inboundPort = inboundPort
    this.outboundPorts = outboundPorts
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', part => {
        this.#log = (this.#log + part).slice(-20_000)
      })
  }

  /** What it and its Envoy have said, the end of it. */
  get log(): string {
    return this.#log
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async stop(): Promise<void> {
    if (this.hasEnded) return
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(force)
  }
}

async function portOf(mesh: EnvoyMesh, service: string): Promise<number> {
  const { spec } = (await mesh.api(`/meshes/default/meshservices/${service}`)) as { spec: { ports: { port: number }[] } }
  return spec.ports[0]!.port
}
