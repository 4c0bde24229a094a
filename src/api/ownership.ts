import type { KindDefinition } from '../model/kind.ts'
import { managedByKubernetes, managedByLabel, managedBySkerry, originLabel, zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import type { Resource } from '../model/resource.ts'
import type { ControlPlaneRole } from './role.ts'

export type Ownership =
  | { readonly kind: 'ours' }
  | {
      readonly kind: 'refused'
      readonly code: 'SKERRY_READ_ONLY' | 'SKERRY_OWNED_ELSEWHERE'
      readonly reason: string
      readonly fix: string
    }

/** May resources of this kind be written here at all? */
export function mayWriteKind(role: ControlPlaneRole, kind: KindDefinition): Ownership {
  if (kind.readOnly) {
    return refused('SKERRY_READ_ONLY', `a ${kind.kind} is written by the control plane alone`, `read it with \`skerry get ${kind.path}\``)
  }
  if (role.kind === 'zone' && (kind.kind === 'Zone' || (role.federated && kind.sync === 'global'))) {
    return refused(
      'SKERRY_OWNED_ELSEWHERE',
      `a ${kind.kind} is written at the global control plane, this is zone '${role.zone}'`,
      `apply it to the global control plane's API; it comes here by itself`,
    )
  }
  if (role.kind === 'global' && (kind.sync === 'zone' || kind.sync === 'forwarded')) {
    return refused(
      'SKERRY_OWNED_ELSEWHERE',
      `a ${kind.kind} belongs to the zone that it is in, this is the global control plane`,
      `apply it to that zone's API; it comes here by itself`,
    )
  }
  return { kind: 'ours' }
}

/** May this one be changed here? What came from another control plane would be put back by it. */
export function mayChange(role: ControlPlaneRole, resource: Resource): Ownership {
  const { [originLabel]: origin, [zoneLabel]: zone, [managedByLabel]: manager } = resource.labels
  const name = displayNameOf(resource)
  if ((resource.kind === 'Secret' || resource.kind === 'GlobalSecret') && manager === managedBySkerry) {
    return refused('SKERRY_READ_ONLY', `the ${resource.kind} '${name}' holds a key of the control plane`, 'leave it to the control plane')
  }
  if (manager === managedByKubernetes) {
    return refused('SKERRY_READ_ONLY', `the ${resource.kind} '${name}' stands in a Kubernetes cluster`, 'change the route there')
  }
  if (role.kind === 'global' && origin === 'zone') {
    return refused('SKERRY_OWNED_ELSEWHERE', `${resource.kind} '${name}' belongs to zone '${zone ?? '?'}'`, `change it at that zone's API`)
  }
  if (role.kind === 'zone' && role.federated && origin === 'global') {
    return refused(
      'SKERRY_OWNED_ELSEWHERE',
      `${resource.kind} '${name}' comes from the global control plane`,
      `change it at the global control plane's API`,
    )
  }
  if (role.kind === 'zone' && origin === 'zone' && zone !== undefined && zone !== role.zone) {
    return refused(
      'SKERRY_OWNED_ELSEWHERE',
      `${resource.kind} '${name}' belongs to zone '${zone}', this is zone '${role.zone}'`,
      `change it at that zone's API`,
    )
  }
  return { kind: 'ours' }
}

function refused(code: 'SKERRY_READ_ONLY' | 'SKERRY_OWNED_ELSEWHERE', reason: string, fix: string): Ownership {
  return { kind: 'refused', code, reason, fix }
}
