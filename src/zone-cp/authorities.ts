import { loadOrCreateMeshCa, type MeshCa } from '../identity/mesh-ca.ts'
import { computedLabels } from '../model/compute-labels.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshIdentity } from '../model/kinds/mesh-identity.ts'
import { kriOf } from '../model/kri.ts'
import { managedByLabel, managedBySkerry } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { identityFor, spiffeIdFor, trustDomainFor } from '../policy/mesh-identity.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'

/** Who signs for a proxy, and as whom. */
export interface Authority {
  readonly ca: MeshCa
  readonly spiffeId: string
  /** KRI of the MeshIdentity. */
  readonly identity: string
}

/** After a CA could not be made or kept. */
const retryMs = 5000

/** This zone's CA for each MeshIdentity, made when the MeshIdentity first appears, and the MeshTrust that tells all zones its root. */
export class Authorities {
  readonly #registry: Registry
  readonly #zone: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #cas = new Map<string, MeshCa>()
  readonly #waiting = new Set<() => void>()
  readonly #unsubscribe: () => void
  /** Another CA signs now. */
  onChange: () => void = () => {}
  #working: Promise<void> = Promise.resolve()
  #retry: Timer | null = null
  #isClosed = false

  constructor(options: { registry: Registry; zone: string; clock: Clock; log: Log }) {
    this.#registry = options.registry
    this.#zone = options.zone
    this.#clock = options.clock
    this.#log = options.log
    this.#unsubscribe = options.registry.onChange(batch => {
      if (batch.changes.some(change => (change.kind === 'put' ? change.resource.kind : change.key.kind) === 'MeshIdentity')) this.#refresh()
      else if (batch.changes.some(change => change.kind === 'put' && change.resource.kind === 'Dataplane')) this.#wake()
    })
    this.#refresh()
  }

  /** Resolves when every MeshIdentity that is there now has its CA. */
  settled(): Promise<void> {
    return this.#working
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#unsubscribe()
    this.#retry?.cancel()
    await this.#working
  }

  /** null = no MeshIdentity selects the proxy, or its CA is still being made. */
  authorityFor(dataplane: Dataplane): Authority | null {
    const subject = { mesh: dataplane.mesh, zone: this.#zone, name: dataplane.name, labels: dataplane.labels }
    const identity = identityFor(this.#registry.list<MeshIdentity>('MeshIdentity', dataplane.mesh), subject)
    const ca = identity && this.#cas.get(this.#caKey(identity))
    return ca ? { ca, spiffeId: spiffeIdFor(identity, subject), identity: kriOf(identity) } : null
  }

  spiffeIdOf(dataplane: Dataplane): string | null {
    return this.authorityFor(dataplane)?.spiffeId ?? null
  }

  /** As authorityFor, but waits until there is one: a mesh's identity may still be on its way from global. */
  async awaitAuthority(dataplane: () => Dataplane | undefined, signal: AbortSignal): Promise<Authority | null> {
    while (!signal.aborted) {
      const current = dataplane()
      const authority = current && this.authorityFor(current)
      if (authority) return authority
      await this.#changed(signal)
    }
    return null
  }

  #caKey(identity: MeshIdentity): string {
    return `${identity.mesh}/${displayNameOf(identity)}/${trustDomainFor(identity, { mesh: identity.mesh, zone: this.#zone })}`
  }

  /** Resolves when another authority may answer, or when the signal is aborted. */
  #changed(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
  }

  #refresh(): void {
    this.#retry?.cancel()
    this.#retry = null
    this.#working = this.#working.then(() => this.#ensureAll()).then(() => this.#wake())
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done()
  }

  /** One that fails keeps no other from being made. Never rejects. */
  async #ensureAll(): Promise<void> {
    for (const identity of this.#registry.list<MeshIdentity>('MeshIdentity')) {
      if (this.#isClosed) return
      const key = this.#caKey(identity)
      if (identity.spec.provider.type !== 'Bundled' || this.#cas.has(key)) continue
      try {
        this.#cas.set(key, await this.#ensure(identity))
        this.onChange()
      } catch (error) {
        this.#log.error('a mesh CA could not be made', {
          mesh: identity.mesh,
          identity: displayNameOf(identity),
          error,
          retryInMs: retryMs,
        })
        if (!this.#isClosed) this.#retry ??= this.#clock.setTimeout(() => this.#refresh(), retryMs)
      }
    }
  }

  async #ensure(identity: MeshIdentity): Promise<MeshCa> {
    const { mesh } = identity
    const identityName = displayNameOf(identity)
    const trustDomain = trustDomainFor(identity, { mesh, zone: this.#zone })
    const ca = await loadOrCreateMeshCa(this.#registry, { mesh, zone: this.#zone, identityName, trustDomain }, this.#clock)
    if (identity.spec.provider.bundled?.meshTrustCreation !== 'Disabled') {
      const trust: ResourceDraft = {
        kind: 'MeshTrust',
        mesh,
        name: `${identityName}-${this.#zone}`,
        labels: { [managedByLabel]: managedBySkerry },
        spec: { trustDomain, caBundles: [{ type: 'Pem', pem: { value: ca.rootPem } }] },
      }
      const labels = { ...trust.labels, ...computedLabels(trust, { mode: 'zone', zone: this.#zone }) }
      await this.#registry.commit([{ kind: 'put', draft: { ...trust, labels } }])
    }
    this.#log.info('signing for mesh', { mesh, identity: identityName, trustDomain })
    return ca
  }
}
