import type { ServiceStat } from '../model/kinds/service-insight.ts'
import { countProxyStates, isGateway, type KnownProxy } from './proxy-stat.ts'

interface Counts {
  readonly total: number
  readonly online: number
  readonly offline: number
  readonly partiallyDegraded: number
}

/** Everything in numbers: what a dashboard begins with. https://kuma.io, `GlobalInsight` of its OpenAPI. */
export interface GlobalInsight {
  readonly createdAt: string
  readonly meshes: { readonly total: number }
  readonly zones: Readonly<Record<'controlPlanes' | 'zoneEgresses' | 'zoneIngresses', { readonly online: number; readonly total: number }>>
  readonly dataplanes: { readonly standard: Counts; readonly gatewayDelegated: Counts }
  readonly policies: { readonly total: number }
  readonly resources: Readonly<Record<string, { readonly total: number }>>
  readonly services: { readonly internal: Counts; readonly external: { readonly total: number }; readonly gatewayDelegated: Counts }
}

export interface GlobalInsightInput {
  /** RFC 3339: now. */
  readonly createdAt: string
  /** How many there are of each kind. */
  readonly totals: ReadonlyMap<string, number>
  /** Kinds that are policies, and those that are told of by themselves. */
  readonly policyKinds: ReadonlySet<string>
  readonly mentionedKinds: ReadonlySet<string>
  readonly zones: readonly { readonly online: boolean }[]
  readonly proxies: readonly KnownProxy[]
  /** Of every mesh. */
  readonly services: readonly ServiceStat[]
}

export function globalInsight(input: GlobalInsightInput): GlobalInsight {
  const { proxies, totals, zones } = input
  const total = (kind: string) => totals.get(kind) ?? 0
  const policies = [...totals].reduce((sum, [kind, count]) => sum + (input.policyKinds.has(kind) ? count : 0), 0)
  const listeners = (type: 'ZoneIngress' | 'ZoneEgress') =>
    proxies.filter(({ dataplane }) => dataplane.spec.networking.listeners?.some(listener => listener.type === type))
  const resources = [...totals].filter(([kind, count]) => count > 0 && !input.mentionedKinds.has(kind)).sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    createdAt: input.createdAt,
    meshes: { total: total('Mesh') },
    zones: {
      controlPlanes: { online: zones.filter(zone => zone.online).length, total: zones.length },
      zoneEgresses: onlineOf(listeners('ZoneEgress')),
      zoneIngresses: onlineOf(listeners('ZoneIngress')),
    },
    dataplanes: {
      standard: countsOf(proxies.filter(proxy => !isGateway(proxy))),
      gatewayDelegated: countsOf(proxies.filter(isGateway)),
    },
    policies: { total: policies },
    resources: Object.fromEntries(resources.map(([kind, count]) => [kind, { total: count }])),
    services: {
      internal: serviceCounts(
        input.services.filter(({ serviceType }) => serviceType !== 'external' && serviceType !== 'gateway_delegated'),
      ),
      external: { total: total('MeshExternalService') },
      gatewayDelegated: serviceCounts(input.services.filter(({ serviceType }) => serviceType === 'gateway_delegated')),
    },
  }
}

function countsOf(proxies: readonly KnownProxy[]): Counts {
  return { total: 0, online: 0, offline: 0, partiallyDegraded: 0, ...countProxyStates(proxies) }
}

function onlineOf(proxies: readonly KnownProxy[]): { online: number; total: number } {
  const { online, total } = countsOf(proxies)
  return { online, total }
}

function serviceCounts(services: readonly ServiceStat[]): Counts {
  const count = (...states: (ServiceStat['status'] | undefined)[]) => services.filter(({ status }) => states.includes(status)).length
  return {
    total: services.length,
    online: count('online'),
    offline: count('offline', 'not_available'),
    partiallyDegraded: count('partially_degraded'),
  }
}
