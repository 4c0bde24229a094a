/**
 * Where a root stands on its way through a trust domain's bundle:
 * - `staged`: made, in nobody's bundle yet
 * - `trusted`: in the bundle, counted until everyone has acknowledged it
 * - `issuing`: signs new leaves (one root at a time)
 * - `retiring`: signs no more, still trusted while leaves of it live
 * - `removed`: out of the bundle
 */
export type RootState = 'staged' | 'trusted' | 'issuing' | 'retiring' | 'removed'

export interface Root {
  /** Fingerprint of its certificate. */
  readonly id: string
  readonly state: RootState
}

/** What is known now. Counts are of all who verify peers with this bundle: of proxies, or of zones that each speak for all of theirs. */
export interface RotationFacts {
  readonly proxies: number
  /** How many of them acknowledged a bundle that contains the root. */
  readonly trustedBy: (id: string) => number
  /** Leaves of the root that are in date and not known to be replaced. */
  readonly liveLeaves: (id: string) => number
  /** False while zones that should be counted cannot be heard: nothing advances on a partial count. */
  readonly complete: boolean
}

/** Roots after one step. Each root moves one state at most, and never on less than a full count: called again when counts change. */
export function stepRotation(roots: readonly Root[], facts: RotationFacts): readonly Root[] {
  const successor = roots.find(root => root.state === 'trusted')
  // One successor at a time: a second would make the count of the first meaningless.
  const next = successor ?? roots.find(root => root.state === 'staged')
  const takesOver = successor !== undefined && facts.complete && facts.trustedBy(successor.id) >= facts.proxies
  return roots.map(root => {
    const state = nextState(root, root === next, takesOver, facts)
    return state === root.state ? root : { ...root, state }
  })
}

/** The roots that stand in the bundle, in the order given. */
export function bundleOf(roots: readonly Root[]): readonly Root[] {
  return roots.filter(root => root.state === 'trusted' || root.state === 'issuing' || root.state === 'retiring')
}

function nextState(root: Root, isNext: boolean, takesOver: boolean, facts: RotationFacts): RootState {
  switch (root.state) {
    case 'staged':
      return isNext ? 'trusted' : 'staged'
    case 'trusted':
      return takesOver && isNext ? 'issuing' : 'trusted'
    case 'issuing':
      return takesOver ? 'retiring' : 'issuing'
    case 'retiring':
      return facts.complete && facts.liveLeaves(root.id) === 0 ? 'removed' : 'retiring'
    case 'removed':
      return 'removed'
  }
}
