import type { FastifyRequest } from 'fastify'
import { kindByName } from '../model/kinds/index.ts'
import { displayNameLabel, envLabel, meshLabel, namespaceLabel, originLabel, policyRoleLabel, zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import type { Resource } from '../model/resource.ts'
import { toWire } from '../model/wire.ts'
import { ApiError } from './problem.ts'

/** Where Kuma's objects stand in Kubernetes when nobody says. */
const SYSTEM_NAMESPACE = 'kuma-system'

/** What Kubernetes' own control plane computes anew. */
const computed: ReadonlySet<string> = new Set([
  displayNameLabel,
  envLabel,
  meshLabel,
  originLabel,
  zoneLabel,
  namespaceLabel,
  policyRoleLabel,
])

/** One resource in the form that the request asks for: `?format=universal` (or none), or `?format=kubernetes&namespace=NS`. */
export function inFormat(resource: Resource, request: FastifyRequest): Record<string, unknown> {
  const { format, namespace } = request.query as { readonly format?: unknown; readonly namespace?: unknown }
  if (format === undefined || format === '' || format === 'universal') return toWire(resource)
  if (format === 'k8s' || format === 'kubernetes') {
    return toKubernetes(resource, typeof namespace === 'string' && namespace !== '' ? namespace : undefined)
  }
  throw new ApiError({
    status: 400,
    code: 'SKERRY_FORMAT_UNKNOWN',
    title: 'Could not retrieve a resource',
    detail: 'Resource is not valid',
    violations: [{ field: 'format', reason: '"format" must be one of ["k8s", "kubernetes", "universal"]' }],
  })
}

/** The object as `kubectl apply` takes it. Labels that users gave stay; those that control planes compute do not. */
export function toKubernetes(resource: Resource, namespace?: string): Record<string, unknown> {
  const kind = kindByName(resource.kind)!
  const isFlat = kind.shape === 'flat'
  const labels = Object.fromEntries(Object.entries(resource.labels).filter(([label]) => !computed.has(label)))
  if (!isFlat && kind.scope === 'mesh') labels[meshLabel] = resource.mesh
  if (kind.kind === 'Secret') labels[meshLabel] = resource.mesh
  // What is flat and of no mesh is of the whole cluster there.
  const isClusterWide = isFlat && kind.scope === 'global' && !kind.secret
  const metadata = {
    name: displayNameOf(resource),
    ...(isClusterWide ? {} : { namespace: namespace ?? resource.labels[namespaceLabel] ?? SYSTEM_NAMESPACE }),
    creationTimestamp: resource.creationTime,
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
  }
  if (kind.kind === 'Secret' || kind.kind === 'GlobalSecret') {
    const type = kind.kind === 'Secret' ? 'system.kuma.io/secret' : 'system.kuma.io/global-secret'
    return { kind: 'Secret', apiVersion: 'v1', metadata, data: { value: (resource.spec as { data: string }).data }, type }
  }
  return {
    kind: resource.kind,
    apiVersion: 'kuma.io/v1alpha1',
    metadata,
    ...(isFlat && kind.scope === 'mesh' ? { mesh: resource.mesh } : {}),
    spec: resource.spec,
    ...(kind.status !== undefined && resource.status !== undefined ? { status: resource.status } : {}),
  }
}
