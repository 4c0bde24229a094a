import { zoneLabel } from '../model/labels.ts'
import { MeshView, type ViewChange } from '../policy/view.ts'
import type { ResourceChange } from '../registry/change-batch.ts'
import type { Registry } from '../registry/registry.ts'

/** As many are kept up; more, and the one that was asked for longest ago is made anew. */
const KEPT = 4

/** Of more changes than this a view is made anew. */
const MAX_PENDING = 10_000

interface Kept {
  readonly mesh: string
  readonly zone: string
  view: MeshView
  pending: ViewChange[]
}

/**
 * Meshes as one of their zones sees them, for answers about what its proxies are told. Made when it is first asked for, and from then on
 * kept up by what changes.
 */
export class MeshViews {
  readonly #registry: Registry
  /** The one that was asked for last is the last. */
  readonly #kept = new Map<string, Kept>()
  readonly #unsubscribe: () => void

  constructor(registry: Registry) {
    this.#registry = registry
    this.#unsubscribe = registry.onChange(({ changes }) => this.#note(changes))
  }

  close(): void {
    this.#unsubscribe()
    this.#kept.clear()
  }

  of(mesh: string, zone: string): MeshView {
    const key = `${mesh}/${zone}`
    const kept = this.#kept.get(key) ?? { mesh, zone, view: MeshView.empty(mesh, zone), pending: this.#all(mesh, zone) }
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!)
    if (kept.pending.length > 0) {
      kept.view = kept.view.with(kept.pending, this.#registry.revision)
      kept.pending = []
    }
    return kept.view
  }

  #all(mesh: string, zone: string): ViewChange[] {
    const puts: ViewChange[] = []
    for (const resource of this.#registry.all()) {
      const change = { kind: 'put', resource } as const
      if (concerns(change, mesh, zone)) puts.push(change)
    }
    return puts
  }

  #note(changes: readonly ResourceChange[]): void {
    for (const [key, kept] of this.#kept) {
      for (const change of changes) if (concerns(change, kept.mesh, kept.zone)) kept.pending.push(change)
      if (kept.pending.length > MAX_PENDING) this.#kept.delete(key)
    }
  }
}

/** Of the Dataplanes those of the zone alone: a view knows others by their services. */
function concerns(change: ResourceChange, mesh: string, zone: string): boolean {
  const { kind, mesh: its } = change.kind === 'put' ? change.resource : change.key
  if (its !== mesh || !MeshView.isViewKind(kind)) return false
  return kind !== 'Dataplane' || change.kind === 'delete' || (change.resource.labels[zoneLabel] ?? zone) === zone
}
