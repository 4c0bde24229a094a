import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { KindDefinition } from '../model/kind.ts'
import { kinds } from '../model/kinds/index.ts'
import type { Resource } from '../model/resource.ts'
import { toWire } from '../model/wire.ts'
import type { Registry } from '../registry/registry.ts'
import type { Log } from '../std/log.ts'
import type { BlockingReads } from './blocking.ts'
import type { Interest } from './change-feed.ts'
import { isFiltered, type Listed, type ListQuery, matches, type Page, pageOf, type ReadQuery, readListQuery } from './list-query.ts'
import type { Target } from './plan-put.ts'
import { type ConditionHeaders, etagOf, isUnmodified } from './preconditions.ts'
import { ApiError, invalidResource, notFound } from './problem.ts'
import { urlOf } from './request-url.ts'
import { inFormat } from './resource-format.ts'
import { isHidden, refuseHiddenSecret } from './resource-secrets.ts'
import type { ControlPlaneRole } from './role.ts'
import { deleteResource, hasMesh, keyOfTarget, putResource, type WriteRequest } from './write-resource.ts'

export interface ResourceRoutesOptions {
  readonly registry: Registry
  readonly role: ControlPlaneRole
  readonly log: Log
  readonly blocking: BlockingReads
  /** Kinds that are read through routes of their own. */
  readonly elsewhere?: ReadonlySet<string>
}

export interface ItemParams {
  readonly mesh?: string
  readonly name: string
}

/** Reading and writing every kind of the table, on the paths that Kuma has. */
export function resourceRoutes(app: FastifyInstance, options: ResourceRoutesOptions): void {
  for (const kind of kinds) {
    if (options.elsewhere?.has(kind.kind)) continue
    for (const path of pathsOf(kind)) {
      if (kind.scope === 'mesh') {
        listRoute(app, options, kind, `/${path}`)
        listRoute(app, options, kind, `/meshes/:mesh/${path}`)
        itemRoutes(app, options, kind, `/meshes/:mesh/${path}/:name`)
      } else {
        listRoute(app, options, kind, `/${path}`)
        itemRoutes(app, options, kind, `/${path}/:name`)
      }
    }
  }
}

function listRoute(app: FastifyInstance, { registry, blocking }: ResourceRoutesOptions, kind: KindDefinition, path: string): void {
  const config = { access: { verb: 'read', area: 'resources', kind: kind.kind, scope: 'handler' } } as const
  app.get<{ Params: { mesh?: string } }>(path, { config }, (request, reply) => {
    const { mesh } = request.params
    const show = () => ({
      body: listPage(registry, kind, mesh, request, toWire),
      headers: { 'x-skerry-revision': registry.revision },
    })
    return blocking.answer(request, reply, () => listInterest(registry, kind, mesh, request), show)
  })
}

/** What a list is a list of, wherever its page begins. A wrong query and an unknown mesh are refused at once, not after a wait. */
function listInterest(registry: Registry, kind: KindDefinition, mesh: string | undefined, request: FastifyRequest): Interest {
  if (mesh !== undefined) requireMesh(registry, mesh)
  const query = queryOf(request)
  return {
    kind: kind.kind,
    mesh,
    label: query.labels[0],
    matches: resource => matches(resource, query) && request.access.mayRead(resource),
  }
}

/** A page of a kind's resources, of one mesh or of all. */
export function listPage<R>(
  registry: Registry,
  kind: KindDefinition,
  mesh: string | undefined,
  request: FastifyRequest,
  show: (resource: Resource) => R,
): Page<R> {
  if (mesh !== undefined) requireMesh(registry, mesh)
  const query = queryOf(request)
  const readable = request.access.readable(kind.kind)
  const found = find(registry, kind, mesh, query)
  return pageOf(readable ? found.filter(readable) : found, query, urlOf(request), show)
}

/** A page of what is not stored: those of `candidates` that the request asks for. */
export function pageOfQuery<T extends Listed, R>(request: FastifyRequest, candidates: readonly T[], show: (item: T) => R): Page<R> {
  const query = queryOf(request)
  return pageOf(
    candidates.filter(candidate => matches(candidate, query)),
    query,
    urlOf(request),
    show,
  )
}

function queryOf(request: FastifyRequest): ListQuery {
  const route = request.routeOptions.url?.replaceAll(/:(\w+)/g, '{$1}') ?? ''
  const read = readListQuery(request.query as Record<string, unknown>, route)
  if (read.kind === 'invalid') throw badQuery(read)
  return read.query
}

function badQuery({ detail, violations }: Extract<ReadQuery, { kind: 'invalid' }>): ApiError {
  return new ApiError({ status: 400, code: 'SKERRY_QUERY_INVALID', title: 'Could not retrieve resources', detail, violations })
}

function find(registry: Registry, kind: KindDefinition, mesh: string | undefined, query: ListQuery): readonly Resource[] {
  const [label] = query.labels
  const stored = mesh !== undefined && label ? registry.byLabel(kind.kind, mesh, ...label) : registry.list(kind.kind, mesh)
  const candidates = kind.secret ? stored.filter(resource => !isHidden(resource)) : stored
  return isFiltered(query) ? candidates.filter(resource => matches(resource, query)) : candidates
}

function itemRoutes(app: FastifyInstance, options: ResourceRoutesOptions, kind: KindDefinition, path: string): void {
  const { registry, blocking } = options
  const access = (verb: 'read' | 'write') => ({ config: { access: { verb, area: 'resources', kind: kind.kind } } }) as const

  app.get<{ Params: ItemParams }>(path, access('read'), (request, reply) => {
    const target = targetOf(kind, request.params)
    const show = () => {
      const resource = readItem(registry, target)
      refuseHiddenSecret(resource)
      const headers = { etag: etagOf(resource.revision), 'x-skerry-revision': registry.revision }
      return { body: inFormat(resource, request), headers, isUnmodified: isUnmodified(request.headers, resource) }
    }
    return blocking.answer(request, reply, () => keyOfTarget(target), show)
  })

  app.put<{ Params: ItemParams }>(path, access('write'), async (request, reply) => {
    const write = writeOf(request, options, kind)
    const { result, revision, warnings } = await putResource(write, request.body)
    if (!write.dryRun) logWrite(options.log, request, write.target, result, revision)
    if (revision > 0) reply.header('etag', etagOf(revision))
    reply.header('x-skerry-revision', registry.revision).code(result === 'created' ? 201 : 200)
    return { ...(write.dryRun ? { dryRun: true, result } : {}), ...(warnings.length > 0 ? { warnings } : {}) }
  })

  app.delete<{ Params: ItemParams }>(path, access('write'), async (request, reply) => {
    const write = writeOf(request, options, kind)
    await deleteResource(write)
    if (!write.dryRun) logWrite(options.log, request, write.target, 'deleted', registry.revision)
    reply.header('x-skerry-revision', registry.revision)
    return write.dryRun ? { dryRun: true, result: 'deleted' } : {}
  })
}

/** The resource that a path names; an unknown mesh is said to be that, not a missing resource. */
export function readItem(registry: Registry, target: Target): Resource {
  const { kind, mesh, name } = target
  const resource = registry.get(keyOfTarget(target))
  if (resource) return resource
  if (kind.scope === 'mesh') requireMesh(registry, mesh)
  const list = kind.scope === 'mesh' ? `skerry get ${kind.path} -m ${mesh}` : `skerry get ${kind.path}`
  throw notFound('Could not retrieve a resource', `there is no ${kind.kind} '${name}': \`${list}\` lists what there is`)
}

export function requireMesh(registry: Registry, mesh: string): void {
  if (hasMesh(registry, mesh)) return
  throw new ApiError({
    status: 404,
    code: 'SKERRY_MESH_NOT_FOUND',
    title: 'Failed to retrieve Mesh',
    detail: 'Not found',
    fix: `there is no mesh '${mesh}': \`skerry get meshes\` lists what there is`,
  })
}

export function targetOf(kind: KindDefinition, { mesh, name }: ItemParams): Target {
  return { kind, mesh: kind.scope === 'mesh' ? (mesh ?? '') : '', name }
}

function writeOf(
  request: FastifyRequest<{ Params: ItemParams }>,
  { registry, role }: ResourceRoutesOptions,
  kind: KindDefinition,
): WriteRequest {
  const headers: ConditionHeaders = { 'if-match': request.headers['if-match'], 'if-none-match': request.headers['if-none-match'] }
  return { registry, role, target: targetOf(kind, request.params), headers, dryRun: isDryRun(request) }
}

/** Anything that is not clearly no or yes is refused: a misspelt dry run must not write. */
function isDryRun(request: FastifyRequest): boolean {
  const { dryRun } = request.query as { readonly dryRun?: unknown }
  if (dryRun === 'true' || dryRun === '') return true
  if (dryRun === undefined || dryRun === 'false') return false
  throw invalidResource([{ field: 'dryRun', reason: 'must be true or false' }])
}

function logWrite(log: Log, request: FastifyRequest, { kind, mesh, name }: Target, result: string, revision: number): void {
  log.info('resource written', { by: request.principal?.name, kind: kind.kind, ...(mesh === '' ? {} : { mesh }), name, result, revision })
}

function pathsOf(kind: KindDefinition): readonly string[] {
  return kind.kind === 'GlobalSecret' ? [kind.path, 'global-secrets'] : [kind.path]
}
