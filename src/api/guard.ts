import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Registry } from '../registry/registry.ts'
import type { Action, Principal, RouteAccess } from './access.ts'
import { AccessControl } from './access-control.ts'
import type { Authenticate, Authentication } from './authenticate.ts'
import { isAllowedHost, isSameOrigin } from './hosts.ts'
import { ApiError } from './problem.ts'
import { accessDenied, itemAction, RequestAccess } from './request-access.ts'
import type { ControlPlaneRole } from './role.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route needs. A route without it needs an admin. */
    access?: RouteAccess
  }
  interface FastifyRequest {
    /** Set on every route that is not open. */
    principal: Principal | undefined
    /** What its sender may do. Set, in truth, on every route that is not open, and on no other. */
    access: RequestAccess
  }
}

export interface GuardOptions {
  readonly authenticate: Authenticate
  readonly hosts: ReadonlySet<string>
  readonly registry: Registry
  readonly role: ControlPlaneRole
}

/** What pages and other programs may make of an answer: nothing. A route that shows a page says more. */
const defensiveHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

/** Looks at every request before its body is read: is it for us, who sends it, and may they? */
export function guard(app: FastifyInstance, { authenticate, hosts, registry, role }: GuardOptions): void {
  const control = new AccessControl(registry)
  app.addHook('onClose', async () => control.close())
  app.decorateRequest('principal', undefined)
  app.decorateRequest('access')
  app.addHook('onRequest', async (request, reply) => {
    if (!isAllowedHost(request.headers.host, hosts)) throw unknownHost(request.headers.host)
    reply.headers(defensiveHeaders)
    const access = request.routeOptions.config.access
    if (access === 'open') return

    if (!isSameOrigin(request.headers)) throw otherOrigin(request.headers.origin)
    const who = await authenticate(request.headers.authorization)
    if (who.kind === 'refused') {
      reply.header('www-authenticate', 'Bearer realm="skerry"')
      throw new ApiError({ status: 401, code: who.code, title: 'Invalid authentication data', detail: who.reason, fix: who.fix })
    }
    // What lasts are reads. A write ends soon, and may be the one that revokes.
    if (request.method === 'GET') holdConnection(reply, who)
    request.principal = who.principal
    request.access = new RequestAccess(control, who.principal)
    if (access === 'signed-in') return
    const decision = request.access.decide(actionOf(request, access, registry, role))
    if (decision.kind === 'denied') throw accessDenied(decision.reason)
  })
  // Whoever may write roles still may not give what he does not hold; what he gives stands in the body.
  app.addHook('preHandler', async request => {
    const { access } = request.routeOptions.config
    if (typeof access !== 'object' || access.area !== 'resources' || access.verb === 'read') return
    const { name } = request.params as { readonly name?: string }
    if (access.kind === undefined || name === undefined) return
    if (request.method === 'DELETE') request.access.requireDeletable(access.kind, name)
    else request.access.requireWritable(access.kind, name, request.body)
  })
}

/** What is still being answered when the token is revoked or its time is over is cut: a watch does not outlive what opened it. */
function holdConnection(reply: FastifyReply, { hold }: Extract<Authentication, { kind: 'ok' }>): void {
  if (!hold) return
  const release = hold(() => reply.raw.destroy())
  reply.raw.once('close', release)
}

function actionOf(
  request: FastifyRequest,
  access: Exclude<RouteAccess, 'open' | 'signed-in'> | undefined,
  registry: Registry,
  role: ControlPlaneRole,
): Action {
  const { mesh, name } = (request.params ?? {}) as { readonly mesh?: string; readonly name?: string }
  // Paths that no route has are read to no effect: whoever may read anything learns that they do not exist.
  const { verb, area, kind, scope } = access ?? ({ verb: request.is404 ? 'read' : 'write', area: 'status' } as const)
  const action: Action = { verb, area, kind, mesh, name, scope: scope === 'handler' ? 'some' : undefined }
  // A proxy is of a zone, and so is what is looked up of it.
  if (area === 'inspect' && mesh !== undefined && name !== undefined && request.routeOptions.url?.includes('/dataplanes/:name')) {
    return { ...action, zone: itemAction('read', { kind: 'Dataplane', mesh, name }, registry, role).zone }
  }
  if (area !== 'resources' || kind === undefined || name === undefined) return action
  const write = request.method === 'DELETE' ? 'delete' : 'put'
  return itemAction(verb === 'write' ? write : verb, { kind, mesh, name }, registry, role)
}

function unknownHost(host: string | undefined): ApiError {
  return new ApiError({
    status: 421,
    code: 'SKERRY_HOST_UNKNOWN',
    title: 'Misdirected Request',
    detail: `this control plane does not answer to the name ${JSON.stringify(host ?? '')}`,
    fix: 'use its address, localhost or skerry-cp, or start it with --api-name NAME',
  })
}

function otherOrigin(origin: string | undefined): ApiError {
  return new ApiError({
    status: 403,
    code: 'SKERRY_ORIGIN_REFUSED',
    title: 'Access Denied',
    detail: `a page of ${JSON.stringify(origin ?? 'another site')} may not use this API`,
    fix: 'use the dashboard that the control plane itself serves, or a program that is no browser',
  })
}
