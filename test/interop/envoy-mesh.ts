import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../dev/layout.ts'
import { learnsHosts } from '../../src/envoy/client-kind.ts'
import { fetchCa } from '../../src/identity/first-contact.ts'
import { peekToken } from '../../src/identity/token-claims.ts'
import { options as proxyOptions, readProxyConfig } from '../../src/proxy/config.ts'
import { askEnvoy } from '../../src/proxy/envoy/admin-client.ts'
import { findEnvoy } from '../../src/proxy/envoy/find-envoy.ts'
import { type RunningProxy, startProxy } from '../../src/proxy/proxy.ts'
import { systemClock } from '../../src/std/clock.ts'
import { createLog, type LogLevel } from '../../src/std/log.ts'
import { type Address, formatAddress } from '../../src/std/option-value.ts'
import { type OptionSpec, resolveOptions } from '../../src/std/options.ts'
import { systemRandom } from '../../src/std/random.ts'
import { options as zoneOptions } from '../../src/zone-cp/config.ts'
import { startZone, type ZoneConfig, type ZoneControlPlane } from '../../src/zone-cp/zone-cp.ts'
import { envoyBinary } from './envoy-binary.ts'

export const envoy = await envoyBinary()
/** Why an Envoy of this version has no HTTP proxy port; false = it has one. */
export const noHosts =
  envoy && !learnsHosts(`envoy ${await findEnvoy(envoy)}`) ? 'Envoy before 1.37 cannot learn hosts when they are asked for' : false
export const skip = envoy ? false : 'there is no Envoy: shared/peers/envoy.sh gets one'

const log = createLog({ level: (process.env.SKERRY_TEST_LOG ?? 'silent') as LogLevel, format: 'text' })

export interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: IncomingMessage['headers']
}

export interface Asking {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
}

/** Flags that offer these services to an application, each on a port that is free now. */
export async function outboundsTo(...services: string[]): Promise<string[]> {
  const ports = await freePorts(services.map(service => `outbound-${service}`))
  return services.flatMap(service => ['--outbound', `${service}=${ports[`outbound-${service}`]}`])
}

/** One request on a connection of its own. */
export function ask(port: number, { method = 'GET', path = '/', headers = {} }: Asking = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, method, path, headers, agent: false, timeout: 20_000 }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', part => {
        body += part
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode!, body, headers: response.headers }))
    })
    call.on('timeout', () => call.destroy(new Error('no answer within 20 s')))
    call.on('error', reject)
    call.end()
  })
}

/** Polls until it holds; what it throws counts as no. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs
  let last: unknown
  for (;;) {
    try {
      if (await holds()) return
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`, { cause: last })
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** A zone in this process, with workloads, their proxies, and real connections in between. */
export class EnvoyMesh {
  readonly directory: string
  zone: ZoneControlPlane
  readonly name: string
  readonly #more: readonly string[]
  readonly #stack = new AsyncDisposableStack()
  readonly #proxies = new Set<RunningProxy>()
  /** By service: kept, for a proxy that starts while there is no zone to make one. */
  readonly #tokens = new Map<string, string>()
  #admin = ''

  static async start(zone = 'east', more: readonly string[] = []): Promise<EnvoyMesh> {
    const directory = await mkdtemp(join(tmpdir(), 'skerry-envoy-'))
    const mesh = new EnvoyMesh(zone, directory, await startIn(zone, directory, { host: '127.0.0.1', port: 0 }, more), more)
    mesh.#admin = (await readFile(mesh.zone.adminToken.file, 'utf8')).trim()
    return mesh
  }

  private constructor(name: string, directory: string, zone: ZoneControlPlane, more: readonly string[]) {
    this.name = name
    this.directory = directory
    this.zone = zone
    this.#more = more
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#proxies].map(proxy => proxy.stop()))
    await this.#stack.disposeAsync()
    await this.zone[Symbol.asyncDispose]()
    await rm(this.directory, { recursive: true, force: true, maxRetries: 3 })
  }

  /** Stops the control plane; what `start` does starts it again on what it left, where it was. */
  async restartZone(whileDown: () => Promise<void>): Promise<void> {
    const { xds } = this.zone.ports
    await this.zone[Symbol.asyncDispose]()
    await whileDown()
    this.zone = await startIn(this.name, this.directory, xds, this.#more)
  }

  async api(path: string, init: { method?: string; body?: unknown } = {}): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.#admin}`, 'content-type': 'application/json', connection: 'close' }
    const body = init.body === undefined ? {} : { body: JSON.stringify(init.body) }
    const response = await fetch(`http://${formatAddress(this.zone.ports.api)}${path}`, { method: init.method ?? 'GET', headers, ...body })
    const text = await response.text()
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${text}`)
    return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text
  }

  /** The CA that signs the zone's certificate, PEM. */
  async caPem(): Promise<string> {
    const token = (await this.api('/tokens/dataplane', { method: 'POST', body: { mesh: 'default', workload: 'nobody' } })) as string
    return fetchCa(formatAddress(this.zone.ports.xds), peekToken(token)!.ca!)
  }

  /** Writes a policy or route; `plural` as in the API's paths. */
  put(plural: string, type: string, name: string, spec: object, labels: object = {}): Promise<unknown> {
    const body = { type, mesh: 'default', name, labels, spec }
    return this.api(`/meshes/default/${plural}/${name}`, { method: 'PUT', body })
  }

  remove(plural: string, name: string): Promise<unknown> {
    return this.api(`/meshes/default/${plural}/${name}`, { method: 'DELETE' })
  }

  /** An application; by default it answers with its name and the request's headers. */
  async application(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
    const server = createServer(handler)
    server.keepAliveTimeout = 60_000
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    this.#stack.defer(async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    })
    return (server.address() as AddressInfo).port
  }

  async proxy(service: string, engine: 'skerry' | 'envoy' | 'grpc', ...argv: string[]): Promise<TestedProxy> {
    const type = argv.includes('zone-gateway') ? 'ingress' : 'dataplane'
    const token =
      this.#tokens.get(service) ??
      ((await this.api('/tokens/dataplane', { method: 'POST', body: { mesh: 'default', workload: service, type } })) as string)
    this.#tokens.set(service, token)
    const name = argv.includes('--name') ? argv[argv.indexOf('--name') + 1]! : `${service}-${engine}`
    const resolved = resolveOptions(proxyOptions as readonly OptionSpec[], {
      argv: [
        ...['--cp', formatAddress(this.zone.ports.xds), '--service', service, '--data', join(this.directory, name)],
        ...(argv.includes('--name') ? [] : ['--name', name]),
        ...['--engine', engine, ...(engine === 'envoy' ? ['--envoy-path', envoy!] : []), ...argv],
      ],
      env: { SKERRY_DATAPLANE_TOKEN: token },
    })
    assert(resolved.kind === 'ok', JSON.stringify(resolved))
    const read = readProxyConfig(resolved.values as never)
    assert(read.kind === 'ok', JSON.stringify(read))
    const proxy = await startProxy(read.config, { clock: systemClock, random: systemRandom, log: log.child({ proxy: name }) })
    this.#proxies.add(proxy)
    return new TestedProxy(proxy, this)
  }
}

export class TestedProxy {
  readonly running: RunningProxy
  readonly #mesh: EnvoyMesh

  constructor(running: RunningProxy, mesh: EnvoyMesh) {
    this.running = running
    this.#mesh = mesh
  }

  get name(): string {
    return this.running.name
  }

  port(key: string): number {
    return this.running.ports[key]!.port
  }

  /** Resolves when it counts as ready for its own part. */
  async ready(): Promise<this> {
    let last = ''
    await until(`${this.name} is ready`, async () => {
      const { status, body } = await ask(this.port('admin'), { path: '/ready' })
      last = body
      return status === 200
    }).catch(async error => {
      const shown = await this.#mesh.api(`/meshes/default/dataplanes/${this.name}/_inspect`).catch(String)
      assert.fail(`${error.message}: ${last}: ${JSON.stringify(shown).slice(0, 3000)}`)
    })
    return this
  }

  /** Of its Envoy's administration. */
  async admin(path: string): Promise<string> {
    return (await askEnvoy(join(this.running.directory, 'envoy', 'admin.sock'), path)).body
  }

  async stat(name: string): Promise<number> {
    const { stats } = JSON.parse(await this.admin(`/stats?format=json&filter=^${name}$`)) as { stats: { value: number }[] }
    return stats[0]?.value ?? 0
  }

  insight(): Promise<unknown> {
    return this.#mesh.api(`/meshes/default/dataplane-insights/${this.name}`)
  }

  inspect(): Promise<Record<string, unknown>> {
    return this.#mesh.api(`/meshes/default/dataplanes/${this.name}/_inspect`) as Promise<Record<string, unknown>>
  }

  /** What an Envoy that has all it was told does not have: refusals, and things that wait. */
  async complaints(): Promise<string[]> {
    const found: string[] = []
    const { stats } = JSON.parse(await this.admin('/stats?format=json&filter=(update_rejected|warming)')) as {
      stats: { name?: string; value?: number }[]
    }
    for (const { name, value } of stats) {
      if (name?.endsWith('update_rejected') && value !== 0) found.push(`${name}: ${value}`)
      if (name && /total_(listeners|clusters)_warming$|warming_clusters$/.test(name) && value !== 0) found.push(`${name}: ${value}`)
    }
    const dump = await this.admin('/config_dump')
    for (const [, state] of dump.matchAll(/"error_state": \{[^}]*"details": "([^"]*)"/g)) found.push(`refused: ${state}`)
    const { refusals } = (await this.inspect()) as { refusals: unknown[] }
    for (const refusal of refusals) found.push(JSON.stringify(refusal))
    return found
  }
}

async function startIn(zone: string, directory: string, xds: Address, more: readonly string[]): Promise<ZoneControlPlane> {
  const resolved = resolveOptions(zoneOptions as readonly OptionSpec[], {
    argv: ['--zone', zone, '--data', join(directory, 'zone'), '--api', '127.0.0.1:0', '--xds', formatAddress(xds), ...more],
    env: {},
  })
  assert(resolved.kind === 'ok', JSON.stringify(resolved))
  return startZone(resolved.values as unknown as ZoneConfig, { clock: systemClock, log: log.child({ zone }) })
}
