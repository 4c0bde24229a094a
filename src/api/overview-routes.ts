import type { FastifyInstance } from 'fastify'
import { dataplaneKind } from '../model/kinds/dataplane.ts'
import { kindByName } from '../model/kinds/index.ts'
import { zoneKind } from '../model/kinds/zone.ts'
import type { Resource, ResourceKey } from '../model/resource.ts'
import { toWire } from '../model/wire.ts'
import type { Registry } from '../registry/registry.ts'
import { type ItemParams, listPage, readItem, targetOf } from './resource-routes.ts'

/** The spec of an insight as it is now, rendered from live facts and what is stored; undefined when there never was one. */
export type InsightOf = (key: ResourceKey) => unknown

export interface OverviewOptions {
  readonly registry: Registry
  readonly insightOf: InsightOf
}

/** A Dataplane or a Zone together with its insight: what lists on screens are made of. */
export function overviewRoutes(app: FastifyInstance, { registry, insightOf }: OverviewOptions): void {
  const subjects = [
    { kind: kindByName(dataplaneKind.kind)!, lists: ['/meshes/:mesh/dataplanes', '/dataplanes'], insight: 'DataplaneInsight' },
    { kind: kindByName(zoneKind.kind)!, lists: ['/zones'], insight: 'ZoneInsight' },
  ] as const
  for (const { kind, lists, insight } of subjects) {
    const options = { config: { access: { verb: 'read', area: 'resources', kind: kind.kind } } } as const
    const listOptions = { config: { access: { ...options.config.access, scope: 'handler' } } } as const
    const show = (resource: Resource) => overviewOf(resource, insightOf({ kind: insight, mesh: resource.mesh, name: resource.name }))
    for (const list of lists) {
      // `dataplanes+insights` is Kuma's older spelling.
      for (const path of [`${list}/_overview`, `${list}+insights`]) {
        app.get<{ Params: { mesh?: string } }>(path, listOptions, request => listPage(registry, kind, request.params.mesh, request, show))
      }
    }
    for (const path of [`${lists[0]}/:name/_overview`, `${lists[0]}+insights/:name`]) {
      app.get<{ Params: ItemParams }>(path, options, request => show(readItem(registry, targetOf(kind, request.params))))
    }
  }
}

/** What the registry itself knows of insights. */
export function storedInsight(registry: Registry): InsightOf {
  return key => registry.get(key)?.spec
}

function overviewOf(resource: Resource, insight: unknown): Record<string, unknown> {
  const field = resource.kind === 'Dataplane' ? 'dataplane' : 'zone'
  const { type, mesh, name, creationTime, modificationTime, labels, kri } = toWire(resource)
  const envelope = { type: `${type}Overview`, mesh, name, creationTime, modificationTime, labels, kri }
  return {
    ...Object.fromEntries(Object.entries(envelope).filter(([, value]) => value !== undefined)),
    [field]: resource.spec,
    ...(insight === undefined ? {} : { [`${field}Insight`]: insight }),
  }
}
