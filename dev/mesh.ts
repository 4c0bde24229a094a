import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cloudResources } from './cloud/cloud-resources.ts'
import { FakeCloud } from './cloud/fake-cloud.ts'
import { type Command, fakeEnvironment } from './cloud/ministack.ts'
import { type Layout, openLayout } from './layout.ts'
import { endLeftovers } from './leftovers.ts'
import { holdAlone } from './only-one.ts'
import { Parts, type PartsOptions, shop, skerry, until } from './parts.ts'
import { shopResources } from './shop-resources.ts'
import type { RunningProcess } from './supervisor.ts'

export interface MeshOptions extends PartsOptions {
  readonly dataDir: string
  readonly progress?: (what: string) => void
  /** Part of the shop runs in a fake AWS account, which zone aws-1 discovers. */
  readonly fakeCloud?: {
    readonly command: Command
    /** From one listing of it to the next, as `5s`. */
    readonly interval: string
  }
}

/** What `demo.json` says, for programs. */
export interface MeshState {
  readonly ready: boolean
  readonly urls: { readonly shop: string; readonly api: string; readonly dashboard: string; readonly cloud?: string }
  readonly adminTokenFile: string
  readonly processes: readonly RunningProcess[]
}

/** The two-cloud demo mesh: global, zones aws-1 and azure-1, a gateway in each, and the shop web → orders → payments. The same for `npm start` and for tests. */
export class DemoMesh extends Parts {
  readonly #options: MeshOptions
  /** null: the demo has none, or it is not there yet. */
  cloud: FakeCloud | null = null
  #ready = false
  #held: { release(): Promise<void> } | null = null
  #writing: Promise<void> = Promise.resolve()

  private constructor(layout: Layout, options: MeshOptions) {
    super(layout, { ...options, ...(options.fakeCloud ? { env: fakeEnvironment } : {}) })
    this.#options = options
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
    return {
      shop: `http://127.0.0.1:${this.layout.ports.shop}/`,
      api: this.globalApi,
      dashboard: `${this.globalApi}/dashboard`,
      ...(this.#options.fakeCloud ? { cloud: this.#cloudEndpoint } : {}),
    }
  }

  get #cloudEndpoint(): string {
    return `http://127.0.0.1:${this.layout.ports.cloud}`
  }

  async stop(): Promise<void> {
    // It never had the directory: what is there is another's.
    if (!this.#held) return
    this.#ready = false
    await this.cloud?.[Symbol.asyncDispose]()
    await this.supervisor.stop()
    await this.#writeState()
    await this.#held.release()
  }

  /** Resolves when a request goes through the gateway. */
  async start(): Promise<void> {
    const { ports, dataDir } = this.layout
    this.#held = await holdAlone(dataDir)
    if (!this.#held)
      throw new Error(`another demo runs on ${dataDir}: stop it (Ctrl-C in its terminal), or give this one --data DIR of its own`)
    const { fakeCloud } = this.#options
    await endLeftovers(await this.#earlierProcesses(), [skerry, shop, 'ministack'])
    const progress = this.#options.progress ?? (() => {})
    await this.#writeState()

    progress('starting the global control plane and the shop’s applications')
    await this.startGlobal()
    await this.startApplication('web', 'azure-1', ports['web-app'], ports['web-to-orders'])
    await this.startApplication('orders', 'azure-1', ports['orders-app'], ports['orders-to-payments'])
    await this.startApplication('payments', 'aws-1', ports['payments-aws-1-app'])
    await this.startApplication('payments', 'azure-1', ports['payments-azure-1-app'])
    await this.answers(this.globalApi, 'global')
    if (fakeCloud) {
      progress('starting a fake AWS account, and ECS tasks and a Lambda function in it')
      this.cloud = await FakeCloud.start(this, fakeCloud.command, 'aws-1')
      await this.cloud.furnish(this.#cloudEndpoint)
    } else await this.#forgetCloud()

    progress('starting zones aws-1 and azure-1')
    const applied = this.#applyShop()
    const zones = ['aws-1', 'azure-1'] as const
    await Promise.all(zones.map(zone => this.startZone(zone, { api: ports[`${zone}-api`], xds: ports[`${zone}-xds`] })))
    const isNew = await applied

    progress('starting gateways and sidecars')
    await Promise.all([
      ...zones.map(zone => this.startZoneGateway(zone, ports[`${zone}-ingress`])),
      this.startSidecar('payments', 'aws-1', ports['payments-aws-1-app'], [
        '--http-proxy-port',
        String(ports['payments-aws-1-http-proxy']),
      ]),
      this.startSidecar('payments', 'azure-1', ports['payments-azure-1-app']),
      this.startSidecar('orders', 'azure-1', ports['orders-app'], ['--outbound', `payments=${ports['orders-to-payments']}`]),
      this.startSidecar('web', 'azure-1', ports['web-app'], [
        ...['--outbound', `orders=${ports['web-to-orders']}`],
        ...['--http-proxy-port', String(ports['web-http-proxy'])],
      ]),
      this.startGateway('shop-gateway', 'azure-1'),
    ])

    progress('waiting for the first answer through the gateway')
    await this.#firstAnswer(isNew)
    if (fakeCloud) await Promise.all(['recommendations', 'greeting'].map(path => this.#answersAt(`${this.urls.shop}${path}`)))
    this.#ready = true
    await this.#writeState()
  }

  /** Resolves with false when some of it was there already, from an earlier start: then it is the user's. */
  async #applyShop(): Promise<boolean> {
    let allNew = true
    const { fakeCloud } = this.#options
    for (const resource of shopResources(this.layout)) {
      // A second start must not undo what the user changed since.
      if (await this.#isThere(resource)) allNew = false
      else await this.#put(resource)
    }
    for (const resource of fakeCloud ? cloudResources(this.#cloudEndpoint, fakeCloud.interval) : [])
      if (!(await this.#isThere(resource))) await this.#put(resource)
    return allNew
  }

  /** What an earlier start with a fake cloud left: there is none any more, and a zone would ask for it for ever. */
  async #forgetCloud(): Promise<void> {
    for (const resource of cloudResources(this.#cloudEndpoint, '5s'))
      if (await this.#isThere(resource)) await this.api(this.urls.api, pathOf(resource), { method: 'DELETE' })
  }

  async #isThere(resource: Record<string, unknown>): Promise<boolean> {
    const known = await fetch(this.urls.api + pathOf(resource), { headers: { authorization: `Bearer ${this.layout.adminToken}` } })
    await known.body?.cancel()
    return known.status !== 404
  }

  async #put(resource: Record<string, unknown>): Promise<void> {
    await this.api(this.urls.api, pathOf(resource), { method: 'PUT', body: resource })
  }

  async #answersAt(url: string): Promise<void> {
    let last = ''
    await until(async () => {
      const response = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => null)
      last = response === null ? 'no answer' : `${response.status} ${await response.text()}`
      return response?.ok ?? false
    }, this.#options.readyWithinMs ?? 60_000).catch(error => {
      throw new Error(`${url}: ${error.message}; the last answer: ${last}. Logs are in ${join(this.layout.dataDir, 'logs')}`)
    })
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

const paths: Readonly<Record<string, string>> = {
  MeshMultiZoneService: 'meshmultizoneservices',
  MeshLoadBalancingStrategy: 'meshloadbalancingstrategies',
  MeshGateway: 'meshgateways',
  MeshHTTPRoute: 'meshhttproutes',
  DiscoverySource: 'discoverysources',
}

function pathOf({ type, mesh, name }: Record<string, unknown>): string {
  return `/meshes/${mesh}/${paths[String(type)]}/${name}`
}
