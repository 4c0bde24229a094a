import type { SourceStatus } from '../../adapters/run-adapter.ts'
import type { ScopeStatus } from '../../adapters/scope-status.ts'
import type { Source as DashboardSource } from '../../api/dashboard/schema/zone.ts'
import type { DiscoveryScope, DiscoverySourceView } from '../../api/discovery.ts'
import type { DiscoverySource, DiscoverySourceStatus } from '../../model/kinds/discovery-source.ts'
import { displayNameOf } from '../../model/names.ts'

/** @param status null: the source is not enabled */
export function viewOf(
  zone: string,
  resource: DiscoverySource,
  status: SourceStatus | null,
  problems: readonly string[],
): DiscoverySourceView {
  return {
    zone,
    mesh: resource.mesh,
    name: displayNameOf(resource),
    type: resource.spec.type,
    enabled: status !== null,
    error: status?.error ?? '',
    problems: [...problems, ...(status?.missing ?? []).map(missing => `some scopes are not known: ${missing}`)],
    scopes: (status?.scopes ?? []).map(scopeView),
  }
}

function scopeView({ lastCompleteAtMs, lastError, held, identity: _, ...scope }: ScopeStatus): DiscoveryScope {
  return {
    ...scope,
    tookMs: Math.round(scope.tookMs),
    lastSync: timeOf(lastCompleteAtMs),
    lastError: lastError && { what: lastError.what, message: lastError.message, at: timeOf(lastError.atMs)! },
    held: held.map(({ id, reason, sinceMs }) => ({ id, reason, since: timeOf(sinceMs)! })),
  }
}

/** What stands in the resource's status: states and counts, no times but that of the state's last good listing, or every listing would be a write. */
export function statusOf(view: DiscoverySourceView, status: SourceStatus | undefined): DiscoverySourceStatus {
  if (!view.enabled) return { scopes: [{ scope: '*', zone: view.zone, state: 'Suspended', reason: 'the source is not enabled' }] }
  const identities = new Map((status?.scopes ?? []).map(({ scope, identity }) => [scope, identity]))
  const scopes = view.scopes.map(({ scope, state, workloads, endpoints, leftOut, held, reason }) => ({
    scope,
    zone: view.zone,
    state,
    workloads,
    endpoints,
    ...(leftOut > 0 ? { leftOut } : {}),
    ...(held.length > 0 ? { held: held.length } : {}),
    ...(identities.get(scope) === undefined ? {} : { identity: identities.get(scope)! }),
    ...(reason === '' ? {} : { reason }),
  }))
  const whole = view.error === '' ? [] : [{ scope: '*', zone: view.zone, state: 'Failing' as const, reason: view.error }]
  return { scopes: [...whole, ...scopes] }
}

/** A row for each source, with the worst of its scopes. */
export function dashboardSources(views: readonly DiscoverySourceView[]): DashboardSource[] {
  return views.map(({ name, type, error, scopes }) => {
    const failing = scopes.find(scope => scope.state === 'Failing')
    const holding = scopes.find(scope => scope.state === 'Held')
    const state = holding !== undefined ? 'held' : error !== '' || failing !== undefined ? 'failing' : 'ok'
    const reason =
      holding !== undefined ? `${holding.scope}: ${holding.reason}` : error || (failing && `${failing.scope}: ${failing.reason}`)
    return {
      name,
      type,
      state,
      objects: scopes.reduce((sum, scope) => sum + scope.workloads, 0),
      held: scopes.reduce((sum, scope) => sum + scope.held.length, 0),
      error: reason || null,
    }
  })
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
