import { kindByName } from '../../../model/kinds/index.ts'
import { kriOf } from '../../../model/kri.ts'
import { managedByLabel, originLabel, zoneLabel } from '../../../model/labels.ts'
import { displayNameOf } from '../../../model/names.ts'
import { formatKey, type Resource, type ResourceKey } from '../../../model/resource.ts'
import type { Events } from './events.ts'

/** Writes that wait for their author's name; more than this at once do not come. */
const waitingLimit = 256

/** Tells of what people write, not of what follows from it by itself. */
export class Writes {
  readonly #events: Events
  readonly #ownZone: string
  /** Key → event of the newest write of which nobody has said yet who did it. */
  readonly #waiting = new Map<string, number>()

  /** @param ownZone '' = global */
  constructor(events: Events, ownZone: string) {
    this.#events = events
    this.#ownZone = ownZone
  }

  /** @param author who did it; undefined = it is told later, if at all */
  onChange(now: Resource | undefined, before: Resource | undefined, revision: number, author?: string): void {
    const resource = (now ?? before)!
    const kind = kindByName(resource.kind)
    if (!kind || kind.secret || kind.readOnly || resource.labels[managedByLabel] !== undefined) return
    if (now && before && content(now) === content(before)) return
    const [type, done] = !now
      ? (['resource.deleted', 'was deleted'] as const)
      : before
        ? (['resource.changed', 'was changed'] as const)
        : (['resource.created', 'was created'] as const)
    const name = displayNameOf(resource)
    const by = this.#origin(resource) ?? author ?? null
    const id = this.#events.add({
      type,
      subject: { kind: resource.kind, kri: kriOf(resource), mesh: resource.mesh || null, zone: resource.labels[zoneLabel] ?? null, name },
      message: `${resource.kind} ${name} ${done}`,
      by,
      revision,
      link: `${resource.mesh ? `/meshes/${encodeURIComponent(resource.mesh)}` : ''}/${kind.path}/${encodeURIComponent(resource.name)}`,
    })
    if (by !== null || id === 0) return
    this.#waiting.set(formatKey(resource), id)
    for (const oldest of this.#waiting.keys()) if (this.#waiting.size > waitingLimit) this.#waiting.delete(oldest)
  }

  /** Who made the newest write of this key. */
  wroteBy(key: ResourceKey, by: string): void {
    const id = this.#waiting.get(formatKey(key))
    if (id === undefined) return
    this.#waiting.delete(formatKey(key))
    this.#events.setAuthor(id, by)
  }

  /** Another control plane, where it came from one; null = this one. */
  #origin({ labels }: Resource): string | null {
    if (this.#ownZone === '') return labels[originLabel] === 'zone' ? `zone ${labels[zoneLabel] ?? '?'}` : null
    return labels[originLabel] === 'global' ? 'global' : null
  }
}

function content({ labels, spec }: Resource): string {
  return JSON.stringify([labels, spec])
}
