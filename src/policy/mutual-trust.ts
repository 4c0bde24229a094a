import type { TrustAcknowledgement, TrustedRoots } from '../model/kinds/trust-acknowledgement.ts'
import { parseSpiffeId, trustDomainOf } from '../model/spiffe-id.ts'

/** Would a handshake with a service of another zone succeed, by what both zones' proxies have acknowledged? */
export type MutualTrust =
  | { readonly kind: 'trusted' }
  /** For people: whose proxies do not believe whom yet. */
  | { readonly kind: 'untrusted'; readonly reason: string }

export interface TrustParties {
  readonly mesh: string
  /** Whose proxies call. */
  readonly caller: string
  /** Whose service is called. */
  readonly callee: string
  /** undefined = that zone has not said anything. */
  readonly ofCaller: TrustAcknowledgement | undefined
  readonly ofCallee: TrustAcknowledgement | undefined
  /** SPIFFE IDs of the service that is called. */
  readonly identities: readonly string[]
}

/** Both ends verify: the callers the service's certificate, and the service's proxies that of any caller of the calling zone. */
export function mutualTrust({ mesh, caller, callee, ofCaller, ofCallee, identities }: TrustParties): MutualTrust {
  if (!ofCaller) return untrusted(`no proxy of zone ${caller} has acknowledged any trust bundle`)
  if (!ofCallee) return untrusted(`zone ${callee} has not said whom its proxies trust`)
  const named = new Set(identities.map(domainOf))
  if (named.size === 0) named.add(trustDomainOf(mesh, callee))
  for (const domain of named) {
    if (!believes(ofCaller, domain, ofCallee))
      return untrusted(`not every proxy of zone ${caller} has acknowledged the bundle of ${domain}`)
  }
  for (const { trustDomain } of ofCaller.spec.signedBy) {
    if (mustBelieve(ofCallee, trustDomain, trustDomainOf(mesh, caller)) && !believes(ofCallee, trustDomain, ofCaller))
      return untrusted(`not every proxy of zone ${callee} has acknowledged the bundle of ${trustDomain}`)
  }
  return { kind: 'trusted' }
}

/** Does `verifier` hold every root with which `signer` signs in a trust domain? Which those are nobody but the signer can know: of a domain
 *  that it does not sign for itself (an identity of another provider), having any root must do. */
function believes(verifier: TrustAcknowledgement, trustDomain: string, signer: TrustAcknowledgement): boolean {
  const held = rootsOf(verifier.spec.trusts, trustDomain)
  if (!held || held.length === 0) return false
  return (rootsOf(signer.spec.signedBy, trustDomain) ?? []).every(root => held.includes(root))
}

/** A zone's own trust domain reaches every zone. One of its users' choice does so only if they distribute it: where they did not, its
 *  workloads are not meant to be heard, and the zone's others are not kept out on their account. */
function mustBelieve(verifier: TrustAcknowledgement, trustDomain: string, own: string): boolean {
  return trustDomain.toLowerCase() === own.toLowerCase() || rootsOf(verifier.spec.trusts, trustDomain) !== undefined
}

function rootsOf(list: readonly TrustedRoots[], trustDomain: string): readonly string[] | undefined {
  return list.find(entry => entry.trustDomain.toLowerCase() === trustDomain.toLowerCase())?.roots
}

function domainOf(id: string): string {
  const parsed = parseSpiffeId(id)
  return parsed.kind === 'ok' ? parsed.value.trustDomain : id
}

function untrusted(reason: string): MutualTrust {
  return { kind: 'untrusted', reason }
}
