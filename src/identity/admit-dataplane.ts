import type { DataplaneClaims } from './token-claims.ts'

/** What a proxy says that it is, of the Dataplane it wants to register. */
export interface ClaimedDataplane {
  readonly mesh: string
  readonly name: string
  /** Its label kuma.io/workload, if it has one. */
  readonly workload: string | undefined
  readonly labels: Readonly<Record<string, string>>
}

export type Admission =
  | { readonly kind: 'ok' }
  | {
      readonly kind: 'refused'
      readonly code: 'SKERRY_TOKEN_OTHER_MESH' | 'SKERRY_TOKEN_OTHER_WORKLOAD' | 'SKERRY_TOKEN_OTHER_NAME' | 'SKERRY_TOKEN_OTHER_LABELS'
      readonly reason: string
    }

/** May a proxy with this token be this Dataplane? Whatever the token names must agree; what it leaves open is the proxy's choice. */
export function admitDataplane(claims: DataplaneClaims, dataplane: ClaimedDataplane): Admission {
  if (claims.mesh !== dataplane.mesh) {
    return {
      kind: 'refused',
      code: 'SKERRY_TOKEN_OTHER_MESH',
      reason: `the token is for mesh '${claims.mesh}', the Dataplane is in mesh '${dataplane.mesh}': ${makeOne(dataplane)}`,
    }
  }
  // The workload decides the SPIFFE ID. Without the label the name stands for it, so a token bound to a workload binds the name too.
  const workload = dataplane.workload ?? dataplane.name
  if (claims.workload !== undefined && claims.workload !== workload) {
    return {
      kind: 'refused',
      code: 'SKERRY_TOKEN_OTHER_WORKLOAD',
      reason: `the token is for workload '${claims.workload}', the Dataplane says '${workload}': ${makeOne(dataplane)}`,
    }
  }
  if (claims.name !== undefined && claims.name !== dataplane.name) {
    return {
      kind: 'refused',
      code: 'SKERRY_TOKEN_OTHER_NAME',
      reason: `the token is for Dataplane '${claims.name}', not for '${dataplane.name}': ${makeOne(dataplane)}`,
    }
  }
  for (const [label, values] of Object.entries(claims.tags ?? {})) {
    const value = dataplane.labels[label]
    if (value !== undefined && values.includes(value)) continue
    return {
      kind: 'refused',
      code: 'SKERRY_TOKEN_OTHER_LABELS',
      reason: `the token is for Dataplanes with label ${label}: ${values.join(' or ')}, this one has ${value ?? 'none'}: ${makeOne(dataplane)}`,
    }
  }
  return { kind: 'ok' }
}

function makeOne({ mesh, name, workload }: ClaimedDataplane): string {
  return `make one with \`skerry token dataplane --mesh ${mesh} --workload ${workload ?? name}\``
}
