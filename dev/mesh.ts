import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Layout, openLayout } from './layout.ts'
import { endLeftovers } from './leftovers.ts'
import { holdAlone } from './only-one.ts'
import { shopResources } from './shop-resources.ts'
import { type ProcessSpec, type RunningProcess, Supervisor } from './supervisor.ts'

export interface MeshOptions {
  readonly dataDir: string
  /** After how long a process that died is started again; null = never. */
  readonly restartAfterMs: number | null
  readonly progress?: (what: string) => void
  /** How long to wait for a first answer through the gateway. */
  readonly readyWithinMs?: number
  readonly logLevel?: string
}

/** What `demo.json` says, for programs. */
export interface MeshState {
  readonly ready: boolean
  readonly urls: { readonly shop: string; readonly api: string; readonly dashboard: string }
  readonly adminTokenFile: string
  readonly processes: readonly RunningProcess[]
}

const root = fileURLToPath(new URL('..', import.meta.url))
const skerry = join(root, 'bin/skerry.js')
const shop = join(root, 'dev/shop.ts')

/** The two-cloud demo mesh: global, zones aws-1 and azure-1, a gateway in each, and the shop web → orders → payments. The same for `npm start` and for tests. */
export class DemoMesh {
  readonly layout: Layout
  readonly supervisor: Supervisor
  readonly #options: MeshOptions
  #ready = false
  #held: { release(): Promise<void> } | null = null
  #writing: Promise<void> = Promise.resolve()

  private constructor(layout: Layout, options: MeshOptions) {
    this.layout = layout
    this.#options = options
    this.supervisor = new Supervisor({ logDir: join(layout.dataDir, 'logs'), cwd: root, restartAfterMs: options.restartAfterMs })
    this.supervisor.onChange = () => void this.#writeState()
  }

  /** Chooses ports and makes the admin token; starts nothing. */
  static async open(options: MeshOptions): Promise<DemoMesh> {
    return new DemoMesh(await openLayout(options.dataDir), options)
  }

  /** As `open` and `start`; on failure everything that was started is stopped. */
  static async start(options: MeshOptions): Promise<DemoMesh> {
    const mesh = await DemoMesh.open(options)
    try {
      await mesh.start()
    } catch (error) {
      await mesh.stop()
      throw error
    }
    return mesh
  }

  get stateFile(): string {
    return join(this.layout.dataDir, 'demo.json')
  }

  get urls(): MeshState['urls'] {
    const { ports } = this.layout
    return {
      shop: `http://127.0.0.1:${ports.shop}/`,
      api: `http://127.0.0.1:${ports['global-api']}`,
      dashboard: `http://127.0.0.1:${ports['global-api']}/dashboard`,
    }
  }

  zoneApi(zone: 'aws-1' | 'azure-1'): string {
    return `http://127.0.0.1:${this.layout.ports[`${zone}-api`]}`
  }

  async stop(): Promise<void> {
    // It never had the directory: what is there is another's.
    if (!this.#held) return
    this.#ready = false
    await this.supervisor.stop()
    await this.#writeState()
    await this.#held.release()
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
  async dataplaneToken(zone: 'aws-1' | 'azure-1', workload: string): Promise<string> {
    const file = join(this.layout.dataDir, `${zone}-${workload}.token`)
    return this.#token(file, async () => {
      let token: unknown
      await until(async () => {
        const known = await this.api(this.zoneApi(zone), '/meshes').then(answer => (answer as { total: number }).total > 0)
        if (known) token = await this.api(this.zoneApi(zone), '/tokens/dataplane', { method: 'POST', body: { mesh: 'default', workload } })
        return known
      }, 30_000)
      return token
    })
  }

  /** Resolves when a request goes through the gateway. */
  async start(): Promise<void> {
    const { ports, adminTokenFile, dataDir } = this.layout
    this.#held = await holdAlone(dataDir)
    if (!this.#held)
      throw new Error(`another demo runs on ${dataDir}: stop it (Ctrl-C in its terminal), or give this one --data DIR of its own`)
    await endLeftovers(await this.#earlierProcesses(), [skerry, shop])
    const progress = this.#options.progress ?? (() => {})
    const log = ['--log-level', this.#options.logLevel ?? 'info']
    await this.#writeState()

    progress('starting the global control plane and the shop’s applications')
    await this.#run('global', 'global', '', [
      'global',
      'run',
      '--data',
      join(dataDir, 'global'),
      '--api',
      at(ports['global-api']),
      '--sync',
      at(ports['global-sync']),
      '--admin-token-file',
      adminTokenFile,
      ...log,
    ])
    await this.#application('web', 'azure-1', ports['web-app'], ports['web-to-orders'])
    await this.#application('orders', 'azure-1', ports['orders-app'], ports['orders-to-payments'])
    await this.#application('payments', 'aws-1', ports['payments-aws-1-app'])
    await this.#application('payments', 'azure-1', ports['payments-azure-1-app'])
    await this.#answers(this.urls.api, 'global')

    progress('starting zones aws-1 and azure-1')
    const applied = this.#applyShop()
    const zones = ['aws-1', 'azure-1'] as const
    await Promise.all(
      zones.map(async zone => {
        const token = await this.#token(join(dataDir, `${zone}.zone-token`), () =>
          this.api(this.urls.api, '/tokens/zone', { method: 'POST', body: { zone } }),
        )
        await this.#run(zone, 'zone', zone, [
          ...[
            'zone',
            'run',
            '--zone',
            zone,
            '--data',
            join(dataDir, zone),
            '--api',
            at(ports[`${zone}-api`]),
            '--xds',
            at(ports[`${zone}-xds`]),
          ],
          ...['--global', `https://${at(ports['global-sync'])}`, '--zone-token-file', token, '--admin-token-file', adminTokenFile, ...log],
        ])
        await this.#answers(this.zoneApi(zone), zone)
      }),
    )
    const isNew = await applied

    progress('starting gateways and sidecars')
    await Promise.all([
      this.#proxy(
        'zone-gateway-aws-1',
        'aws-1',
        'zone-gateway',
        ['--role', 'zone-gateway', '--ingress-port', String(ports['aws-1-ingress'])],
        'zone-gateway',
      ),
      this.#proxy(
        'zone-gateway-azure-1',
        'azure-1',
        'zone-gateway',
        ['--role', 'zone-gateway', '--ingress-port', String(ports['azure-1-ingress'])],
        'zone-gateway',
      ),
      this.#sidecar('payments', 'aws-1', ports['payments-aws-1-app'], ['--http-proxy-port', String(ports['payments-aws-1-http-proxy'])]),
      this.#sidecar('payments', 'azure-1', ports['payments-azure-1-app']),
      this.#sidecar('orders', 'azure-1', ports['orders-app'], ['--outbound', `payments=${ports['orders-to-payments']}`]),
      this.#sidecar('web', 'azure-1', ports['web-app'], [
        '--outbound',
        `orders=${ports['web-to-orders']}`,
        '--http-proxy-port',
        String(ports['web-http-proxy']),
      ]),
      this.#proxy('shop-gateway', 'azure-1', 'gateway', ['--role', 'gateway'], 'shop-gateway'),
    ])

    progress('waiting for the first answer through the gateway')
    await this.#firstAnswer(isNew)
    this.#ready = true
    await this.#writeState()
  }

  #run(name: string, role: ProcessSpec['role'], zone: string, args: readonly string[]): Promise<void> {
    return this.supervisor.start({ name, role, zone, args: [skerry, ...args] })
  }

  #application(service: string, zone: string, port: number, next?: number): Promise<void> {
    const args = [shop, '--name', service, '--zone', zone, '--port', String(port), ...(next ? ['--next', `http://${at(next)}/`] : [])]
    return this.supervisor.start({ name: `${service}-${zone}-app`, role: 'application', zone, args })
  }

  #sidecar(service: string, zone: 'aws-1' | 'azure-1', port: number, args: readonly string[] = []): Promise<void> {
    return this.#proxy(`${service}-${zone}`, zone, 'sidecar', ['--service', service, '--port', String(port), ...args], service)
  }

  async #proxy(
    name: string,
    zone: 'aws-1' | 'azure-1',
    role: ProcessSpec['role'],
    args: readonly string[],
    workload: string,
  ): Promise<void> {
    const token = await this.dataplaneToken(zone, workload)
    const service = role === 'sidecar' ? [] : ['--service', workload]
    await this.#run(name, role, zone, [
      ...[
        'proxy',
        'run',
        '--cp',
        at(this.layout.ports[`${zone}-xds`]),
        '--token-file',
        token,
        '--name',
        name,
        '--data',
        join(this.layout.dataDir, name),
      ],
      ...service,
      ...args,
      ...['--log-level', this.#options.logLevel ?? 'info'],
    ])
  }

  /** Resolves with false when some of it was there already, from an earlier start: then it is the user's. */
  async #applyShop(): Promise<boolean> {
    let allNew = true
    for (const resource of shopResources(this.layout)) {
      const { type, mesh, name } = resource as { type: string; mesh: string; name: string }
      const path = {
        MeshMultiZoneService: 'meshmultizoneservices',
        MeshLoadBalancingStrategy: 'meshloadbalancingstrategies',
        MeshGateway: 'meshgateways',
        MeshHTTPRoute: 'meshhttproutes',
      }[type]
      // A second start must not undo what the user changed since.
      const known = await fetch(`${this.urls.api}/meshes/${mesh}/${path}/${name}`, {
        headers: { authorization: `Bearer ${this.layout.adminToken}` },
      })
      if (known.status === 404) await this.api(this.urls.api, `/meshes/${mesh}/${path}/${name}`, { method: 'PUT', body: resource })
      else allNew = false
    }
    return allNew
  }

  async #answers(base: string, process: string): Promise<void> {
    await until(async () => {
      if (!this.supervisor.isRunning(process))
        throw new Fatal(`${process} ended while starting: see ${join(this.layout.dataDir, 'logs', `${process}.log`)}`)
      const response = await fetch(`${base}/`).catch(() => null)
      await response?.body?.cancel()
      return response?.ok ?? false
    }, this.#options.readyWithinMs ?? 60_000)
  }

  /** From aws-1, as the shop's own policy says; from anywhere, after a while, when the user may have changed that in an earlier start. */
  async #firstAnswer(isNew: boolean): Promise<void> {
    let last = 'no answer'
    let firstOk = Number.POSITIVE_INFINITY
    await until(async () => {
      const response = await fetch(this.urls.shop, { signal: AbortSignal.timeout(2000) }).catch(error => {
        last = String(error.cause ?? error)
        return null
      })
      if (!response) return false
      const body = await response.text()
      last = `${response.status} ${body}`
      if (!response.ok) return false
      firstOk = Math.min(firstOk, Date.now())
      return body.includes('"aws-1"') || (!isNew && Date.now() - firstOk > 5000)
    }, this.#options.readyWithinMs ?? 60_000).catch(error => {
      throw new Error(`${error.message}; the last answer through the gateway: ${last}. Logs are in ${join(this.layout.dataDir, 'logs')}`)
    })
  }

  async #token(file: string, make: () => Promise<unknown>): Promise<string> {
    const kept = await readFile(file, 'utf8').catch(() => '')
    if (!isFresh(kept)) await writeFile(file, String(await make()), { mode: 0o600 })
    return file
  }

  async #earlierProcesses(): Promise<readonly RunningProcess[]> {
    const text = await readFile(this.stateFile, 'utf8').catch(() => '')
    try {
      return (JSON.parse(text) as MeshState).processes
    } catch {
      return []
    }
  }

  #writeState(): Promise<void> {
    const write = async () => {
      const state: MeshState = {
        ready: this.#ready,
        urls: this.urls,
        adminTokenFile: this.layout.adminTokenFile,
        processes: this.supervisor.processes(),
      }
      await writeFile(`${this.stateFile}.new`, `${JSON.stringify(state, null, 2)}\n`)
      await rename(`${this.stateFile}.new`, this.stateFile)
    }
    this.#writing = this.#writing.then(write, write)
    return this.#writing
  }
}

class Fatal extends Error {}

/** Polls until `check` says yes; a Fatal error ends it at once. */
async function until(check: () => Promise<boolean>, withinMs: number): Promise<void> {
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

function at(port: number): string {
  return `127.0.0.1:${port}`
}
