import { kindByName } from '../../../model/kinds/index.ts'
import type { Mesh } from '../../../model/kinds/mesh.ts'
import { kriOf } from '../../../model/kri.ts'
import { effectLabel } from '../../../model/labels.ts'
import type { Resource } from '../../../model/resource.ts'
import type { Registry } from '../../../registry/registry.ts'
import type { MeshRow, PolicyRow } from '../schema/mesh.ts'
import type { ChangeLog } from './change-log.ts'
import { isVisible, Table, type Visibility } from './table.ts'

/** What other parts know of a mesh. */
export type MeshContents = (mesh: string) => Pick<MeshRow, 'services' | 'proxies' | 'workloads' | 'trustDomains'>

/** Meshes, and how many policies of each kind are in them. */
export class Meshes {
  readonly table = new Table<MeshRow>({
    id: row => row.name,
    mesh: row => row.name,
    text: row => row.name,
    filters: { name: row => row.name, mesh: row => row.name },
    sorts: {
      name: row => row.name,
      services: row => row.services.total,
      proxies: row => row.proxies.total,
      workloads: row => row.workloads,
      policies: row => row.policies,
    },
    order: 'name',
  })
  readonly policies = new Table<PolicyRow>({
    id: row => `${row.mesh}/${row.kind}`,
    mesh: row => row.mesh,
    text: row => row.kind,
    filters: { mesh: row => row.mesh, kind: row => row.kind },
    sorts: { mesh: row => row.mesh, kind: row => row.kind, total: row => row.total, shadow: row => row.shadow },
    order: 'mesh,kind',
  })
  readonly #registry: Pick<Registry, 'get'>
  readonly #log: ChangeLog
  readonly #contents: MeshContents
  readonly #policyTotals = new Map<string, number>()
  readonly #identities = new Map<string, number>()
  readonly #dirty = new Set<string>()

  constructor({ registry, log, contents }: { registry: Pick<Registry, 'get'>; log: ChangeLog; contents: MeshContents }) {
    this.#registry = registry
    this.#log = log
    this.#contents = contents
  }

  /** Looks at a mesh again at the next `settle`. */
  touch(mesh: string): void {
    this.#dirty.add(mesh)
  }

  onIdentity(mesh: string, by: 1 | 0 | -1): void {
    if (by !== 0) this.#identities.set(mesh, (this.#identities.get(mesh) ?? 0) + by)
    this.touch(mesh)
  }

  onPolicy(now: Resource | undefined, before: Resource | undefined): void {
    const { mesh, kind } = (now ?? before)!
    const id = `${mesh}/${kind}`
    const row = this.policies.get(id) ?? { mesh, kind, path: pathOf(mesh, kind), total: 0, shadow: 0 }
    const by = (now ? 1 : 0) - (before ? 1 : 0)
    const next = { ...row, total: row.total + by, shadow: row.shadow + isShadow(now) - isShadow(before) }
    if (next.total > 0) this.policies.put(next)
    else this.policies.delete(id)
    if (by === 0 && next.shadow === row.shadow) return
    this.#policyTotals.set(mesh, (this.#policyTotals.get(mesh) ?? 0) + by)
    this.#log.record('policies', id, mesh)
    this.touch(mesh)
  }

  policyTotal(visible: Visibility | undefined): number {
    let sum = 0
    for (const [mesh, total] of this.#policyTotals) if (isVisible(mesh, visible)) sum += total
    return sum
  }

  settle(): void {
    for (const name of this.#dirty) this.#refresh(name)
    this.#dirty.clear()
  }

  #refresh(name: string): void {
    const resource = this.#registry.get<Mesh>({ kind: 'Mesh', mesh: '', name })
    const isChanged = resource
      ? this.table.put({
          name,
          kri: kriOf(resource),
          ...this.#contents(name),
          policies: this.#policyTotals.get(name) ?? 0,
          identities: this.#identities.get(name) ?? 0,
        })
      : this.table.delete(name) !== undefined
    if (isChanged) this.#log.record('meshes', name, name)
  }
}

function isShadow(resource: Resource | undefined): number {
  return resource?.labels[effectLabel] === 'shadow' ? 1 : 0
}

function pathOf(mesh: string, kind: string): string {
  return `/meshes/${encodeURIComponent(mesh)}/${kindByName(kind)?.path ?? ''}`
}
