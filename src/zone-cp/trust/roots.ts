import { certificatesOf, fingerprintOf } from '../../identity/fingerprint.ts'
import type { TrustedRoots } from '../../model/kinds/trust-acknowledgement.ts'
import type { TrustPlan } from '../../policy/plan.ts'

const keptTexts = 1024
const fingerprints = new Map<string, readonly string[]>()

/** The roots that a bundle consists of, by fingerprint: equal bundles give equal lists. */
export function rootsOf(bundles: readonly TrustPlan[]): TrustedRoots[] {
  return canonical(bundles.map(({ trustDomain, bundles: texts }) => ({ trustDomain, roots: texts.flatMap(fingerprintsOf) })))
}

/** What all of these have in common. Of one list: that list; of none: nothing. */
export function intersection(lists: readonly (readonly TrustedRoots[])[]): TrustedRoots[] {
  const [first = [], ...others] = lists
  return first.flatMap(({ trustDomain, roots }) => {
    const found = others.map(list => list.find(entry => entry.trustDomain === trustDomain)?.roots)
    if (found.includes(undefined)) return []
    return [{ trustDomain, roots: roots.filter(root => found.every(of => of!.includes(root))) }]
  })
}

/** One entry for each trust domain; domains and roots in order, each once. */
export function canonical(list: readonly TrustedRoots[]): TrustedRoots[] {
  const byDomain = Map.groupBy(list, entry => entry.trustDomain.toLowerCase())
  return [...byDomain]
    .map(([trustDomain, entries]) => ({ trustDomain, roots: [...new Set(entries.flatMap(entry => entry.roots))].sort() }))
    .sort((a, b) => (a.trustDomain < b.trustDomain ? -1 : 1))
}

/** A text is parsed once: the same few bundles come back with every plan. What no reader could read is no root. */
function fingerprintsOf(pem: string): readonly string[] {
  let found = fingerprints.get(pem)
  if (!found) {
    if (fingerprints.size >= keptTexts) fingerprints.clear()
    try {
      found = certificatesOf(pem).map(fingerprintOf)
    } catch {
      found = []
    }
    fingerprints.set(pem, found)
  }
  return found
}
