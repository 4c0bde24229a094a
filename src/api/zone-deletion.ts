import { isOpen } from '../model/kinds/insight.ts'
import type { ZoneInsight } from '../model/kinds/zone-insight.ts'
import type { ResourceKey } from '../model/resource.ts'
import type { Registry } from '../registry/registry.ts'
import { ApiError } from './problem.ts'

/** A zone that is connected is not deleted, as in Kuma: it would bring everything of its own again. Throws for one that is. */
export function refuseConnectedZone(registry: Registry, { kind, name }: ResourceKey): void {
  if (kind !== 'Zone') return
  const insight = registry.get<ZoneInsight>({ kind: 'ZoneInsight', mesh: '', name })
  if (!insight?.spec.subscriptions?.some(isOpen)) return
  const reason = 'unable to delete Zone, Zone CP is still connected, please shut it down first'
  throw new ApiError({
    status: 400,
    code: 'SKERRY_ZONE_CONNECTED',
    title: 'Could not delete a resource',
    detail: `zone '${name}' is connected: were it deleted now, it would bring everything of its own again`,
    fix: `stop its control plane (skerry zone run --zone ${name}) first, or only take it out of the traffic with \`enabled: false\` in the Zone`,
    violations: [{ field: 'zone', reason }],
  })
}
