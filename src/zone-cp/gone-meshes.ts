import { isManaged } from '../derive/mesh-service.ts'
import { kinds } from '../model/kinds/index.ts'
import { zoneLabel } from '../model/labels.ts'
import { type ChangeBatch, keyOfChange } from '../registry/change-batch.ts'
import type { Registry, RegistryChange } from '../registry/registry.ts'
import { RevisionConflictError } from '../registry/store.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'

const retryMs = 5_000

// Not the secrets: a mesh that comes back goes on with its roots, and what was revoked in it stays revoked.
const derivedKinds = kinds.filter(({ scope, secret }) => scope === 'mesh' && !secret).map(({ kind }) => kind)

interface Options {
  readonly registry: Registry
  readonly zone: string
  readonly clock: Clock
  readonly log: Log
}

/**
 * Deletes what this zone made in a mesh – MeshServices, ServiceCapacities, MeshTrusts… – when the mesh is gone and nothing is left that it
 * would be made for again: neither a Dataplane nor a MeshIdentity. What users wrote stays.
 */
export class GoneMeshes {
  readonly #options: Options
  /** Meshes to look at. */
  readonly #due = new Set<string>()
  readonly #unsubscribe: () => void
  #running: Promise<void> | null = null
  #retry: Timer | null = null
  #isClosed = false

  constructor(options: Options) {
    this.#options = options
    for (const kind of derivedKinds) for (const { mesh } of options.registry.list(kind)) this.#mark(mesh)
    this.#unsubscribe = options.registry.onChange(batch => this.#onBatch(batch))
    this.#schedule()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#unsubscribe()
    this.#retry?.cancel()
    await this.#running
  }

  #onBatch({ changes }: ChangeBatch): void {
    for (const change of changes) {
      const { kind, mesh, name } = keyOfChange(change)
      this.#mark(kind === 'Mesh' ? name : mesh)
    }
    this.#schedule()
  }

  #mark(mesh: string): void {
    if (mesh !== '' && this.#isGone(mesh)) this.#due.add(mesh)
  }

  #isGone(mesh: string): boolean {
    return this.#options.registry.get({ kind: 'Mesh', mesh: '', name: mesh }) === undefined
  }

  #schedule(): void {
    if (this.#isClosed || this.#running || this.#due.size === 0) return
    this.#running = Promise.resolve()
      .then(() => this.#pass())
      .then(() => {
        this.#running = null
        if (!this.#retry) this.#schedule()
      })
  }

  /** Never rejects. */
  async #pass(): Promise<void> {
    const { registry, clock, log } = this.#options
    this.#retry?.cancel()
    this.#retry = null
    for (const mesh of [...this.#due]) {
      this.#due.delete(mesh)
      const changes = this.#leftIn(mesh)
      if (this.#isClosed || changes.length === 0) continue
      try {
        await registry.commit(changes)
        log.info('what this zone made in a mesh that is gone is deleted', { mesh, resources: changes.length })
      } catch (error) {
        this.#due.add(mesh)
        // Someone else wrote in between.
        if (error instanceof RevisionConflictError) continue
        this.#retry ??= clock.setTimeout(() => {
          this.#retry = null
          this.#schedule()
        }, retryMs)
        log.warn('what this zone made in a mesh that is gone could not be deleted', { mesh, error, retryInMs: retryMs })
      }
    }
  }

  #leftIn(mesh: string): RegistryChange[] {
    const { registry, zone } = this.#options
    if (!this.#isGone(mesh) || ['Dataplane', 'MeshIdentity'].some(kind => registry.list(kind, mesh).length > 0)) return []
    return derivedKinds.flatMap(kind =>
      registry
        .list(kind, mesh)
        .filter(resource => isManaged(resource) && resource.labels[zoneLabel] === zone)
        .map<RegistryChange>(({ name, revision }) => ({ kind: 'delete', key: { kind, mesh, name }, expect: revision })),
    )
  }
}
