import type { DataplaneInsightSpec } from '../model/kinds/dataplane-insight.ts'
import type { MeshInsightSpec, ProxyStat } from '../model/kinds/mesh-insight.ts'
import { countProxyStates, isGateway, type KnownProxy } from './proxy-stat.ts'

/** A mesh in numbers. `resources`: how many there are of each kind of mesh scope; those of which there are none do not count. */
export function meshInsight(proxies: readonly KnownProxy[], resources: ReadonlyMap<string, number>): MeshInsightSpec {
  const gateways = proxies.filter(isGateway)
  return {
    dataplanes: countProxyStates(proxies),
    dpVersions: proxies.length === 0 ? {} : { kumaDp: statsBy(proxies, kumaDpVersion), envoy: statsBy(proxies, envoyVersion) },
    mTLS: withoutEmpty({
      issuedBackends: statsBy(proxies, ({ insight }) => insight?.mTLS?.issuedBackend),
      supportedBackends: statsBy(proxies, ({ insight }) => insight?.mTLS?.supportedBackends),
    }),
    dataplanesByType: {
      standard: countProxyStates(proxies.filter(proxy => !isGateway(proxy))),
      gateway: countProxyStates(gateways),
      gatewayDelegated: countProxyStates(gateways.filter(({ dataplane }) => dataplane.spec.networking.gateway?.type !== 'BUILTIN')),
    },
    resources: Object.fromEntries([...resources].filter(([, total]) => total > 0).map(([kind, total]) => [kind, { total }])),
  }
}

/** The newest stream says which program it is; one that never connected is of an unknown version. */
function kumaDpVersion({ insight }: KnownProxy): string {
  return versionOf(insight)?.kumaDp?.version || 'unknown'
}

function envoyVersion({ insight }: KnownProxy): string {
  return versionOf(insight)?.envoy?.version || 'unknown'
}

function versionOf(insight: DataplaneInsightSpec | undefined) {
  return insight?.subscriptions?.at(-1)?.version
}

function statsBy(
  proxies: readonly KnownProxy[],
  namesOf: (proxy: KnownProxy) => string | readonly string[] | undefined,
): Record<string, ProxyStat> {
  const groups = new Map<string, KnownProxy[]>()
  for (const proxy of proxies) {
    const names = namesOf(proxy) ?? []
    for (const name of typeof names === 'string' ? [names] : names) {
      const group = groups.get(name)
      if (group) group.push(proxy)
      else groups.set(name, [proxy])
    }
  }
  return Object.fromEntries([...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, group]) => [name, countProxyStates(group)]))
}

function withoutEmpty<T extends Readonly<Record<string, object>>>(groups: T): Partial<T> {
  return Object.fromEntries(Object.entries(groups).filter(([, group]) => Object.keys(group).length > 0)) as Partial<T>
}
