import { sameContent } from '../../derive/same-content.ts'
import { computedLabels } from '../../model/compute-labels.ts'
import { type Dataplane, isZoneIngress } from '../../model/kinds/dataplane.ts'
import type { TrustAcknowledgement, TrustedRoots } from '../../model/kinds/trust-acknowledgement.ts'
import { managedByLabel } from '../../model/labels.ts'
import type { Resource, ResourceDraft } from '../../model/resource.ts'
import { trustOf } from '../../policy/plan-proxy.ts'
import type { MeshView } from '../../policy/view.ts'
import type { Registry, RegistryChange } from '../../registry/registry.ts'
import type { Clock, Timer } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'
import { managedByAgent } from '../readiness-tracker.ts'
import { rootsOf } from './roots.ts'
import type { RotationState } from './rotation.ts'
import type { TrustCounts } from './trust-counts.ts'

/** After a start, how long the proxies that this control plane knows from its store have to come back: until then what they acknowledged
 *  to the process before this one stands. */
const returnWithinMs = 10_000
const retryMs = 1_000

interface Options {
  readonly registry: Registry
  readonly zone: string
  readonly counts: TrustCounts
  readonly view: (mesh: string) => MeshView
  /** The roots that signed what the zone's proxies of a mesh hold. */
  readonly signedBy: (mesh: string) => readonly TrustedRoots[]
  /** Where those roots stand that are on their way in or out. */
  readonly rotation: (mesh: string) => readonly RotationState[]
  readonly clock: Clock
  readonly log: Log
}

/** Writes what this zone's proxies have acknowledged, one TrustAcknowledgement for each mesh, when it differs from what is written. */
export class TrustAcknowledgements {
  readonly #options: Options
  readonly #dirty = new Set<string>()
  readonly #unsubscribe: () => void
  #running: Promise<void> | null = null
  #returned: Timer | null
  #retry: Timer | null = null
  #isClosed = false

  constructor(options: Options) {
    this.#options = options
    this.#returned = options.clock.setTimeout(() => {
      this.#returned = null
      this.touchAll()
    }, returnWithinMs)
    options.counts.onChange = mesh => this.touch(mesh)
    this.#unsubscribe = options.registry.onChange(({ changes }) => {
      for (const change of changes) {
        const resource = change.kind === 'put' ? change.resource : change.previous
        this.#onChange(resource, change.kind === 'delete')
      }
    })
    this.touchAll()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#unsubscribe()
    this.#returned?.cancel()
    this.#retry?.cancel()
    await this.#running
  }

  /** Resolves when what is known now is written. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running
  }

  touch(mesh: string): void {
    this.#dirty.add(mesh)
    this.#schedule()
  }

  touchAll(): void {
    for (const { name } of this.#options.registry.list('Mesh')) this.touch(name)
  }

  #onChange({ kind, mesh, name }: Resource, isDeleted: boolean): void {
    if (kind === 'Mesh') this.touch(name)
    else if (kind === 'MeshTrust') this.touch(mesh)
    else if (kind === 'Dataplane' && isDeleted) {
      this.#options.counts.forget(mesh, name)
      this.touch(mesh)
    }
  }

  #schedule(): void {
    if (this.#isClosed || this.#running || this.#retry || this.#dirty.size === 0) return
    this.#running = Promise.resolve()
      .then(() => this.#write())
      .catch(error => {
        this.#options.log.error('what proxies acknowledged could not be written', { error, retryInMs: retryMs })
        this.#retry = this.#options.clock.setTimeout(() => {
          this.#retry = null
          this.touchAll()
        }, retryMs)
      })
      .then(() => {
        this.#running = null
        this.#schedule()
      })
  }

  async #write(): Promise<void> {
    const meshes = [...this.#dirty]
    this.#dirty.clear()
    const changes = meshes.flatMap(mesh => this.#change(mesh))
    if (changes.length > 0) await this.#options.registry.commit(changes)
  }

  #change(mesh: string): RegistryChange[] {
    const { registry, zone, signedBy, rotation } = this.#options
    const key = { kind: 'TrustAcknowledgement', mesh, name: zone }
    const current = registry.get<TrustAcknowledgement>(key)
    if (!registry.get({ kind: 'Mesh', mesh: '', name: mesh })) return current ? [{ kind: 'delete', key }] : []
    const { trusts, behind } = this.#acknowledged(mesh, current)
    const rotating = rotation(mesh)
    const draft: ResourceDraft = {
      ...key,
      labels: {},
      spec: { trusts, signedBy: signedBy(mesh) },
      status: { ...(behind.length === 0 ? {} : { behind }), ...(rotating.length === 0 ? {} : { rotation: rotating }) },
    }
    const labelled = { ...draft, labels: computedLabels(draft, { mode: 'zone', zone }) }
    return sameContent(current, labelled) ? [] : [{ kind: 'put', draft: labelled }]
  }

  #acknowledged(mesh: string, current: TrustAcknowledgement | undefined): { trusts: readonly TrustedRoots[]; behind: readonly string[] } {
    const { counts, view, registry } = this.#options
    const { counted, trusts, behind } = counts.of(mesh)
    const isWaiting = this.#returned !== null && registry.list<Dataplane>('Dataplane', mesh).some(dataplane => this.#isAwaited(dataplane))
    // Those of whom some have not come back yet said what is written; when all refuse, nobody has said anything new.
    if (current && (isWaiting || (counted === 0 && behind.length > 0))) return { trusts: current.spec.trusts, behind }
    // Nobody is there: whoever comes is not ready before it has taken what is there now.
    return { trusts: counted === 0 ? rootsOf(trustOf(view(mesh))) : trusts, behind }
  }

  /** One that an agent registered comes back by itself. */
  #isAwaited({ mesh, name, labels, spec }: Dataplane): boolean {
    return labels[managedByLabel] === managedByAgent && !isZoneIngress(spec) && !this.#options.counts.has(mesh, name)
  }
}
