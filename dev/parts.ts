import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Layout } from './layout.ts'
import { type ProcessSpec, Supervisor } from './supervisor.ts'

export interface PartsOptions {
  /** After how long a process that died is started again; null = never. */
  readonly restartAfterMs: number | null
  readonly logLevel?: string
  /** How long to wait for a control plane's first answer. */
  readonly readyWithinMs?: number
  /** Of all processes, beside ours; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export const root = fileURLToPath(new URL('..', import.meta.url))
export const skerry = join(root, 'bin/skerry.js')
export const shop = join(root, 'dev/shop.ts')

/** Starts the processes of a mesh one at a time, each by the command that a user would type. */
export class Parts {
  readonly layout: Layout
  readonly supervisor: Supervisor
  readonly #options: PartsOptions
  readonly #zones = new Map<string, { readonly api: number; readonly xds: number }>()

  constructor(layout: Layout, options: PartsOptions) {
    this.layout = layout
    this.#options = options
    const { env = {}, restartAfterMs } = options
    this.supervisor = new Supervisor({ logDir: join(layout.dataDir, 'logs'), cwd: root, env, restartAfterMs })
  }

  get globalApi(): string {
    return `http://${at(this.layout.ports['global-api'])}`
  }

  zoneApi(zone: string): string {
    return `http://${at(this.#zone(zone).api)}`
  }

  /** A call of a control plane's API as admin; rejects with what the server says. */
  async api(base: string, path: string, init: { method?: string; body?: unknown } = {}): Promise<unknown> {
    const response = await fetch(base + path, {
      method: init.method ?? 'GET',
      headers: {
        authorization: `Bearer ${this.layout.adminToken}`,
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${text}`)
    return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text
  }

  /** A file with a dataplane token of that zone, for a workload. Waits until the zone has the mesh from global. */
  async dataplaneToken(zone: string, workload: string, type: 'dataplane' | 'ingress' = 'dataplane'): Promise<string> {
    const file = join(this.layout.dataDir, `${zone}-${workload}${type === 'ingress' ? '.ingress' : ''}.token`)
    const body = { mesh: 'default', workload, type }
    return this.#token(file, async () => {
      let token: unknown
      await until(async () => {
        const known = await this.api(this.zoneApi(zone), '/meshes').then(answer => (answer as { total: number }).total > 0)
        if (known) token = await this.api(this.zoneApi(zone), '/tokens/dataplane', { method: 'POST', body })
        return known
      }, 30_000)
      return token
    })
  }

  startGlobal(): Promise<void> {
    const { ports, adminTokenFile, dataDir } = this.layout
    return this.#run('global', 'global', '', [
      ...['global', 'run', '--data', join(dataDir, 'global')],
      ...['--api', at(ports['global-api']), '--sync', at(ports['global-sync']), '--admin-token-file', adminTokenFile],
    ])
  }

  /** Resolves when its API answers, which is before it has anything from global. */
  async startZone(zone: string, ports: { readonly api: number; readonly xds: number }): Promise<void> {
    const { adminTokenFile, dataDir } = this.layout
    this.#zones.set(zone, ports)
    const token = await this.#token(join(dataDir, `${zone}.zone-token`), () =>
      this.api(this.globalApi, '/tokens/zone', { method: 'POST', body: { zone } }),
    )
    await this.#run(zone, 'zone', zone, [
      ...['zone', 'run', '--zone', zone, '--data', join(dataDir, zone), '--api', at(ports.api), '--xds', at(ports.xds)],
      ...['--global', `https://${at(this.layout.ports['global-sync'])}`, '--zone-token-file', token, '--admin-token-file', adminTokenFile],
    ])
    await this.answers(this.zoneApi(zone), zone)
  }

  startZoneGateway(zone: string, port: number): Promise<void> {
    const args = ['--role', 'zone-gateway', '--ingress-port', String(port)]
    return this.#proxy(`zone-gateway-${zone}`, zone, 'zone-gateway', args, 'zone-gateway')
  }

  startGateway(name: string, zone: string): Promise<void> {
    return this.#proxy(name, zone, 'gateway', ['--role', 'gateway'], name)
  }

  /** Of the shop: answers who it is, and what the service at `next` answers. */
  startApplication(service: string, zone: string, port: number, next?: number): Promise<void> {
    const args = [shop, '--name', service, '--zone', zone, '--port', String(port), ...(next ? ['--next', `http://${at(next)}/`] : [])]
    return this.supervisor.start({ name: `${service}-${zone}-app`, role: 'application', zone, args })
  }

  startSidecar(service: string, zone: string, port: number, args: readonly string[] = []): Promise<void> {
    return this.#proxy(`${service}-${zone}`, zone, 'sidecar', ['--service', service, '--port', String(port), ...args], service)
  }

  /** Resolves when a control plane answers. */
  async answers(base: string, process: string): Promise<void> {
    await until(async () => {
      if (!this.supervisor.isRunning(process))
        throw new Error(`${process} ended while starting: see ${join(this.layout.dataDir, 'logs', `${process}.log`)}`)
      const response = await fetch(`${base}/`).catch(() => null)
      await response?.body?.cancel()
      return response?.ok ?? false
    }, this.#options.readyWithinMs ?? 60_000)
  }

  #zone(zone: string): { readonly api: number; readonly xds: number } {
    const ports = this.#zones.get(zone)
    if (!ports) throw new Error(`zone ${zone} was not started`)
    return ports
  }

  #run(name: string, role: ProcessSpec['role'], zone: string, args: readonly string[]): Promise<void> {
    return this.supervisor.start({ name, role, zone, args: [skerry, ...args, '--log-level', this.#options.logLevel ?? 'info'] })
  }

  async #proxy(name: string, zone: string, role: ProcessSpec['role'], args: readonly string[], workload: string): Promise<void> {
    const token = await this.dataplaneToken(zone, workload, role === 'zone-gateway' ? 'ingress' : 'dataplane')
    const service = role === 'sidecar' ? [] : ['--service', workload]
    await this.#run(name, role, zone, [
      ...['proxy', 'run', '--cp', at(this.#zone(zone).xds), '--token-file', token],
      ...['--name', name, '--data', join(this.layout.dataDir, name)],
      ...service,
      ...args,
    ])
  }

  async #token(file: string, make: () => Promise<unknown>): Promise<string> {
    const kept = await readFile(file, 'utf8').catch(() => '')
    if (!isFresh(kept)) await writeFile(file, String(await make()), { mode: 0o600 })
    return file
  }
}

/** Polls until `check` says yes; what it throws ends it at once. */
export async function until(check: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not ready within ${Math.round(withinMs / 1000)} s`)
    await new Promise(resolve => setTimeout(resolve, 25))
  }
}

/** A token of an earlier start, good for a day more. */
function isFresh(token: string): boolean {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number }
    return exp * 1000 > Date.now() + 24 * 3_600_000
  } catch {
    return false
  }
}

export function at(port: number): string {
  return `127.0.0.1:${port}`
}
