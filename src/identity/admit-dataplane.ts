import { type Dataplane, isZoneIngress, workloadOf } from '../model/kinds/dataplane.ts'
import type { DataplaneClaims } from './token-claims.ts'

/** What a proxy says that it is. */
export type ClaimedDataplane = Pick<Dataplane, 'mesh' | 'name' | 'labels' | 'spec'>

export type Admission =
  | { readonly kind: 'ok' }
  | {
      readonly kind: 'refused'
      readonly code:
        | 'SKERRY_TOKEN_OTHER_MESH'
        | 'SKERRY_TOKEN_OTHER_TYPE'
        | 'SKERRY_TOKEN_OTHER_WORKLOAD'
        | 'SKERRY_TOKEN_OTHER_NAME'
        | 'SKERRY_TOKEN_OTHER_LABELS'
      readonly reason: string
    }

/** May a proxy with this token be this Dataplane? Whatever the token names must agree; what it leaves open is the proxy's choice, but for being a zone gateway. */
export function admitDataplane(claims: DataplaneClaims, dataplane: ClaimedDataplane): Admission {
  if (claims.mesh !== dataplane.mesh) {
    return {
      kind: 'refused',
      code: 'SKERRY_TOKEN_OTHER_MESH',
      reason: `the token is for mesh '${claims.mesh}', the Dataplane is in mesh '${dataplane.mesh}': ${makeOne(dataplane)}`,
    }
  }
  // A zone gateway is given the identities of workloads without a proxy.
  const isForGateways = claims.type === 'ingress'
  if (isForGateways !== isZoneIngress(dataplane.spec)) {
    const [token, is] = isForGateways ? ['only for zone gateways', 'is none'] : ['not for a zone gateway', 'has a ZoneIngress listener']
    return {
      kind: 'refused',
      code: 'SKERRY_TOKEN_OTHER_TYPE',
      reason: `the token is ${token}, the Dataplane ${is}: ${makeOne(dataplane)}`,
    }
  }
  // The workload decides the SPIFFE ID. Without the label the name stands for it, so a token bound to a workload binds the name too.
  const workload = workloadOf(dataplane)
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

function makeOne(dataplane: ClaimedDataplane): string {
  const type = isZoneIngress(dataplane.spec) ? ' --proxy-type ingress' : ''
  return `make one with \`skerry token dataplane --mesh ${dataplane.mesh} --workload ${workloadOf(dataplane)}${type}\``
}
