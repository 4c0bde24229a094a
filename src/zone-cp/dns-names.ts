import { type NameableService, nameableKinds } from '../derive/hostname-generator.ts'
import type { NamedEndpoint, NamedThing, NameView } from '../dns/answer.ts'
import { DnsServer } from '../dns/server.ts'
import type { MeshExternalService } from '../model/kinds/mesh-external-service.ts'
import { zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import { formatKey, parseKey, type ResourceKey } from '../model/resource.ts'
import { type ChangeBatch, keyOfChange } from '../registry/change-batch.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { Address } from '../std/option-value.ts'
import { systemRandom } from '../std/random.ts'
import type { Hostnames } from './hostnames.ts'
import type { ServiceEndpoints, ServiceRef } from './service-endpoints.ts'

/** The zones that a zone's control plane speaks for. Names that a HostnameGenerator makes elsewhere are answered as well. */
const apexes = ['mesh', 'mesh.local', 'skerry']

interface Options {
  readonly registry: Registry
  readonly hostnames: Hostnames
  readonly endpoints: ServiceEndpoints
  readonly zone: string
}

/**
 * The names of services in DNS, as callers in this zone use them: those of `Hostnames`, and two that also tell meshes apart: `NAME.MESH.svc.skerry` (the nearest service of that name) and `NAME.ZONE.MESH.svc.skerry`.
 */
export class DnsNames implements NameView {
  readonly apexes = apexes
  readonly #registry: Registry
  readonly #hostnames: Hostnames
  readonly #endpoints: ServiceEndpoints
  readonly #zone: string
  /** Host → keys of the services that have it: of several meshes, or of one where the name is ours. */
  readonly #claims = new Map<string, Map<string, ResourceKey>>()
  readonly #hosts = new Map<string, readonly string[]>()
  /** A name that others are below → how many. */
  readonly #ancestors = new Map<string, number>()
  readonly #unsubscribe: readonly (() => void)[]

  constructor({ registry, hostnames, endpoints, zone }: Options) {
    this.#registry = registry
    this.#hostnames = hostnames
    this.#endpoints = endpoints
    this.#zone = zone
    for (const kind of nameableKinds) for (const service of registry.list(kind)) this.#read(service)
    this.#unsubscribe = [
      hostnames.onChange(keys => {
        for (const key of keys) this.#read(parseKey(key))
      }),
      registry.onChange(batch => this.#onBatch(batch)),
    ]
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
  }

  get serial(): number {
    return this.#registry.revision
  }

  lookup(name: string): NamedThing | undefined {
    const service = this.#meant(name)
    if (service) return { kind: 'service', endpoints: this.#endpointsOf(service) }
    return this.#ancestors.has(name) ? { kind: 'ancestor' } : undefined
  }

  /** Of several services of one name: that of all zones, then this zone's, then that of the zone whose name is first; then the older one. */
  #meant(name: string): NameableService | undefined {
    const claims = this.#claims.get(name)
    if (!claims) return undefined
    const services = [...claims.values()].flatMap(key => this.#registry.get<NameableService>(key) ?? [])
    const order = (service: NameableService) => [this.#nearness(service), service.creationTime, formatKey(service)].join(' ')
    return services.sort((a, b) => (order(a) < order(b) ? -1 : 1))[0]
  }

  #nearness(service: NameableService): string {
    const zone = this.#zoneOf(service)
    return zone === '' ? '0' : zone === this.#zone ? '1' : `2 ${zone}`
  }

  #endpointsOf(service: NameableService): readonly NamedEndpoint[] {
    if (service.kind === 'MeshExternalService') return externalEndpoints(service as MeshExternalService)
    const all = this.#endpoints.read(service as unknown as ServiceRef) ?? []
    return all
      .filter(({ health }) => health === 'healthy')
      .map(({ kind, address, port, service: { name, protocol }, weight }) => ({
        address,
        port,
        portName: name,
        protocol,
        priority: kind === 'instance' ? 0 : 1,
        weight,
      }))
  }

  #onBatch({ changes }: ChangeBatch): void {
    for (const key of changes.map(keyOfChange)) if (nameableKinds.includes(key.kind)) this.#read(key)
  }

  #read(key: ResourceKey): void {
    const id = formatKey(key)
    const service = this.#registry.get<NameableService>(key)
    const before = this.#hosts.get(id) ?? []
    const after = service ? this.#hostsOf(service) : []
    if (before.length === after.length && before.every((host, index) => host === after[index])) return
    for (const host of before) this.#withdraw(host, id)
    for (const host of after) this.#claim(host, id, { kind: key.kind, mesh: key.mesh, name: key.name })
    if (after.length > 0) this.#hosts.set(id, after)
    else this.#hosts.delete(id)
  }

  #hostsOf(service: NameableService): readonly string[] {
    const [name, zone] = [displayNameOf(service), this.#zoneOf(service)]
    const plain = [`${name}.${service.mesh}.svc.skerry`, ...(zone === '' ? [] : [`${name}.${zone}.${service.mesh}.svc.skerry`])]
    return [...new Set([...this.#hostnames.of(formatKey(service)), ...plain.map(host => host.toLowerCase())])]
  }

  /** '' = of all zones. */
  #zoneOf(service: NameableService): string {
    return service.kind === 'MeshService' ? (service.labels[zoneLabel] ?? this.#zone) : ''
  }

  #claim(host: string, id: string, key: ResourceKey): void {
    const claims = this.#claims.get(host)
    if (claims) claims.set(id, key)
    else {
      this.#claims.set(host, new Map([[id, key]]))
      for (const name of namesAround(host)) this.#ancestors.set(name, (this.#ancestors.get(name) ?? 0) + 1)
    }
  }

  #withdraw(host: string, id: string): void {
    const claims = this.#claims.get(host)
    claims?.delete(id)
    if (claims?.size !== 0) return
    this.#claims.delete(host)
    for (const name of namesAround(host)) {
      const left = (this.#ancestors.get(name) ?? 1) - 1
      if (left > 0) this.#ancestors.set(name, left)
      else this.#ancestors.delete(name)
    }
  }
}

/** `--dns`: the names of this zone's view, answered over UDP and TCP. */
export async function startDns(
  address: Address,
  { hostnames, endpoints }: { readonly hostnames: Hostnames; readonly endpoints: ServiceEndpoints },
  { registry, zone, clock, log }: { registry: Registry; zone: string; clock: Clock; log: Log },
): Promise<{ readonly address: Address; [Symbol.asyncDispose](): Promise<void> }> {
  const view = new DnsNames({ registry, hostnames, endpoints, zone })
  try {
    const server = await DnsServer.start({ address, flag: '--dns', view, clock, random: systemRandom, log })
    return {
      address: server.address,
      [Symbol.asyncDispose]: async () => {
        await server.close()
        view.close()
      },
    }
  } catch (error) {
    view.close()
    throw error
  }
}

function externalEndpoints({ spec }: MeshExternalService): readonly NamedEndpoint[] {
  const protocol = spec.match?.protocol ?? 'tcp'
  return (spec.endpoints ?? []).map(({ address, port, priority = 0 }) => ({
    address,
    port,
    portName: protocol,
    protocol,
    priority,
    weight: 1,
  }))
}

function namesAround(host: string): readonly string[] {
  const labels = host.split('.')
  return labels.slice(1).map((_, index) => labels.slice(index + 1).join('.'))
}
