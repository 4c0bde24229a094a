import type { FastifyInstance } from 'fastify'
import type { KindDefinition } from '../model/kind.ts'
import { kindByName } from '../model/kinds/index.ts'
import { type Kri, kindOfKri, parseKri } from '../model/kri.ts'
import { displayNameLabel, namespaceLabel, zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import type { Resource } from '../model/resource.ts'
import type { Registry } from '../registry/registry.ts'
import { zoneOf } from './access.ts'
import { ApiError, notFound } from './problem.ts'
import { inFormat } from './resource-format.ts'
import { refuseHiddenSecret } from './resource-secrets.ts'
import type { ControlPlaneRole } from './role.ts'

/** A resource by its identity, under whatever name it is stored here. A section in the KRI names a part of it and does not matter. */
export function kriRoute(app: FastifyInstance, { registry, role }: { registry: Registry; role: ControlPlaneRole }): void {
  // The path does not say the kind: what the caller may read is asked below.
  const config = { access: { verb: 'read', area: 'resources', scope: 'handler' } } as const
  app.get<{ Params: { kri: string } }>('/_kri/:kri', { config }, request => {
    const { kri, kind } = readKri(request.params.kri)
    const resource = findByKri(registry, role, kri, kind)
    const { mesh, name } = kri
    const subject = resource ? { mesh: resource.mesh, name: resource.name, zone: zoneOf(resource) } : { mesh, name }
    request.access.require({ verb: 'read', area: 'resources', kind: kind.kind, ...subject })
    if (!resource) throw notFound('Could not retrieve a resource', `there is no ${kind.kind} with this KRI here`)
    refuseHiddenSecret(resource)
    return inFormat(resource, request)
  })
}

/** Reads a KRI and its kind. Throws what is answered with 400. */
export function readKri(text: string): { readonly kri: Kri; readonly kind: KindDefinition } {
  const kri = parseKri(text)
  if (kri === null) throw badRequest(`bad request: invalid identifier string: ${JSON.stringify(text)}`)
  const kind = kindByName(kindOfKri(kri) ?? '')
  if (kind === undefined) throw badRequest(`bad request: unknown short name of resource type: ${JSON.stringify(kri.short)}`)
  return { kri, kind }
}

/** undefined when there is none. A resource that says no zone is of the zone that one asks. */
export function findByKri(registry: Registry, role: ControlPlaneRole, kri: Kri, kind: KindDefinition): Resource | undefined {
  const mesh = kind.scope === 'mesh' ? kri.mesh : ''
  const isMeant = (resource: Resource) =>
    displayNameOf(resource) === kri.name &&
    (resource.labels[namespaceLabel] ?? '') === kri.namespace &&
    zones(resource, role).includes(kri.zone)
  // Most are stored under the name that people gave them; what came from elsewhere is found by its display name.
  const own = registry.get({ kind: kind.kind, mesh, name: kri.name })
  if (own && isMeant(own)) return own
  return registry.byLabel(kind.kind, mesh, displayNameLabel, kri.name).find(isMeant)
}

function zones({ labels }: Resource, role: ControlPlaneRole): readonly string[] {
  const said = labels[zoneLabel]
  return said !== undefined || role.kind === 'global' ? [said ?? ''] : ['', role.zone]
}

function badRequest(detail: string): ApiError {
  return new ApiError({ status: 400, code: 'SKERRY_BAD_REQUEST', title: 'Bad Request', detail })
}
