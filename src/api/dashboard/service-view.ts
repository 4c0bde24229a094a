import type { MeshLoadBalancingStrategy } from '../../model/kinds/mesh-load-balancing-strategy.ts'
import type { MeshMultiZoneService } from '../../model/kinds/mesh-multi-zone-service.ts'
import { displayNameLabel } from '../../model/labels.ts'
import type { DashboardModel } from './model/dashboard-model.ts'
import { failoverOrder, tiersOf } from './model/failover.ts'
import type { ServiceRow, StoredService, Tiers } from './schema/service.ts'

/** A service as callers of a zone see it: with the order in which they try its zones. `from` '' = callers of any zone. */
export function showService({ registry }: DashboardModel, row: StoredService, from: string): ServiceRow {
  const union = unionOf(registry, row)
  const seenFrom = from || null
  if (!union) {
    return {
      ...row,
      zones: row.zones.map(member => ({ ...member, tier: null })),
      failover: { from: seenFrom, policy: null, perCaller: false },
    }
  }
  const { policy, perCaller, tierOf } = failoverOrder(union, strategiesOf(registry, row.mesh), zonesOf(row), from)
  const zones = row.zones.map(member => ({ ...member, tier: tierOf(member.zone) }))
  zones.sort((a, b) => (a.tier ?? Number.POSITIVE_INFINITY) - (b.tier ?? Number.POSITIVE_INFINITY) || 0)
  return { ...row, zones, failover: { from: seenFrom, policy, perCaller } }
}

/** The same order for each zone that has callers: all zones that are known. Empty for what does not fail over. */
export function showTiers({ registry, zones }: DashboardModel, row: StoredService): Tiers[] {
  const union = unionOf(registry, row)
  if (!union) return []
  const callers = [...new Set([...zonesOf(row), ...[...zones.table.values()].map(({ name }) => name)])].sort()
  return tiersOf(union, strategiesOf(registry, row.mesh), zonesOf(row), callers)
}

function zonesOf(row: StoredService): string[] {
  return [...new Set(row.zones.map(({ zone }) => zone))]
}

function unionOf(registry: DashboardModel['registry'], { kind, mesh, name }: StoredService): MeshMultiZoneService | undefined {
  if (kind !== 'MeshMultiZoneService') return undefined
  const named = registry.byLabel<MeshMultiZoneService>(kind, mesh, displayNameLabel, name)
  return named[0] ?? registry.get<MeshMultiZoneService>({ kind, mesh, name })
}

function strategiesOf(registry: DashboardModel['registry'], mesh: string): readonly MeshLoadBalancingStrategy[] {
  return registry.list<MeshLoadBalancingStrategy>('MeshLoadBalancingStrategy', mesh)
}
