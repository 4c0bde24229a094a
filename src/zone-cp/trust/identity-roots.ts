import { secretDraft, secretText } from '../../identity/kept-secret.ts'
import { loadOrCreateMeshCa, type MeshCa } from '../../identity/mesh-ca.ts'
import { computedLabels } from '../../model/compute-labels.ts'
import type { MeshIdentity } from '../../model/kinds/mesh-identity.ts'
import type { MeshTrust } from '../../model/kinds/mesh-trust.ts'
import { identityLabel, managedByLabel, managedBySkerry, rotationLabel, zoneLabel } from '../../model/labels.ts'
import { syncedName } from '../../model/names.ts'
import type { Resource, ResourceDraft, ResourceKey } from '../../model/resource.ts'
import { trustDomainOf } from '../../model/spiffe-id.ts'
import { trustDomainFor } from '../../policy/mesh-identity.ts'
import type { Registry, RegistryChange } from '../../registry/registry.ts'
import type { Clock } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'
import {
  bundled,
  issuing,
  type KeptRoot,
  needsRoot,
  noRoots,
  type RootFacts,
  type RootsRecord,
  stepRoots,
  type Wish,
  withRoot,
} from './rotation.ts'

interface Options {
  readonly registry: Registry
  readonly zone: string
  readonly clock: Clock
  readonly log: Log
}

/** The roots of one MeshIdentity in this zone: kept as a Secret, told to all zones as MeshTrusts, one for each trust domain. */
export class IdentityRoots {
  readonly mesh: string
  readonly identity: string
  readonly #options: Options
  readonly #cas = new Map<string, MeshCa>()
  #record: RootsRecord = noRoots
  #ca: MeshCa | null = null

  constructor(mesh: string, identity: string, options: Options) {
    this.mesh = mesh
    this.identity = identity
    this.#options = options
  }

  get record(): RootsRecord {
    return this.#record
  }

  /** What signs; null = its CA is still being made. */
  get ca(): MeshCa | null {
    return this.#ca
  }

  /** Brings the roots to what the MeshIdentity asks for, one step further, and writes them. Resolves with whether something changed. */
  async advance(identity: MeshIdentity, facts: RootFacts): Promise<boolean> {
    const { registry, zone, clock } = this.#options
    const { mesh } = this
    const kept = registry.get(this.#key)
    let record = kept ? (JSON.parse(secretText(kept)) as RootsRecord) : noRoots
    const wish: Wish = { trustDomain: trustDomainFor(identity, { mesh, zone }), rotation: identity.labels[rotationLabel] ?? '' }
    const isNew = needsRoot(record, wish)
    if (isNew) {
      // The first root of a trust domain has a name that follows from it, so that replicas agree, and a store without record is understood.
      const isKnown = record.roots.some(root => root.trustDomain === wish.trustDomain)
      const ca = isKnown ? `${this.identity}-${clock.now().toString(36)}` : this.identity
      const made = await this.#load(ca, wish.trustDomain)
      record = withRoot(record, wish, { id: made.fingerprint, ca }, clock.now())
    } else record = stepRoots(record, facts)
    for (const root of record.roots) if (!this.#cas.has(root.id)) this.#cas.set(root.id, await this.#load(root.ca, root.trustDomain))

    const text = JSON.stringify(record)
    const changes: RegistryChange[] = this.#trusts(identity, record)
    if (!kept || secretText(kept) !== text)
      changes.push({ kind: 'put', draft: secretDraft(this.#key, text), expect: kept?.revision ?? 'absent' })
    if (changes.length > 0) await registry.commit(changes)
    const hasChanged = text !== JSON.stringify(this.#record)
    if (hasChanged) this.#tell(this.#record, record)
    this.#record = record
    this.#ca = this.#cas.get(issuing(record)?.id ?? '') ?? null
    return hasChanged
  }

  get #key(): ResourceKey {
    return { kind: 'Secret', mesh: this.mesh, name: `roots.${this.identity}` }
  }

  #load(identityName: string, trustDomain: string): Promise<MeshCa> {
    const { registry, zone, clock } = this.#options
    return loadOrCreateMeshCa(registry, { mesh: this.mesh, zone, identityName, trustDomain }, clock)
  }

  #trusts(identity: MeshIdentity, record: RootsRecord): RegistryChange[] {
    const { registry, zone } = this.#options
    const isWanted = identity.spec.provider?.bundled?.meshTrustCreation !== 'Disabled'
    const byDomain = Map.groupBy(isWanted ? bundled(record) : [], root => root.trustDomain)
    const drafts = [...byDomain].map(([trustDomain, roots]) => this.#trust(trustDomain, roots))
    const names = new Set(drafts.map(draft => draft.name))
    const prefix = `${this.identity}-${zone}`
    const isOurs = ({ name, labels }: Resource) =>
      labels[managedByLabel] === managedBySkerry &&
      labels[zoneLabel] === zone &&
      (name === prefix || labels[identityLabel] === this.identity)
    const left = registry.list<MeshTrust>('MeshTrust', this.mesh).filter(trust => isOurs(trust) && !names.has(trust.name))
    return [
      ...drafts.map<RegistryChange>(draft => ({ kind: 'put', draft })),
      ...left.map<RegistryChange>(trust => ({ kind: 'delete', key: { kind: 'MeshTrust', mesh: this.mesh, name: trust.name } })),
    ]
  }

  #trust(trustDomain: string, roots: readonly KeptRoot[]): ResourceDraft {
    const { zone } = this.#options
    const { mesh } = this
    const prefix = `${this.identity}-${zone}`
    const draft: ResourceDraft = {
      kind: 'MeshTrust',
      mesh,
      name: trustDomain === trustDomainOf(mesh, zone) ? prefix : syncedName(`${prefix}-domain`, mesh, trustDomain),
      labels: { [managedByLabel]: managedBySkerry, [identityLabel]: this.identity },
      spec: { trustDomain, caBundles: roots.map(root => ({ type: 'Pem', pem: { value: this.#cas.get(root.id)!.rootPem } })) },
    }
    return { ...draft, labels: { ...draft.labels, ...computedLabels(draft, { mode: 'zone', zone }) } }
  }

  #tell(before: RootsRecord, after: RootsRecord): void {
    const { log } = this.#options
    const states = ({ roots }: RootsRecord) => roots.map(root => `${root.trustDomain} ${root.id.slice(0, 12)} ${root.state}`)
    if (before === noRoots) log.info('signing for mesh', { mesh: this.mesh, identity: this.identity, roots: states(after) })
    else log.info('roots rotate', { mesh: this.mesh, identity: this.identity, before: states(before), after: states(after) })
  }
}
