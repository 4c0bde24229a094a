import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Action, decideAccess, type Principal, type RouteAccess } from './access.ts'
import type { Authenticate } from './authenticate.ts'
import { isAllowedHost } from './hosts.ts'
import { ApiError } from './problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route needs. A route without it needs an admin. */
    access?: RouteAccess
  }
  interface FastifyRequest {
    /** Set on every route that is not open. */
    principal: Principal | undefined
  }
}

/** Looks at every request before its body is read: is it for us, who sends it, and may they? */
export function guard(app: FastifyInstance, { authenticate, hosts }: { authenticate: Authenticate; hosts: ReadonlySet<string> }): void {
  app.decorateRequest('principal', undefined)
  app.addHook('onRequest', async (request, reply) => {
    if (!isAllowedHost(request.headers.host, hosts)) throw unknownHost(request.headers.host)
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    const access = request.routeOptions.config.access
    if (access === 'open') return

    const who = await authenticate(request.headers.authorization)
    if (who.kind === 'refused') {
      reply.header('www-authenticate', 'Bearer realm="skerry"')
      throw new ApiError({ status: 401, code: who.code, title: 'Invalid authentication data', detail: who.reason, fix: who.fix })
    }
    request.principal = who.principal
    const decision = decideAccess(who.principal, actionOf(request, access))
    if (decision.kind === 'denied') {
      throw new ApiError({
        status: 403,
        code: 'SKERRY_FORBIDDEN',
        title: 'Access Denied',
        detail: decision.reason,
        fix: 'ask an admin for a token with more rights: `skerry token user NAME --group GROUP`',
      })
    }
  })
}

function actionOf(request: FastifyRequest, access: Exclude<RouteAccess, 'open'> | undefined): Action {
  const { mesh, name } = (request.params ?? {}) as { readonly mesh?: string; readonly name?: string }
  // Paths that no route has are read to no effect: whoever may read anything learns that they do not exist.
  const { verb, area, kind } = access ?? ({ verb: request.is404 ? 'read' : 'write', area: 'status' } as const)
  return { verb, area, kind, mesh, name }
}

function unknownHost(host: string | undefined): ApiError {
  return new ApiError({
    status: 421,
    code: 'SKERRY_HOST_UNKNOWN',
    title: 'Misdirected Request',
    detail: `this control plane does not answer to the name ${JSON.stringify(host ?? '')}`,
    fix: 'use its address, localhost or skerry-cp',
  })
}
