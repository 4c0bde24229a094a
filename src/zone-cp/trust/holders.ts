import type { DataplaneFacts } from '../../derive/facts.ts'
import type { Dataplane } from '../../model/kinds/dataplane.ts'
import { managedByLabel } from '../../model/labels.ts'
import type { LiveFacts } from '../../registry/live.ts'
import type { Registry } from '../../registry/registry.ts'
import { factsKey, managedByAgent } from '../readiness-tracker.ts'

/** Proxies of a mesh that may hold a certificate of a root: all but those that are known to hold one of another. */
export function countHolders(registry: Registry, facts: LiveFacts<string, DataplaneFacts>, mesh: string, root: string): number {
  return registry.list<Dataplane>('Dataplane', mesh).filter(({ name, labels }) => {
    if (labels[managedByLabel] !== managedByAgent) return false
    const known = facts.get(factsKey(mesh, name))
    const held = known?.certificate?.root ?? ''
    return held === '' || held === root || (known?.workloadRoots?.has(root) ?? false)
  }).length
}
