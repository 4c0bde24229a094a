import type { FastifyInstance, FastifyRequest } from 'fastify'
import { accessRoleKind } from '../model/kinds/access-role.ts'
import type { Registry } from '../registry/registry.ts'
import type { Log } from '../std/log.ts'
import { writeBulk } from './bulk.ts'
import { type BulkItem, readBulk } from './bulk-body.ts'
import { ApiError, invalidResource } from './problem.ts'
import { itemAction } from './request-access.ts'
import type { ControlPlaneRole } from './role.ts'
import { keyOfTarget } from './write-resource.ts'

export interface BulkRoutesOptions {
  readonly registry: Registry
  readonly role: ControlPlaneRole
  readonly log: Log
  readonly limits: { readonly bulkItems: number; readonly bulkBytes: number }
}

/**
 * `POST /bulk?dryRun=true`: many writes as one transaction, `{items: [{resource, ifMatch?, ifNoneMatch?} | {delete: {type, mesh, name},
 * ifMatch?, ignoreNotFound?}]}`. Either all of it is in force under one revision, or nothing is, and the answer names everything that is
 * wrong with every item (`items[3].resource.spec.ports[0].port`). Order does not count: a Mesh may come after what is in it.
 */
export function bulkRoutes(app: FastifyInstance, { registry, role, log, limits }: BulkRoutesOptions): void {
  // Whether he may depends on what the items are: the guard lets pass who may write anything at all.
  const config = { access: { verb: 'write', area: 'resources', scope: 'handler' } } as const
  app.post('/bulk', { config, bodyLimit: limits.bulkBytes }, async (request, reply) => {
    const dryRun = isDryRun(request)
    const read = readBulk(request.body, limits.bulkItems)
    if (read.kind === 'invalid') throw invalidResource(read.violations, 'Could not process resources')
    const newRoles = rolesIn(read.items)
    const refuse = (item: BulkItem) => refusal(request, item, registry, role, newRoles)
    const before = read.items.map(({ target }) => registry.get(keyOfTarget(target)))
    const { revision, items } = await writeBulk({ registry, role, items: read.items, dryRun, refuse })
    if (!dryRun) log.info('resources written', { by: request.principal?.name, count: items.length, revision })
    request.audit.changed(
      items.flatMap(({ item: { target }, result }, i) => {
        if (result === 'unchanged' || result === 'absent') return []
        const verb = result === 'created' ? 'create' : result === 'updated' ? 'update' : 'delete'
        const key = keyOfTarget(target)
        return [{ verb, ...key, before: before[i], after: registry.get(key) }]
      }),
    )
    reply.headers({ 'x-skerry-revision': registry.revision, 'x-skerry-index': registry.revision })
    return {
      ...(dryRun ? { dryRun: true } : {}),
      revision,
      items: items.map(({ item: { target }, result, warnings }) => ({
        type: target.kind.kind,
        ...(target.mesh ? { mesh: target.mesh } : {}),
        name: target.name,
        result,
        ...(warnings.length > 0 ? { warnings } : {}),
      })),
    }
  })
}

/** A binding may come together with the role that it gives. */
function rolesIn(items: readonly BulkItem[]): ReadonlySet<string> {
  const puts = items.filter(({ kind, target }) => kind === 'put' && target.kind.kind === accessRoleKind.kind)
  return new Set(puts.map(({ target }) => target.name))
}

/** Why the caller may not write an item; undefined = he may. */
function refusal(
  { access }: FastifyRequest,
  item: BulkItem,
  registry: Registry,
  role: ControlPlaneRole,
  newRoles: ReadonlySet<string>,
): ApiError | undefined {
  const { kind, mesh, name } = item.target
  try {
    access.require(itemAction(item.kind, { kind: kind.kind, mesh, name }, registry, role))
    if (item.kind === 'put') access.requireWritable(kind.kind, name, item.resource, newRoles)
    else access.requireDeletable(kind.kind, name)
    return undefined
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
}

/** Anything that is not clearly no or yes is refused: a misspelt dry run must not write. */
function isDryRun(request: FastifyRequest): boolean {
  const { dryRun } = request.query as { readonly dryRun?: unknown }
  if (dryRun === 'true' || dryRun === '') return true
  if (dryRun === undefined || dryRun === 'false') return false
  throw invalidResource([{ field: 'dryRun', reason: 'must be true or false' }])
}
