import type { KindDefinition } from '../model/kind.ts'
import { kinds } from '../model/kinds/index.ts'
import { managedByDiscovery, managedByLabel, managedBySettings, managedBySkerry, originLabel, zoneLabel } from '../model/labels.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { fromWire } from '../model/wire.ts'
import type { ApiClient } from './api-client.ts'
import type { WireObject } from './output/wire-object.ts'

/** Values of `kuma.io/managed-by` on what control planes make by themselves. */
const generated: ReadonlySet<string> = new Set([managedBySkerry, managedByDiscovery, managedBySettings, 'agent'])

export interface Exported {
  readonly kind: KindDefinition
  readonly resource: ResourceDraft
}

/** What people wrote at this control plane: neither copies of another one's nor what was generated. `mesh` undefined = everything. */
export async function findExported(api: ApiClient, mesh: string | undefined): Promise<readonly Exported[]> {
  const { zone } = await api.get<{ readonly zone?: string }>('/')
  const found: Exported[] = []
  for (const kind of kinds) {
    if (kind.readOnly || kind.kind === 'Config') continue
    if (mesh !== undefined && kind.scope === 'global' && kind.kind !== 'Mesh') continue
    const path = mesh === undefined || kind.scope === 'global' ? `/${kind.path}` : `/meshes/${encodeURIComponent(mesh)}/${kind.path}`
    const { items } = await api.list<WireObject>(path)
    for (const item of items) {
      if (kind.kind === 'Mesh' && mesh !== undefined && item.name !== mesh) continue
      const read = fromWire(item, { strict: false })
      if (read.kind === 'ok' && isWritten(read.draft.labels, zone)) found.push({ kind, resource: read.draft })
    }
  }
  return found
}

/** `zone` undefined = this is global. */
function isWritten(labels: Readonly<Record<string, string>>, zone: string | undefined): boolean {
  if (generated.has(labels[managedByLabel] ?? '')) return false
  if (zone === undefined) return labels[originLabel] !== 'zone'
  return labels[originLabel] !== 'global' && (labels[zoneLabel] ?? zone) === zone
}
