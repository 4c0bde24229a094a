import type { FastifyInstance } from 'fastify'
import { type GlobalInsight, globalInsight } from '../derive/global-insight.ts'
import { meshInsight } from '../derive/mesh-insight.ts'
import type { KnownProxy } from '../derive/proxy-stat.ts'
import { completeServiceStat, serviceInsight } from '../derive/service-insight.ts'
import type { KindDefinition } from '../model/kind.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { DataplaneInsightSpec } from '../model/kinds/dataplane-insight.ts'
import { kindByName, kinds } from '../model/kinds/index.ts'
import { isOpen } from '../model/kinds/insight.ts'
import { type MeshInsightSpec, meshInsightKind } from '../model/kinds/mesh-insight.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { type ServiceInsight, type ServiceStat, serviceInsightKind } from '../model/kinds/service-insight.ts'
import type { ZoneInsightSpec } from '../model/kinds/zone-insight.ts'
import type { Resource } from '../model/resource.ts'
import { toWire } from '../model/wire.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { InsightOf } from './overview-routes.ts'
import { notFound } from './problem.ts'
import { inFormat } from './resource-format.ts'
import { type ItemParams, pageOfQuery, readItem, requireMesh, targetOf } from './resource-routes.ts'

/** Kinds whose resources nobody stores: they are counted when they are asked for. */
export const countedKinds: readonly string[] = [meshInsightKind.kind, serviceInsightKind.kind]

interface Options {
  readonly registry: Registry
  readonly insightOf: InsightOf
  readonly clock: Pick<Clock, 'now'>
}

/** Meshes, services and everything together in numbers. */
export function insightRoutes(app: FastifyInstance, options: Options): void {
  const { registry, clock } = options
  const read = (kind: string) => ({ config: { access: { verb: 'read', area: 'resources', kind } } }) as const
  /** Shows those that the caller may read. */
  const list = (kind: string) => ({ config: { access: { ...read(kind).config.access, scope: 'handler' } } }) as const
  const mesh = kindByName('Mesh')!

  app.get('/mesh-insights', list('MeshInsight'), request => {
    const readable = request.access.readable('MeshInsight') ?? (() => true)
    const meshes = registry.list('Mesh').filter(resource => readable({ ...resource, kind: 'MeshInsight', mesh: resource.name }))
    return pageOfQuery(request, meshes, resource => toWire(meshInsightOf(options, resource)))
  })
  app.get<{ Params: ItemParams }>('/mesh-insights/:name', read('MeshInsight'), request =>
    inFormat(meshInsightOf(options, readItem(registry, targetOf(mesh, request.params))), request),
  )

  for (const path of ['/service-insights', '/meshes/:mesh/service-insights']) {
    app.get<{ Params: { mesh?: string } }>(path, list('ServiceInsight'), request => {
      if (request.params.mesh !== undefined) requireMesh(registry, request.params.mesh)
      const readable = request.access.readable('ServiceInsight') ?? (() => true)
      const services = servicesOf(registry, request.params.mesh).filter(line => readable({ ...line, spec: line.stat, revision: 0 }))
      return pageOfQuery(request, services, lineOf)
    })
  }
  app.get<{ Params: ItemParams & { mesh: string } }>('/meshes/:mesh/service-insights/:name', read('ServiceInsight'), request => {
    const { mesh, name } = request.params
    requireMesh(registry, mesh)
    const service = servicesOf(registry, mesh).find(line => line.name === name)
    if (!service) throw notFound('Could not retrieve a resource', `no service of mesh '${mesh}' is called '${name}'`)
    return lineOf(service)
  })

  const status = { config: { access: { verb: 'read', area: 'status' } } } as const
  app.get('/global-insight', status, () => globalInsightOf(options))
  app.get('/global-insights', status, () => ({
    type: 'GlobalInsights',
    creationTime: new Date(clock.now()).toISOString(),
    resources: Object.fromEntries(
      kinds.filter(kind => kind.scope === 'global' && isListed(kind)).map(kind => [kind.kind, { total: registry.list(kind.kind).length }]),
    ),
  }))
}

/** About the control plane itself, not about what it controls. */
const ofControlPlane: ReadonlySet<string> = new Set(['Config', 'AccessRole', 'AccessRoleBinding'])

/** Kinds that people count: what they wrote of their meshes. */
function isListed(kind: KindDefinition): boolean {
  return kind.readOnly !== true && !ofControlPlane.has(kind.kind)
}

function meshInsightOf({ registry, insightOf }: Options, mesh: Resource): Resource<MeshInsightSpec> {
  const inMesh = kinds.filter(kind => kind.scope === 'mesh' && isListed(kind))
  const totals = new Map(inMesh.map(kind => [kind.kind, registry.list(kind.kind, mesh.name).length]))
  const spec = meshInsight(proxiesOf(registry, insightOf, mesh.name), totals)
  return { ...mesh, kind: 'MeshInsight', labels: {}, spec }
}

function globalInsightOf({ registry, insightOf, clock }: Options): GlobalInsight {
  return globalInsight({
    createdAt: new Date(clock.now()).toISOString(),
    totals: new Map(kinds.filter(isListed).map(kind => [kind.kind, registry.list(kind.kind).length])),
    policyKinds: new Set(kinds.filter(kind => kind.policy).map(kind => kind.kind)),
    mentionedKinds: new Set(['Mesh', 'Zone']),
    zones: registry.list('Zone').map(({ name }) => {
      const insight = insightOf({ kind: 'ZoneInsight', mesh: '', name }) as ZoneInsightSpec | undefined
      return { online: insight?.subscriptions?.some(isOpen) ?? false }
    }),
    proxies: proxiesOf(registry, insightOf, undefined),
    services: servicesOf(registry, undefined).map(({ stat }) => stat),
  })
}

function proxiesOf(registry: Registry, insightOf: InsightOf, mesh: string | undefined): KnownProxy[] {
  return registry.list<Dataplane>('Dataplane', mesh).map(dataplane => ({
    dataplane,
    insight: insightOf({ kind: 'DataplaneInsight', mesh: dataplane.mesh, name: dataplane.name }) as DataplaneInsightSpec | undefined,
  }))
}

interface ServiceLine {
  readonly kind: string
  readonly mesh: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly stat: ServiceStat
  readonly creationTime: string
  readonly modificationTime: string
}

/** The services of a mesh (or of all), in order of name: those that follow from its MeshServices, and those that another control plane counted. */
function servicesOf(registry: Registry, mesh: string | undefined): ServiceLine[] {
  const meshes = mesh === undefined ? registry.list('Mesh').map(({ name }) => name) : [mesh]
  return meshes.flatMap(mesh => {
    const counted = registry.list<ServiceInsight>('ServiceInsight', mesh)
    const services = registry.list<MeshService>('MeshService', mesh)
    const [first] = [...counted, ...services]
    if (!first) return []
    const { creationTime, modificationTime } = first
    const stats = { ...Object.assign({}, ...counted.map(({ spec }) => spec.services)), ...serviceInsight(services).services } as Record<
      string,
      ServiceStat
    >
    return Object.keys(stats)
      .sort()
      .map(name => ({
        kind: 'ServiceInsight',
        mesh,
        name,
        labels: {},
        stat: completeServiceStat(name, stats[name]!),
        creationTime,
        modificationTime,
      }))
  })
}

function lineOf({ mesh, name, stat, creationTime, modificationTime }: ServiceLine): Record<string, unknown> {
  return { type: 'ServiceInsight', mesh, name, creationTime, modificationTime, ...stat }
}
