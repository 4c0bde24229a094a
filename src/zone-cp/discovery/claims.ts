import type { FoundWorkload } from '../../adapters/adapter.ts'
import { applicationPort, type Dataplane } from '../../model/kinds/dataplane.ts'
import type { DiscoverySourceType } from '../../model/kinds/discovery-source.ts'
import { workloadLabel } from '../../model/labels.ts'

/** A workload that a source found at an address. */
export interface Claim {
  readonly key: string
  /** `mesh/name`. */
  readonly source: string
  readonly type: DiscoverySourceType
  readonly workload: FoundWorkload
}

export type Verdict =
  /** It gets a Dataplane. */
  | { readonly kind: 'dataplane' }
  /** It has a proxy, whose Dataplane of this name gets its labels. */
  | { readonly kind: 'joined'; readonly dataplane: string }
  /** It has a proxy, which has not registered. */
  | { readonly kind: 'awaited' }
  /** Another source, which is nearer to it, has found it as well. */
  | { readonly kind: 'shadowed'; readonly by: string }

/** Who is nearer to what it tells of comes first: its orchestrator, then its machine's, then what others wrote down of it. */
const nearness: readonly (readonly DiscoverySourceType[])[] = [
  ['Kubernetes', 'EKS', 'AKS', 'GKE', 'ECS'],
  ['Lambda'],
  ['EC2', 'AzureVM', 'GCE'],
  ['CloudMap', 'Consul', 'Eureka', 'DNS', 'HTTP', 'File'],
]

/** What becomes of all that was found at one address. Pure. @param proxied Dataplanes at this address that proxies registered, or people wrote */
export function judgeClaims(claims: readonly Claim[], proxied: readonly Dataplane[]): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>()
  const taken = new Map<number, Claim>()
  for (const claim of claims.toSorted((a, b) => rankOf(a.type) - rankOf(b.type) || compare(a.source, b.source) || compare(a.key, b.key))) {
    const verdict = judge(claim, proxied, taken)
    verdicts.set(claim.key, verdict)
    // Functions are told apart by their names: they share the address of the platform.
    if (verdict.kind === 'dataplane' && claim.workload.lambda === undefined)
      for (const { port } of claim.workload.ports) if (!taken.has(port)) taken.set(port, claim)
  }
  return verdicts
}

function judge({ workload, source }: Claim, proxied: readonly Dataplane[], taken: ReadonlyMap<number, Claim>): Verdict {
  if (workload.lambda !== undefined) return { kind: 'dataplane' }
  const same = proxied.find(dataplane => isSame(workload, dataplane))
  const dataplane = same ?? (workload.hasSidecar && proxied.length === 1 ? proxied[0] : undefined)
  if (dataplane !== undefined) return { kind: 'joined', dataplane: dataplane.name }
  if (workload.hasSidecar) return { kind: 'awaited' }
  for (const { port } of workload.ports) {
    const holder = taken.get(port)
    if (holder !== undefined && holder.source !== source) return { kind: 'shadowed', by: holder.source }
  }
  return { kind: 'dataplane' }
}

/** At the same address: several may share it, on a host's network. */
function isSame(workload: FoundWorkload, { labels, spec }: Dataplane): boolean {
  const ports = (spec.networking.inbound ?? []).flatMap(inbound => [inbound.port, applicationPort(inbound)])
  return labels[workloadLabel] === workload.workload || workload.ports.some(({ port }) => ports.includes(port))
}

function rankOf(type: DiscoverySourceType): number {
  return nearness.findIndex(types => types.includes(type))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
