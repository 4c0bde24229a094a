import type { DataplaneClaims } from '../../identity/token-claims.ts'
import type { Dataplane } from '../../model/kinds/dataplane.ts'
import type { Registry } from '../../registry/registry.ts'
import { admitHello, type HelloVerdict } from '../agent-hello.ts'

/** What kuma-dp says of who it is, in its bootstrap request and in its Envoy's node alike. */
export interface KumaDataplane {
  readonly mesh?: string
  readonly name?: string
  /** JSON; '' or absent = it was written through the API, and is there already. */
  readonly dataplaneResource?: string
}

/** May a kuma-dp with this token be the Dataplane that it says it is, and what is written of it then? */
export function admitKumaDataplane(
  said: KumaDataplane,
  claims: DataplaneClaims,
  { zone, registry }: { readonly zone: string; readonly registry: Registry },
): HelloVerdict {
  const { mesh = '', name = '', dataplaneResource = '' } = said
  const known = registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
  if (dataplaneResource === '' && !known) {
    const fix = 'give kuma-dp a --dataplane-file, or write the Dataplane first'
    return { kind: 'refused', code: 'SKERRY_DATAPLANE_UNKNOWN', reason: `there is no Dataplane ${name} in mesh ${mesh}`, fix }
  }
  const dataplane = dataplaneResource === '' ? asWritten(known!) : withoutReadOnly(dataplaneResource)
  const hasMesh = (wanted: string) => registry.get({ kind: 'Mesh', mesh: '', name: wanted }) !== undefined
  const verdict = admitHello({ dataplane }, claims, { zone, hasMesh })
  if (verdict.kind === 'refused' || (verdict.draft.mesh === mesh && verdict.draft.name === name)) return verdict
  const reason = `the Dataplane is ${verdict.draft.name} of mesh ${verdict.draft.mesh}, and its proxy says that it is ${name} of mesh ${mesh}`
  return { kind: 'refused', code: 'SKERRY_DATAPLANE_INVALID', reason, fix: 'give both the same name and mesh' }
}

function asWritten({ mesh, name, labels, spec }: Dataplane): string {
  return JSON.stringify({ type: 'Dataplane', mesh, name, labels, ...spec })
}

/** What kuma-dp adds, and nobody may write. */
function withoutReadOnly(text: string): string {
  try {
    const { creationTime: _, modificationTime: __, kri: ___, ...rest } = JSON.parse(text) as Record<string, unknown>
    return JSON.stringify(rest)
  } catch {
    return text
  }
}
