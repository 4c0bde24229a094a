import { bundleOf, type Root, type RotationFacts, stepRotation } from '../../identity/rotate.ts'

/** One root of a MeshIdentity in this zone, on its way through the bundle. */
export interface KeptRoot extends Root {
  readonly trustDomain: string
  /** Under which name its key is kept. */
  readonly ca: string
  /** Unix ms: when it came into its state. */
  readonly sinceMs: number
}

/** What is kept of the roots of a MeshIdentity. */
export interface RootsRecord {
  /** The value of the rotation label that was answered last; '' = none. */
  readonly rotation: string
  /** Oldest first. */
  readonly roots: readonly KeptRoot[]
}

/** For people: where one root stands (`identity/rotate.ts`). */
export interface RotationState {
  readonly identity: string
  readonly trustDomain: string
  /** SHA-256 fingerprint. */
  readonly root: string
  readonly state: string
  /** Zones of which not every proxy believes it yet. */
  readonly waitingFor?: readonly string[]
}

export const noRoots: RootsRecord = Object.freeze({ rotation: '', roots: [] })

export interface Wish {
  readonly trustDomain: string
  /** Another value than the one before asks for a new root. */
  readonly rotation: string
}

/** What is known of the roots in use. */
export interface RootFacts {
  readonly now: number
  /** Zones that have to believe a root before it signs. */
  readonly zones: readonly string[]
  readonly believes: (zone: string, trustDomain: string, root: string) => boolean
  /** Proxies of this zone that may hold a certificate of the root. */
  readonly holders: (root: string) => number
  /** false = what other zones say may be old. */
  readonly complete: boolean
}

/** A root that everybody believes signs after so long: callers have then heard of the identities that come with it. */
export const settleMs = 5_000
/** A root that signs no more stays in the bundle for so long at least: who was cut off from its zone has this time to come back. */
export const retiringAtLeastMs = 600_000
/** After so long nothing that a root has signed is in date. */
export const retiringAtMostMs = 25 * 3_600_000

/** Does the wish need a root that is not there? The newest one that is not on its way out decides. */
export function needsRoot({ roots, rotation }: RootsRecord, wish: Wish): boolean {
  const newest = roots.findLast(root => root.state !== 'retiring' && root.state !== 'removed')
  return newest?.trustDomain !== wish.trustDomain || rotation !== wish.rotation
}

/** With a new root. The first of all signs at once: there is nobody yet whom it could surprise. */
export function withRoot(record: RootsRecord, wish: Wish, made: { readonly id: string; readonly ca: string }, now: number): RootsRecord {
  const isFirst = record.roots.length === 0
  // What has not signed yet, and is not wanted any more, never will.
  const kept = record.roots.filter(root => root.id !== made.id && root.state !== 'staged' && root.state !== 'trusted')
  const added: KeptRoot = { ...made, trustDomain: wish.trustDomain, state: isFirst ? 'issuing' : 'staged', sinceMs: now }
  return { rotation: wish.rotation, roots: [...kept, added] }
}

/** After one step; the same record when nothing moves. */
export function stepRoots(record: RootsRecord, facts: RootFacts): RootsRecord {
  const byId = new Map(record.roots.map(root => [root.id, root]))
  const counts: RotationFacts = {
    proxies: facts.zones.length,
    trustedBy: id => (isSettled(byId.get(id)!, facts.now) ? believers(byId.get(id)!, facts).length : 0),
    liveLeaves: id => (isUnused(byId.get(id)!, facts) ? 0 : 1),
    complete: facts.complete,
  }
  const roots = (stepRotation(record.roots, counts) as readonly KeptRoot[])
    .map(root => (root === byId.get(root.id) ? root : { ...root, sinceMs: facts.now }))
    .filter(root => root.state !== 'removed')
  const isSame = roots.length === record.roots.length && roots.every(root => root === byId.get(root.id))
  return isSame ? record : { ...record, roots }
}

/** The root that signs. */
export function issuing({ roots }: RootsRecord): KeptRoot | undefined {
  return roots.find(root => root.state === 'issuing')
}

/** Roots in the bundle, in order. */
export function bundled(record: RootsRecord): readonly KeptRoot[] {
  return bundleOf(record.roots) as readonly KeptRoot[]
}

/** Roots of which certificates are in use. One that is unused leaves this list before it leaves the bundle. */
export function signing({ roots }: RootsRecord, facts: RootFacts): readonly KeptRoot[] {
  return roots.filter(root => root.state === 'issuing' || (root.state === 'retiring' && !isIdle(root, facts)))
}

/** Roots whose trust domains the identities of services name: those that sign, and the one that is about to. */
export function named({ roots }: RootsRecord, facts: RootFacts): readonly KeptRoot[] {
  return roots.filter(root => {
    if (root.state === 'trusted') return facts.complete && believers(root, facts).length === facts.zones.length
    return root.state === 'issuing' || root.state === 'retiring'
  })
}

export function isRotating({ roots }: RootsRecord): boolean {
  return roots.some(root => root.state !== 'issuing')
}

/** Where the roots stand while any is on its way in or out; nothing otherwise. */
export function stateOf(identity: string, record: RootsRecord, facts: RootFacts): RotationState[] {
  if (!isRotating(record)) return []
  return record.roots.map(root => {
    const known = { identity, trustDomain: root.trustDomain, root: root.id, state: root.state }
    if (root.state !== 'trusted') return known
    const believing = believers(root, facts)
    return { ...known, waitingFor: facts.zones.filter(zone => !believing.includes(zone)) }
  })
}

function believers(root: KeptRoot, { zones, believes }: RootFacts): string[] {
  return zones.filter(zone => believes(zone, root.trustDomain, root.id))
}

function isSettled(root: KeptRoot, now: number): boolean {
  return now - root.sinceMs >= settleMs
}

/** Nobody holds a certificate of it, as far as can be known. */
function isIdle(root: KeptRoot, { now, holders }: RootFacts): boolean {
  const ageMs = now - root.sinceMs
  return ageMs >= retiringAtMostMs || (ageMs >= retiringAtLeastMs && holders(root.id) === 0)
}

/** Idle, and others had the time to hear of it. */
function isUnused(root: KeptRoot, facts: RootFacts): boolean {
  return isIdle(root, facts) && isIdle(root, { ...facts, now: facts.now - settleMs })
}
