import type { FastifyInstance, FastifyRequest } from 'fastify'
import { kindByName } from '../../model/kinds/index.ts'
import type { ResourceKey } from '../../model/resource.ts'
import type { DashboardModel } from './model/dashboard-model.ts'
import type { StoreState } from './model/health.ts'

/** Tells the model who wrote what, and whether the store takes it. */
export function followWrites(app: FastifyInstance, model: DashboardModel): void {
  app.addHook('onResponse', async (request, { statusCode }) => {
    if (request.method === 'GET' || statusCode >= 300) return
    const keys = keysOf(request)
    if (keys.length === 0) return
    model.storeChanged({ kind: 'ok' })
    if (request.principal) for (const key of keys) model.wroteBy(key, `user ${request.principal.name}`)
  })
  app.addHook('onError', async (_request, _reply, error) => {
    const state = storeStates[error.code]
    if (state) model.storeChanged({ kind: state, reason: error.message })
  })
}

const storeStates: Readonly<Record<string, Exclude<StoreState['kind'], 'ok'>>> = {
  SKERRY_STORE_FULL: 'full',
  SKERRY_STORE_UNAVAILABLE: 'held',
  SKERRY_STORE_FAILED: 'failed',
}

/** The resources that a request wrote: one by its path, or several that its route has put on record. */
function keysOf({ audit, params, routeOptions }: FastifyRequest): readonly ResourceKey[] {
  if (audit?.changes) return audit.changes
  const { access } = routeOptions.config
  const { mesh = '', name } = (params ?? {}) as { readonly mesh?: string; readonly name?: string }
  if (typeof access !== 'object' || access.area !== 'resources' || access.kind === undefined || name === undefined) return []
  return [{ kind: access.kind, mesh: kindByName(access.kind)?.scope === 'mesh' ? mesh : '', name }]
}
