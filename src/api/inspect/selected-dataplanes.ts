import type { FastifyRequest } from 'fastify'
import type { Dataplane } from '../../model/kinds/dataplane.ts'
import type { MeshService } from '../../model/kinds/mesh-service.ts'
import { displayNameLabel, zoneLabel } from '../../model/labels.ts'
import { selectsDataplane } from '../../model/service-instances.ts'
import { reaches } from '../../policy/rules/match.ts'
import type { Policy } from '../../policy/rules/policy.ts'
import type { Registry } from '../../registry/registry.ts'
import { matches, pageOf, readListQuery } from '../list-query.ts'
import { invalidResource } from '../problem.ts'
import { urlOf } from '../request-url.ts'
import type { MeshPolicies } from './mesh-policies.ts'
import { metaOf } from './meta.ts'

/** The Dataplanes that a policy reaches, in whole or in part; a shadow policy, those it would reach. */
export function reachedDataplanes(registry: Registry, policies: MeshPolicies, policy: Policy): Dataplane[] {
  return candidates(registry, policy).filter(dataplane => reaches(policy, policies.proxyOf(dataplane)))
}

/** The instances of a MeshService: of its own zone, where both say theirs. */
export function instancesOf(registry: Registry, service: MeshService): Dataplane[] {
  const zone = service.labels[zoneLabel]
  return registry
    .list<Dataplane>('Dataplane', service.mesh)
    .filter(dataplane => zone === undefined || (dataplane.labels[zoneLabel] ?? zone) === zone)
    .filter(dataplane => selectsDataplane(service.spec, dataplane))
}

/** A page of name cards, by the list parameters of a request. */
export function showDataplanes(dataplanes: readonly Dataplane[], request: FastifyRequest) {
  const read = readListQuery(request.query as Record<string, unknown>, request.routeOptions.url?.replaceAll(/:(\w+)/g, '{$1}') ?? '')
  if (read.kind === 'invalid') throw invalidResource(read.violations, 'Could not retrieve resources')
  const found = dataplanes.filter(dataplane => matches(dataplane, read.query))
  const { next, ...page } = pageOf(found, read.query, urlOf(request), metaOf)
  return next === null ? page : { ...page, next }
}

/** What kumactl's `inspect POLICY` reads: Kuma's older form, without pages. */
export function showAttachments(dataplanes: readonly Dataplane[]) {
  const items = dataplanes.map(({ mesh, name }) => ({
    kind: 'SidecarDataplane',
    dataplane: { mesh, name },
    attachments: [{ type: 'dataplane' }],
  }))
  return { total: items.length, items }
}

/** Dataplanes that have one of the labels that a policy asks for. A display name may be known without its label. */
function candidates(registry: Registry, { mesh, spec: { targetRef } }: Policy): readonly Dataplane[] {
  const labels = targetRef?.kind === 'Dataplane' ? Object.entries(targetRef.labels ?? {}) : []
  const pair = labels.find(([label]) => label !== displayNameLabel)
  return pair ? registry.byLabel<Dataplane>('Dataplane', mesh, ...pair) : registry.list<Dataplane>('Dataplane', mesh)
}
