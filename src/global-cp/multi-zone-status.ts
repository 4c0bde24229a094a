import { builtInOrigin } from '../derive/hostname-table.ts'
import { sameContent } from '../derive/same-content.ts'
import { membersOf, multiZoneServiceStatus } from '../derive/status.ts'
import { shortHost, specificHost } from '../model/hostname.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { displayNameLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import { formatKey, parseKey, type ResourceDraft } from '../model/resource.ts'
import { matchesLabels } from '../model/target-ref.ts'
import type { ChangeBatch } from '../registry/change-batch.ts'
import { commitInParts } from '../registry/commit-parts.ts'
import type { Leading } from '../registry/leader-role.ts'
import type { Registry, RegistryChange } from '../registry/registry.ts'
import { LeadershipLostError, RevisionConflictError } from '../registry/store.ts'
import type { Log } from '../std/log.ts'

/**
 * Writes at global which MeshServices, of which zones, a MeshMultiZoneService is made of; of several replicas, the leader does. Zones write
 * the same for themselves: status does not travel.
 */
export class MultiZoneStatus {
  readonly #registry: Registry
  readonly #leading: Leading
  readonly #log: Log
  readonly #dirty = new Set<string>()
  readonly #unsubscribe: (() => void)[]
  #running: Promise<void> | null = null
  #isClosed = false

  constructor({ registry, leading, log }: { registry: Registry; leading: Leading; log: Log }) {
    this.#registry = registry
    this.#leading = leading
    this.#log = log
    this.#unsubscribe = [registry.onChange(batch => this.#onBatch(batch)), leading.onChange(() => this.#beginTerm())]
    this.#beginTerm()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    await this.#running
  }

  /** Nobody knows what the leader before left undone. */
  #beginTerm(): void {
    for (const union of this.#registry.list('MeshMultiZoneService')) this.#dirty.add(formatKey(union))
    this.#schedule()
  }

  #onBatch({ changes }: ChangeBatch): void {
    if (!this.#leading.fence) return
    for (const change of changes) {
      for (const resource of [change.previous, change.kind === 'put' ? change.resource : undefined]) {
        if (resource?.kind === 'MeshMultiZoneService') this.#dirty.add(formatKey(resource))
        else if (resource?.kind === 'MeshService') this.#markUnionsOf(resource as MeshService)
      }
    }
    this.#schedule()
  }

  #markUnionsOf(service: MeshService): void {
    for (const union of this.#registry.list<MeshMultiZoneService>('MeshMultiZoneService', service.mesh)) {
      if (matchesLabels(service, union.spec.selector.meshService.matchLabels)) this.#dirty.add(formatKey(union))
    }
  }

  #schedule(): void {
    if (this.#isClosed || this.#running || this.#dirty.size === 0 || !this.#leading.fence) return
    this.#running = Promise.resolve()
      .then(() => this.#pass())
      .then(isDone => {
        this.#running = null
        if (isDone) this.#schedule()
      })
  }

  /** false = it failed, and waits for the next change. Never rejects. */
  async #pass(): Promise<boolean> {
    const { fence } = this.#leading
    if (!fence) return false
    const keys = [...this.#dirty]
    this.#dirty.clear()
    try {
      await commitInParts(
        keys.flatMap(key => this.#changeOf(key)),
        { sizeOf: change => JSON.stringify(change).length, commit: part => this.#registry.commit(part, fence) },
      )
      return true
    } catch (error) {
      for (const key of keys) this.#dirty.add(key)
      // Someone else wrote in between.
      if (error instanceof RevisionConflictError) return true
      // The next leader looks at all of them.
      if (error instanceof LeadershipLostError) return false
      this.#log.error('the status of multi-zone services could not be written', { error })
      return false
    }
  }

  #changeOf(key: string): RegistryChange[] {
    const union = this.#registry.get<MeshMultiZoneService>(parseKey(key))
    if (!union) return []
    const { kind, mesh, name, labels, spec } = union
    const wanted = spec.selector.meshService.matchLabels[displayNameLabel]
    const candidates =
      wanted === undefined
        ? this.#registry.list<MeshService>('MeshService', mesh)
        : this.#registry.byLabel<MeshService>('MeshService', mesh, displayNameLabel, wanted)
    // The names by which every zone knows it; those that generators make are each zone's to say.
    const hostnames = [specificHost(displayNameOf(union), '', ''), shortHost(displayNameOf(union))]
    const addresses = hostnames.map(hostname => ({ hostname, origin: builtInOrigin }))
    const draft: ResourceDraft = {
      kind,
      mesh,
      name,
      labels,
      spec,
      status: multiZoneServiceStatus(membersOf(union, candidates), { addresses }),
    }
    return sameContent(union, draft) ? [] : [{ kind: 'put', draft, expect: union.revision }]
  }
}
