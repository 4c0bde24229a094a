import { isManaged } from '../derive/mesh-service.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { kriOf } from '../model/kri.ts'
import { zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import type { Resource } from '../model/resource.ts'
import { matchesLabels } from '../model/target-ref.ts'
import type { Registry, RegistryChange } from '../registry/registry.ts'
import { RevisionConflictError } from '../registry/store.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { instancesOf } from './instances.ts'

const longestSweepMs = 60_000

interface Options {
  readonly registry: Registry
  readonly zone: string
  readonly deleteAfterMs: number
  readonly clock: Clock
  readonly log: Log
}

/**
 * Deletes MeshServices that were made for Dataplanes of this zone when the last of those has been gone for long. What users wrote stays,
 * and so does what a policy or a proxy's outbound names: they would lead somewhere else, or nowhere, without a word.
 */
export class OrphanedServices {
  readonly #options: Options
  /** KRIs of services of which it was told that they stay. */
  readonly #kept = new Set<string>()
  #timer: Timer

  constructor(options: Options) {
    this.#options = options
    this.#timer = this.#next()
  }

  close(): void {
    this.#timer.cancel()
  }

  #next(): Timer {
    const { clock, deleteAfterMs } = this.#options
    return clock.setTimeout(
      () => {
        this.#timer = this.#next()
        void this.#sweep()
      },
      Math.max(1_000, Math.min(longestSweepMs, deleteAfterMs / 2)),
    )
  }

  async #sweep(): Promise<void> {
    const { registry, log } = this.#options
    const changes = registry
      .list<MeshService>('MeshService')
      .filter(service => this.#isDue(service))
      .map<RegistryChange>(service => ({
        kind: 'delete',
        key: { kind: service.kind, mesh: service.mesh, name: service.name },
        // It may just be getting an instance again.
        expect: service.revision,
      }))
    for (const change of changes) {
      try {
        await registry.commit([change])
        if (change.kind === 'delete') log.info('a service without proxies is deleted', { mesh: change.key.mesh, service: change.key.name })
      } catch (error) {
        if (!(error instanceof RevisionConflictError)) log.error('a service without proxies could not be deleted', { error })
      }
    }
  }

  /** Its last change was the loss of its last instance, or came later: either way it has been alone since then at least. */
  #isDue(service: MeshService): boolean {
    const { registry, zone, deleteAfterMs, clock, log } = this.#options
    if (service.labels[zoneLabel] !== zone || !isManaged(service) || instancesOf(registry, service).length > 0) return false
    if (clock.now() - Date.parse(service.modificationTime) < deleteAfterMs) return false
    const by = referenceTo(registry, service)
    const kri = kriOf(service)
    if (by && !this.#kept.has(kri)) log.warn('a service without proxies stays, because something names it', { service: kri, by: kriOf(by) })
    if (by) this.#kept.add(kri)
    else this.#kept.delete(kri)
    return by === undefined
  }
}

/** What users wrote, or a proxy asks for, that names this very service. A selector that takes services by what they are is none. */
export function referenceTo(registry: Registry, service: MeshService): Resource | undefined {
  for (const resource of registry.all()) {
    if (resource.mesh !== service.mesh || resource.kind === 'MeshService' || resource.kind === 'Secret') continue
    if (names(resource.spec, service)) return resource
  }
  return undefined
}

function names(value: unknown, service: MeshService): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(item => names(item, service))
  const { kind, name, labels } = value as { kind?: unknown; name?: unknown; labels?: unknown }
  if (kind === 'MeshService') {
    if (typeof name === 'string') return name === service.name || name === displayNameOf(service)
    if (typeof labels === 'object' && labels !== null) return matchesLabels(service, labels as Record<string, string>)
  }
  return Object.values(value).some(item => names(item, service))
}
