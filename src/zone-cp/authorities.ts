import type { MeshCa } from '../identity/mesh-ca.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshIdentity } from '../model/kinds/mesh-identity.ts'
import type { TrustAcknowledgement, TrustedRoots } from '../model/kinds/trust-acknowledgement.ts'
import { kriOf } from '../model/kri.ts'
import { zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import { identityFor, spiffeIdFor } from '../policy/mesh-identity.ts'
import type { ChangeBatch } from '../registry/change-batch.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { IdentityRoots } from './trust/identity-roots.ts'
import { canonical } from './trust/roots.ts'
import { isRotating, named, type RootFacts, type RotationState, signing, stateOf } from './trust/rotation.ts'

/** Who signs for a proxy, and as whom. */
export interface Authority {
  readonly ca: MeshCa
  readonly spiffeId: string
  /** KRI of the MeshIdentity. */
  readonly identity: string
  /** Certificates of another root may be about that should be replaced. */
  readonly isRotating: boolean
}

/** After a CA could not be made or kept. */
const retryMs = 5000

/** While roots rotate, how often it is looked whether they may go on; what others acknowledge is looked at when it comes. */
const rotationMs = 1000

interface Options {
  readonly registry: Registry
  readonly zone: string
  /** Proxies of a mesh that may hold a certificate of this root. */
  readonly holders: (mesh: string, root: string) => number
  /** false = global is not there, and what other zones say may be old. */
  readonly isHeard?: () => boolean
  readonly clock: Clock
  readonly log: Log
}

/** This zone's roots for each MeshIdentity, the first made when the MeshIdentity appears, and the MeshTrust that tells all zones. */
export class Authorities {
  readonly #options: Options
  readonly #registry: Registry
  readonly #zone: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #roots = new Map<string, IdentityRoots>()
  readonly #waiting = new Set<() => void>()
  readonly #unsubscribe: () => void
  /** Another root signs now, or another is in use, or named. */
  onChange: () => void = () => {}
  #working: Promise<void> = Promise.resolve()
  #retry: Timer | null = null
  /** What `onChange` was told of last. */
  #told = ''
  #isClosed = false

  constructor(options: Options) {
    this.#options = options
    this.#registry = options.registry
    this.#zone = options.zone
    this.#clock = options.clock
    this.#log = options.log
    this.#unsubscribe = options.registry.onChange(batch => this.#onBatch(batch))
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
    const found = this.#rootsFor(dataplane)
    const ca = found?.roots.ca
    if (!found || !ca) return null
    const { identity, roots, subject } = found
    return {
      ca,
      spiffeId: inDomain(ca.trustDomain, spiffeIdFor(identity, subject)),
      identity: kriOf(identity),
      isRotating: isRotating(roots.record),
    }
  }

  /** As what a proxy may present itself: more than one while its trust domain changes. */
  spiffeIdsOf(dataplane: Dataplane): string[] {
    const found = this.#rootsFor(dataplane)
    if (!found) return []
    const { identity, roots, subject } = found
    const domains = new Set(named(roots.record, this.#facts(dataplane.mesh)).map(root => root.trustDomain))
    return [...domains].map(domain => inDomain(domain, spiffeIdFor(identity, subject)))
  }

  /** The roots that signed what this zone's proxies of a mesh hold. */
  signedBy(mesh: string): TrustedRoots[] {
    const facts = this.#facts(mesh)
    const used = this.#ofMesh(mesh).flatMap(({ record }) => signing(record, facts))
    return canonical(used.map(({ trustDomain, id }) => ({ trustDomain, roots: [id] })))
  }

  /** Where the roots of a mesh stand, when any is on its way in or out. */
  rotationOf(mesh: string): RotationState[] {
    const facts = this.#facts(mesh)
    return this.#ofMesh(mesh).flatMap(({ identity, record }) => stateOf(identity, record, facts))
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

  #rootsFor({ mesh, name, labels }: Dataplane) {
    const subject = { mesh, zone: this.#zone, name, labels }
    const identity = identityFor(this.#registry.list<MeshIdentity>('MeshIdentity', mesh), subject)
    const roots = identity && this.#roots.get(`${mesh}/${displayNameOf(identity)}`)
    return roots ? { identity, roots, subject } : null
  }

  #ofMesh(mesh: string): IdentityRoots[] {
    return [...this.#roots.values()].filter(roots => roots.mesh === mesh)
  }

  #facts(mesh: string): RootFacts {
    const said = this.#registry.list<TrustAcknowledgement>('TrustAcknowledgement', mesh)
    const byZone = new Map(said.map(one => [one.labels[zoneLabel] ?? this.#zone, one.spec.trusts]))
    return {
      now: this.#clock.now(),
      zones: [...new Set([this.#zone, ...byZone.keys()])],
      believes: (zone, trustDomain, root) =>
        byZone.get(zone)?.some(entry => entry.trustDomain === trustDomain.toLowerCase() && entry.roots.includes(root)) ?? false,
      holders: root => this.#options.holders(mesh, root),
      complete: this.#options.isHeard?.() ?? true,
    }
  }

  #onBatch({ changes }: ChangeBatch): void {
    const kinds = new Set(changes.map(change => (change.kind === 'put' ? change.resource.kind : change.key.kind)))
    const isRotatingNow = kinds.has('TrustAcknowledgement') && [...this.#roots.values()].some(({ record }) => isRotating(record))
    if (kinds.has('MeshIdentity') || isRotatingNow) this.#refresh()
    else if (kinds.has('Dataplane')) this.#wake()
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
      if (identity.spec.provider?.type !== 'Bundled') continue
      const { mesh } = identity
      const name = displayNameOf(identity)
      const roots = this.#roots.get(`${mesh}/${name}`) ?? new IdentityRoots(mesh, name, this.#options)
      try {
        await roots.advance(identity, this.#facts(mesh))
        this.#roots.set(`${mesh}/${name}`, roots)
        if (isRotating(roots.record)) this.#refreshIn(rotationMs)
      } catch (error) {
        this.#log.error('the roots of an identity could not be made or kept', { mesh, identity: name, error, retryInMs: retryMs })
        this.#refreshIn(retryMs)
      }
    }
    this.#tell()
  }

  #refreshIn(ms: number): void {
    if (!this.#isClosed) this.#retry ??= this.#clock.setTimeout(() => this.#refresh(), ms)
  }

  /** What is signed with, in use, and named: others follow from it. */
  #tell(): void {
    const meshes = new Set([...this.#roots.values()].map(({ mesh }) => mesh))
    const text = JSON.stringify(
      [...meshes].map(mesh => [
        mesh,
        this.signedBy(mesh),
        this.rotationOf(mesh),
        this.#ofMesh(mesh).map(({ record, ca }) => [ca?.fingerprint, named(record, this.#facts(mesh)).map(root => root.id)]),
      ]),
    )
    if (text === this.#told) return
    this.#told = text
    this.onChange()
  }
}

/** The same path in a trust domain. */
function inDomain(trustDomain: string, spiffeId: string): string {
  const path = spiffeId.slice('spiffe://'.length)
  return `spiffe://${trustDomain}${path.slice(path.indexOf('/'))}`
}
