import type { MeshIdentity } from '../model/kinds/mesh-identity.ts'
import { workloadLabel } from '../model/labels.ts'
import { matchesLabels } from '../model/target-ref.ts'
import { compareByName } from './rules/order.ts'

export interface IdentitySubject {
  readonly mesh: string
  readonly zone: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** The MeshIdentity that gives a proxy its identity: of those that select it, the one with most labels, then the smallest name. A
 *  MeshIdentity without selector selects nothing. */
export function identityFor(identities: readonly MeshIdentity[], subject: IdentitySubject): MeshIdentity | null {
  const matching = identities.filter(identity => {
    const labels = identity.spec.selector?.dataplane?.matchLabels
    return identity.spec.selector?.dataplane !== undefined && matchesLabels(subject, labels)
  })
  const specificity = (identity: MeshIdentity) => Object.keys(identity.spec.selector?.dataplane?.matchLabels ?? {}).length
  matching.sort((a, b) => specificity(b) - specificity(a) || compareByName(b, a))
  return matching[0] ?? null
}

export function trustDomainFor(identity: MeshIdentity, subject: Pick<IdentitySubject, 'mesh' | 'zone'>): string {
  return render(identity.spec.spiffeID?.trustDomain ?? '{{ .Mesh }}.{{ .Zone }}.mesh.local', { ...subject, name: '', labels: {} })
}

/** `spiffe://default.aws-1.mesh.local/workload/payments` */
export function spiffeIdFor(identity: MeshIdentity, subject: IdentitySubject): string {
  const path = render(identity.spec.spiffeID?.path ?? '/workload/{{ .Workload }}', subject)
  return `spiffe://${trustDomainFor(identity, subject)}${path}`
}

/** The subset of Go templates that SPIFFE templates use: `{{ .Mesh }}`, `{{ .Zone }}`, `{{ .Workload }}`, `{{ label "key" }}`. */
function render(template: string, subject: IdentitySubject): string {
  return template.replace(/\{\{\s*(?:\.(\w+)|label\s+"([^"]+)")\s*\}\}/g, (_, field: string | undefined, label: string | undefined) => {
    if (label !== undefined) return subject.labels[label] ?? ''
    switch (field) {
      case 'Mesh':
        return subject.mesh
      case 'Zone':
        return subject.zone
      case 'Workload':
        return subject.labels[workloadLabel] ?? subject.name
      default:
        return ''
    }
  })
}
