import Type from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed, described, nonEmpty, oneOf } from '../schema.ts'

/** Gives roles to people and programs, everywhere or in one mesh or zone. Stays on the control plane that it was written on. */
export const accessRoleBindingKind = defineKind({
  kind: 'AccessRoleBinding',
  short: 'arb',
  path: 'access-role-bindings',
  scope: 'global',
  shape: 'flat',
  sync: 'none',
  naming: 'rfc1123',
  includeInFederation: false,
  description:
    'Gives the roles to the subjects. A group is one that a user token names; everybody with a token is in mesh-system:authenticated.',
  spec: closed({
    subjects: Type.Array(closed({ type: oneOf('User', 'Group'), name: nonEmpty })),
    roles: described(Type.Array(nonEmpty), 'Names of AccessRoles, built-in ones included'),
    mesh: Type.Optional(described(nonEmpty, 'The roles count in this mesh only')),
    zone: Type.Optional(described(nonEmpty, 'The roles count for what belongs to this zone only')),
  }),
  columns: [
    { title: 'SUBJECTS', value: binding => binding.spec.subjects.map(({ type, name }) => `${type}/${name}`).join(',') },
    { title: 'ROLES', value: binding => binding.spec.roles.join(',') },
    { title: 'MESH', value: binding => binding.spec.mesh ?? '*' },
  ],
  example: { name: 'payments-team', spec: { subjects: [{ type: 'Group', name: 'payments' }], roles: ['mesh-admin'], mesh: 'default' } },
})
export type AccessRoleBinding = ResourceOf<typeof accessRoleBindingKind>
export type AccessRoleBindingSpec = AccessRoleBinding['spec']
