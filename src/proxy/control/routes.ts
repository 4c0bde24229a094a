import { VHDS } from '../../xds/resource-types.ts'
import { assembleRoutes, type CompiledHost, type CompiledRoutes } from '../compile/route.ts'
import type { DataPlane, RouteTable, VirtualHost } from '../compile/table.ts'
import type { Clusters } from './clusters.ts'
import type { Patience } from './patience.ts'
import type { Subscriptions } from './subscriptions.ts'

/** How many hosts an application may ask for by name; more are not looked up. */
const maxHosts = 4096

interface Table {
  /** null = not come yet. */
  config: CompiledRoutes | null
  /** Came on demand, by host. */
  readonly hosts: Map<string, CompiledHost>
  /** Newest that can be served. */
  settled: RouteTable | null
  isDirty: boolean
}

interface Options {
  readonly data: DataPlane
  readonly clusters: Clusters
  readonly subscriptions: Subscriptions
  readonly patience: Patience
}

/** Route tables, put together from their configuration and the hosts that were asked for. A table waits until the clusters that it names are warm. */
export class Routes {
  readonly #options: Options
  readonly #tables = new Map<string, Table>()
  /** Hosts that were asked for, as resource names. */
  readonly #wanted = new Set<string>()
  /** Of those, the ones that stand for nothing. */
  readonly #missing = new Set<string>()

  constructor(options: Options) {
    this.#options = options
  }

  set(config: CompiledRoutes): void {
    const table = this.#table(config.name)
    table.config = config
    table.isDirty = true
  }

  /** undefined = nothing has this name (VHDS: a resource without a body, or a removal). */
  setHost(resource: string, compiled: CompiledHost | undefined): void {
    const [name, host] = split(resource)
    const table = this.#table(name)
    if (compiled) {
      table.hosts.set(host, compiled)
      this.#missing.delete(resource)
    } else {
      this.#missing.add(resource)
      this.#options.data.hostMissing(name, host)
      if (!table.hosts.delete(host)) return
    }
    table.isDirty = true
  }

  /** A request asked for a host that is in no table. */
  want(name: string, host: string): void {
    const resource = `${name}/${host}`
    const table = this.#tables.get(name)
    if (this.#missing.has(resource)) this.#options.data.hostMissing(name, host)
    else if (this.#wanted.has(resource)) {
      // Answered already, while the question was on its way.
      if (table?.settled && !table.isDirty && table.hosts.has(host)) this.#options.data.setRoutes(table.settled)
    } else if (this.#wanted.size >= maxHosts) this.#options.data.hostMissing(name, host)
    else this.ask(resource)
  }

  ask(resource: string): void {
    this.#wanted.add(resource)
    this.#options.subscriptions.subscribe(VHDS, [resource])
  }

  /** Nobody uses this table any more. */
  forget(name: string): void {
    const hosts = [...this.#wanted].filter(resource => split(resource)[0] === name)
    for (const resource of hosts) {
      this.#wanted.delete(resource)
      this.#missing.delete(resource)
    }
    if (hosts.length > 0) this.#options.subscriptions.unsubscribe(VHDS, hosts)
    const table = this.#tables.get(name)
    if (table) this.#options.patience.forget(table)
    this.#tables.delete(name)
  }

  wantsHost(resource: string): boolean {
    return this.#wanted.has(resource)
  }

  /** What a listener may serve now; null = not yet. */
  settled(name: string): RouteTable | null {
    return this.#tables.get(name)?.settled ?? null
  }

  /** Puts in force whatever has become warm. */
  advance(): void {
    const { patience, data } = this.#options
    for (const [name, table] of this.#tables) {
      if (!table.isDirty || table.config === null) continue
      const hosts = [...table.config.hosts, ...table.hosts.values()]
      if (!hosts.every(({ host }) => this.#isWarm(host)) && !patience.isOver(table)) continue
      patience.forget(table)
      table.isDirty = false
      table.settled = assembleRoutes(name, hosts, table.config.onDemand)
      data.setRoutes(table.settled)
    }
  }

  #isWarm(host: VirtualHost): boolean {
    return host.routes.every(
      ({ action }) => action.kind !== 'forward' || action.clusters.every(({ cluster }) => this.#options.clusters.isWarm(cluster)),
    )
  }

  #table(name: string): Table {
    let table = this.#tables.get(name)
    if (!table) {
      table = { config: null, hosts: new Map(), settled: null, isDirty: false }
      this.#tables.set(name, table)
    }
    return table
  }
}

/** `<route table>/<host>` */
function split(resource: string): [table: string, host: string] {
  const slash = resource.lastIndexOf('/')
  return [resource.slice(0, slash), resource.slice(slash + 1)]
}
