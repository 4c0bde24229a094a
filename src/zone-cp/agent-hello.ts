import type { Hello } from '../gen/skerry/agent/v1/agent_pb.js'
import { admitDataplane } from '../identity/admit-dataplane.ts'
import type { DataplaneClaims } from '../identity/token-claims.ts'
import { computeLabels } from '../model/compute-labels.ts'
import type { Violation } from '../model/kind.ts'
import { type DataplaneSpec, isAgentless } from '../model/kinds/dataplane.ts'
import { managedByLabel } from '../model/labels.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { fromWire } from '../model/wire.ts'
import { managedByAgent } from './readiness-tracker.ts'

export type DataplaneDraft = ResourceDraft<DataplaneSpec>

/** What the proxy hears before its stream ends. `fix` says what to do. */
export interface AgentRefusal {
  readonly kind: 'refused'
  readonly code: string
  readonly reason: string
  readonly fix: string
}

export type HelloVerdict = { readonly kind: 'admitted'; readonly draft: DataplaneDraft } | AgentRefusal

/** May a proxy with this token be the Dataplane that it says it is, and what is written of it then? */
export function admitHello(
  hello: Pick<Hello, 'dataplane'>,
  claims: DataplaneClaims,
  { zone, hasMesh }: { readonly zone: string; readonly hasMesh: (mesh: string) => boolean },
): HelloVerdict {
  const read = fromWire(parseJson(hello.dataplane), { strict: true })
  if (read.kind === 'invalid') return invalid(read.violations, 'correct the flags of skerry proxy run')
  if (read.draft.kind !== 'Dataplane')
    return refused('SKERRY_DATAPLANE_INVALID', `a proxy is a Dataplane, not a ${read.draft.kind}`, 'update the proxy')
  const draft = read.draft as DataplaneDraft
  const admission = admitDataplane(claims, draft)
  if (admission.kind === 'refused') {
    const { code, reason } = admission
    const inCluster = 'in Kubernetes: run zone gateways, and nothing else, with the service account that --kubernetes-gateway names'
    return refused(code, reason, code === 'SKERRY_TOKEN_OTHER_TYPE' ? inCluster : '')
  }
  if (!hasMesh(draft.mesh)) {
    const fix = 'create it at global, or wait until the zone has it'
    return refused('SKERRY_MESH_UNKNOWN', `mesh ${draft.mesh} is not known in zone ${zone}`, fix)
  }
  if (isAgentless(draft) && isLinkLocal(draft.spec.networking.address)) {
    const reason = `${draft.spec.networking.address} is a link-local address: a zone gateway would be sent to whatever has it on its own machine`
    return refused('SKERRY_ADDRESS_REFUSED', reason, 'give --address, the address by which the zone gateway reaches the machine')
  }
  const labelled = { ...draft, labels: { ...draft.labels, [managedByLabel]: managedByAgent } }
  const computed = computeLabels(labelled, { mode: 'zone', zone })
  if (computed.kind === 'invalid') return invalid(computed.violations, 'correct the labels')
  return { kind: 'admitted', draft: { ...labelled, labels: computed.labels } as DataplaneDraft }
}

/** Clouds keep their machines' metadata and credentials there. https://www.rfc-editor.org/rfc/rfc3927 https://www.rfc-editor.org/rfc/rfc4291#section-2.5.6 */
function isLinkLocal(address: string): boolean {
  return address.startsWith('169.254.') || /^fe[89ab][0-9a-f]:/i.test(address) || /^::ffff:169\.254\./i.test(address)
}

function invalid(violations: readonly Violation[], fix: string): AgentRefusal {
  return refused('SKERRY_DATAPLANE_INVALID', violations.map(({ field, reason }) => `${field}: ${reason}`).join('; '), fix)
}

function refused(code: string, reason: string, fix: string): AgentRefusal {
  return { kind: 'refused', code, reason, fix }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
