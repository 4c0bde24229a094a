import type { FastifyInstance } from 'fastify'
import { type GeneratedHostname, generateHostname, type NameableService, seenFrom } from '../derive/hostname-generator.ts'
import type { HostnameGenerator } from '../model/kinds/hostname-generator.ts'
import { kindByPath } from '../model/kinds/index.ts'
import { originLabel, zoneLabel } from '../model/labels.ts'
import type { Registry } from '../registry/registry.ts'
import { ApiError, notFound } from './problem.ts'
import { type ItemParams, targetOf } from './resource-routes.ts'
import type { ControlPlaneRole } from './role.ts'
import { keyOfTarget } from './write-resource.ts'

const nameable: readonly string[] = ['meshservices', 'meshexternalservices', 'meshmultizoneservices']

/** `_hostnames`: under which names a service is reached, and in which zones. */
export function hostnameRoutes(app: FastifyInstance, { registry, role }: { registry: Registry; role: ControlPlaneRole }): void {
  const config = { access: { verb: 'read', area: 'inspect' } } as const
  app.get<{ Params: ItemParams & { services: string } }>('/meshes/:mesh/:services/:name/_hostnames', { config }, request => {
    const { services, name } = request.params
    const kind = kindByPath(services)
    if (!kind || !nameable.includes(services)) {
      const title = `only "${nameable.join(',')}" are available for inspection`
      throw new ApiError({ status: 400, code: 'SKERRY_NOT_A_SERVICE', title, detail: 'Resource is not valid' })
    }
    const service = registry.get<NameableService>(keyOfTarget(targetOf(kind, request.params)))
    if (!service)
      throw notFound('could not retrieve service', `there is no ${kind.kind} '${name}': \`skerry get ${kind.path}\` lists what there is`)

    const generators = registry.list<HostnameGenerator>('HostnameGenerator')
    const hostnames = role.kind === 'zone' ? here(generators, service, role.zone) : anywhere(generators, service)
    const zones = zonesOf(service, registry, role).map(zone => ({ name: zone }))
    // Kuma's answer where there is none.
    const items = hostnames.length === 0 ? null : hostnames.map(hostname => ({ hostname, zones }))
    return { total: hostnames.length, items }
  })
}

/** What this zone's proxies are told. */
function here(generators: readonly HostnameGenerator[], service: NameableService, zone: string): string[] {
  return unique(generators.map(generator => generateHostname(generator, service, zone)))
}

/** At global nothing is reached by name: every zone is played, its own and those that only hear of the service. */
function anywhere(generators: readonly HostnameGenerator[], service: NameableService): string[] {
  const zone = service.labels[zoneLabel]
  return unique(
    generators.flatMap(generator => {
      const isOfZone = generator.labels[originLabel] === 'zone'
      const inOwnZone = zone !== undefined && (!isOfZone || generator.labels[zoneLabel] === zone)
      const elsewhere = !isOfZone || generator.labels[zoneLabel] !== zone
      return [
        ...(inOwnZone ? [generateHostname(generator, seenFrom(service, 'zone'), zone)] : []),
        ...(elsewhere ? [generateHostname(generator, seenFrom(service, 'global'), generator.labels[zoneLabel] ?? '')] : []),
      ]
    }),
  )
}

/** A zone's service names that zone, as in Kuma; one of all zones is known in each of them. */
function zonesOf(service: NameableService, registry: Registry, role: ControlPlaneRole): readonly string[] {
  const zone = service.labels[zoneLabel]
  if (zone !== undefined) return [zone]
  return role.kind === 'zone' ? [role.zone] : registry.list('Zone').map(({ name }) => name)
}

function unique(generated: readonly GeneratedHostname[]): string[] {
  return [...new Set(generated.flatMap(it => (it.kind === 'name' ? [it.hostname] : [])))].sort()
}
