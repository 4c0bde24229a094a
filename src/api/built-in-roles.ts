import type { AccessRule } from '../model/kinds/access-role.ts'
import { permission } from '../model/kinds/access-role.ts'
import { kinds } from '../model/kinds/index.ts'
import type { Rule } from './access.ts'

export interface BuiltInRole {
  readonly rules: readonly Rule[]
  /** Groups of a token that have the role without a binding, beside the one of the role's own name. */
  readonly groups?: readonly string[]
}

const everything = permission.enum as readonly AccessRule['access'][number][]
const inMeshes = kinds.filter(kind => kind.scope === 'mesh' && !kind.secret).map(({ kind }) => kind)
const roleKinds = ['AccessRole', 'AccessRoleBinding']

/**
 * Roles that are there from the start. They are what this file says, whatever is stored under their names, so that nobody locks himself
 * out; whose token names a group like a role has that role.
 */
export const builtInRoles: Readonly<Record<string, BuiltInRole>> = {
  /** All of it. `mesh-system:admin` is Kuma's name of the group. */
  admin: { rules: [{ access: [...everything, 'ADMIN'], types: ['*'] }], groups: ['mesh-system:admin'] },
  /** Runs the mesh: everything but secrets, who may do what, and the log of it. */
  operator: {
    rules: [
      {
        access: [
          'READ',
          'CREATE',
          'UPDATE',
          'DELETE',
          'GENERATE_DATAPLANE_TOKEN',
          'GENERATE_ZONE_TOKEN',
          'REVOKE_TOKEN',
          'INSPECT',
          'VIEW_STATUS',
        ],
      },
      { access: ['READ'], types: roleKinds },
    ],
  },
  /** Sees everything but secrets and the audit log. */
  viewer: { rules: [{ access: ['READ', 'INSPECT', 'VIEW_STATUS'] }, { access: ['READ'], types: roleKinds }] },
  /** Sees what was done, and who may do what. */
  auditor: { rules: [{ access: ['VIEW_AUDIT', 'VIEW_STATUS'] }, { access: ['READ'], types: roleKinds }] },
  /** Everything that is in meshes, their secrets included: to be bound with `mesh`. */
  'mesh-admin': {
    rules: [
      { access: ['READ', 'CREATE', 'UPDATE', 'DELETE'], types: [...inMeshes, 'Secret'] },
      { access: ['READ', 'UPDATE'], types: ['Mesh'] },
      { access: ['GENERATE_DATAPLANE_TOKEN', 'REVOKE_TOKEN', 'INSPECT'] },
    ],
  },
  /** Sees what is in meshes, but secrets: to be bound with `mesh`. */
  'mesh-viewer': { rules: [{ access: ['READ'], types: [...inMeshes, 'Mesh'] }, { access: ['INSPECT'] }] },
}

export function isBuiltInRole(name: string): boolean {
  return Object.hasOwn(builtInRoles, name)
}

/** The roles that a group stands for without a binding. */
export function rolesOfGroup(group: string): readonly string[] {
  return Object.keys(builtInRoles).filter(role => role === group || builtInRoles[role]?.groups?.includes(group))
}
