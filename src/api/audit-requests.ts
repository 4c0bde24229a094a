import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AuditLog } from '../audit/audit-log.ts'
import type { AuditChange, AuditDraft, AuditState } from '../audit/entry.ts'
import { canonicalJson, sha256 } from '../audit/entry.ts'
import { kindByName } from '../model/kinds/index.ts'
import type { Resource } from '../model/resource.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { Action } from './access.ts'
import { DenialLimit } from './denial-limit.ts'
import { toProblem } from './problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What is put on record of it. */
    audit: RequestAudit
  }
}

/** One resource that a request changed, as the registry had it before and has it now. */
export interface ChangedResource {
  readonly verb: 'create' | 'update' | 'delete'
  readonly kind: string
  readonly mesh: string
  readonly name: string
  readonly before?: Resource
  readonly after?: Resource
}

/** What a route may say of its request beyond what its path says. */
export class RequestAudit {
  verb: string | undefined
  detail: Record<string, unknown> | undefined
  changes: readonly ChangedResource[] | undefined
  error: unknown
  /** What was there when the request came. */
  before: Resource | undefined

  /** What a request with several resources did to each of them. */
  changed(changes: readonly ChangedResource[]): void {
    this.changes = changes
  }

  /** What it did, in a word, with facts that are no secrets. */
  did(verb: string, detail: Record<string, unknown>): void {
    this.verb = verb
    this.detail = detail
  }
}

export interface AuditRequestsOptions {
  readonly audit: AuditLog
  readonly registry: Registry
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Pick<Log, 'error'>
}

/**
 * Puts on record what people do: every write, every token made, every secret and every part of this log that was read, and whoever was
 * refused. The answer to what succeeded goes out when its entry is durable; where that cannot be, it is an error, and from then on nothing
 * is done until entries can be written again.
 */
export function auditRequests(app: FastifyInstance, { audit, registry, clock, log }: AuditRequestsOptions): void {
  const limit = new DenialLimit(clock)
  app.decorateRequest('audit')
  app.addHook('onRequest', async request => {
    request.audit = new RequestAudit()
  })
  app.addHook('onError', async (request, _, error) => {
    request.audit.error = error
  })
  app.addHook('preHandler', async request => {
    if (request.method === 'GET') return
    await audit.ready()
    const target = targetOf(request)
    if (target) request.audit.before = registry.get(target)
  })
  app.addHook('onSend', async (request, reply, payload) => {
    if (!isOnRecord(request, reply)) return payload
    const isDenied = wasDenied(reply)
    let leftOut = 0
    if (isDenied) {
      const admitted = limit.admit(request.principal?.name ?? `address ${request.ip}`)
      if (!admitted) return payload
      leftOut = admitted.leftOut
    }
    const written = audit.append(entryOf(request, reply, registry, leftOut))
    if (reply.statusCode >= 400 && reply.statusCode < 500) {
      // Nothing was done: nobody waits for it.
      written.catch(error => log.error('a refusal is not on record', { request: request.id, error }))
      return payload
    }
    try {
      await written
      return payload
    } catch (error) {
      const problem = toProblem(error, request.id)
      reply.code(problem.status).type('application/json; charset=utf-8').removeHeader('content-length')
      return JSON.stringify(problem)
    }
  })
}

function isOnRecord({ method, query, routeOptions, is404 }: FastifyRequest, reply: FastifyReply): boolean {
  const { access } = routeOptions.config
  if (access === 'open' || is404) return false
  if (wasDenied(reply)) return true
  if (method === 'GET' || method === 'HEAD') {
    return (
      typeof access === 'object' && reply.statusCode < 400 && (access.area === 'audit' || kindByName(access.kind ?? '')?.secret === true)
    )
  }
  const { dryRun } = (query ?? {}) as { readonly dryRun?: unknown }
  return dryRun === undefined || dryRun === 'false'
}

/** 421: it came under a name that is not this control plane's. */
function wasDenied({ statusCode }: FastifyReply): boolean {
  return statusCode === 401 || statusCode === 403 || statusCode === 421
}

function entryOf(request: FastifyRequest, reply: FastifyReply, registry: Registry, leftOut: number): AuditDraft {
  const { principal, audit, method, routeOptions } = request
  const { statusCode } = reply
  const { mesh, name } = (request.params ?? {}) as { readonly mesh?: string; readonly name?: string }
  const access = typeof routeOptions.config.access === 'object' ? routeOptions.config.access : undefined
  const isDenied = wasDenied(reply)
  const target = targetOf(request)
  const after = target && registry.get(target)
  const detail = { ...audit.detail, ...(leftOut > 0 ? { alikeLeftOut: leftOut } : {}) }
  return {
    who: principal ? { ...principal } : null,
    remote: request.ip ?? '',
    request: request.id,
    verb: audit.verb ?? verbOf(method, access, audit.before, isDenied),
    area: access?.area ?? 'other',
    ...(access?.kind === undefined ? {} : { kind: access.kind }),
    ...(mesh === undefined ? {} : { mesh }),
    ...(name === undefined ? {} : { name }),
    ...(access ? {} : { path: request.url.split('?', 1)[0] }),
    ...(audit.before ? { before: stateOf(audit.before) } : {}),
    ...(after && statusCode < 400 ? { after: stateOf(after) } : {}),
    ...(audit.changes ? { changes: audit.changes.map(changeOf) } : {}),
    decision: isDenied ? 'denied' : 'allowed',
    status: statusCode,
    ...(statusCode >= 400 ? { reason: reasonOf(audit.error) } : {}),
    ...(Object.keys(detail).length > 0 ? { detail } : {}),
  }
}

/** The resource that a request for one is about. */
function targetOf({ routeOptions, params, method }: FastifyRequest) {
  const { access } = routeOptions.config
  const { mesh = '', name } = (params ?? {}) as { readonly mesh?: string; readonly name?: string }
  if (method === 'GET' || typeof access !== 'object' || access.area !== 'resources' || access.kind === undefined || name === undefined)
    return undefined
  return { kind: access.kind, mesh: kindByName(access.kind)?.scope === 'mesh' ? mesh : '', name }
}

function verbOf(
  method: string,
  access: Pick<Action, 'area' | 'kind'> | undefined,
  before: Resource | undefined,
  isDenied: boolean,
): string {
  if (method === 'GET' || method === 'HEAD') return 'read'
  if (method === 'DELETE') return 'delete'
  if (access?.area === 'tokens') return access.kind === 'revocation' ? 'revoke' : access.kind === 'key' ? 'rotate-key' : 'issue'
  if (method !== 'PUT') return method.toLowerCase()
  // Whoever was refused is not told whether it is there, and it was not looked at for him.
  return isDenied ? 'write' : before ? 'update' : 'create'
}

function changeOf({ verb, kind, mesh, name, before, after }: ChangedResource): AuditChange {
  return {
    verb,
    kind,
    ...(mesh === '' ? {} : { mesh }),
    name,
    ...(before ? { before: stateOf(before) } : {}),
    ...(after ? { after: stateOf(after) } : {}),
  }
}

/** Resources never change: what was after one write is before the next. */
const digests = new WeakMap<Resource, string>()

function stateOf(resource: Resource): AuditState {
  const { kind, labels, spec, revision } = resource
  if (kindByName(kind)?.secret) return { revision }
  let digest = digests.get(resource)
  if (digest === undefined) {
    digest = sha256(canonicalJson({ labels, spec }))
    digests.set(resource, digest)
  }
  return { revision, digest }
}

/** Codes and reasons as the caller got them; never what was sent. */
function reasonOf(error: unknown): string {
  const { code, detail } = toProblem(error, '')
  return `${code}: ${detail}`
}
