import type { BoundListeners } from '../control/listeners.ts'

/** Paths of Envoy's administration that together say what it listens on. */
export const listenersPath = '/listeners?format=json'
export const refusedListenersPath = '/config_dump?resource=dynamic_listeners&mask=name,error_state.details'
/** Requests and connections that are under way; those of its administration aside. */
export const busyPath = '/stats?format=json&filter=(downstream_rq_active|tcp\\..*downstream_cx_active)$'

/**
 * What an Envoy listens on, and what it could not take, from its own words. A listener is among the first as soon as it accepts, which for
 * mTLS is after certificate and bundles came.
 * https://www.envoyproxy.io/docs/envoy/latest/api-v3/admin/v3/listeners.proto
 */
export function boundListeners(listeners: string, refused: string): BoundListeners {
  const { listener_statuses = [] } = JSON.parse(listeners) as { listener_statuses?: readonly { readonly name?: string }[] }
  const { configs = [] } = JSON.parse(refused) as { configs?: readonly { name?: string; error_state?: { details?: string } }[] }
  return {
    listeners: listener_statuses.flatMap(({ name }) => (name ? [name] : [])).sort(),
    failures: configs.flatMap(({ name, error_state }) =>
      name && error_state ? [{ listener: name, reason: error_state.details ?? 'refused' }] : [],
    ),
  }
}

/** How many requests and TCP connections are under way, from the answer to `busyPath`. */
export function underWay(stats: string): number {
  const { stats: list = [] } = JSON.parse(stats) as { stats?: readonly { readonly name?: string; readonly value?: number }[] }
  return list.reduce((sum, { name, value }) => sum + (name?.startsWith('http.admin.') ? 0 : (value ?? 0)), 0)
}

/** Lines of the Prometheus text format whose name begins with one of these, by name with labels. */
export function metricsOf(exposition: string, prefixes: readonly string[]): ReadonlyMap<string, number> {
  const metrics = new Map<string, number>()
  for (const line of exposition.split('\n')) {
    if (!prefixes.some(prefix => line.startsWith(prefix))) continue
    const space = line.lastIndexOf(' ')
    metrics.set(line.slice(0, space), Number(line.slice(space + 1)))
  }
  return metrics
}
