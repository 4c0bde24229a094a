import Type, { type Static } from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed, described, nonEmpty, oneOf } from '../schema.ts'

/** What may be done. READ to DELETE are about resources; Kong Mesh's names where it has them. */
export const permission = oneOf(
  'READ',
  'CREATE',
  'UPDATE',
  'DELETE',
  'GENERATE_DATAPLANE_TOKEN',
  'GENERATE_ZONE_TOKEN',
  'GENERATE_USER_TOKEN',
  'REVOKE_TOKEN',
  'MANAGE_SIGNING_KEYS',
  'INSPECT',
  'VIEW_STATUS',
  'VIEW_AUDIT',
)
export type Permission = Static<typeof permission>

const rule = closed({
  access: described(Type.Array(permission, { minItems: 1 }), 'What may be done'),
  types: Type.Optional(
    described(
      Type.Array(nonEmpty, { minItems: 1 }),
      'Kinds of resources; absent = every kind but Secret, GlobalSecret, AccessRole and AccessRoleBinding, which must be named; "*" = every kind',
    ),
  ),
  names: Type.Optional(described(Type.Array(nonEmpty, { minItems: 1 }), 'Names of resources; absent = all')),
  mesh: Type.Optional(described(nonEmpty, 'Only in this mesh; absent = everywhere')),
  zone: Type.Optional(described(nonEmpty, 'Only what belongs to this zone; absent = everywhere')),
})
export type AccessRule = Static<typeof rule>

/** Says what may be done; an AccessRoleBinding says who may. Stays on the control plane that it was written on. */
export const accessRoleKind = defineKind({
  kind: 'AccessRole',
  short: 'ar',
  path: 'access-roles',
  scope: 'global',
  shape: 'flat',
  sync: 'none',
  naming: 'rfc1123',
  includeInFederation: false,
  description: 'Names what may be done in the API. It gives nothing to anybody: an AccessRoleBinding does.',
  spec: closed({ rules: Type.Array(rule) }),
  columns: [
    { title: 'RULES', value: role => String(role.spec.rules.length) },
    { title: 'ACCESS', value: role => [...new Set(role.spec.rules.flatMap(({ access }) => access))].join(',') },
  ],
  example: {
    name: 'payments-owner',
    spec: {
      rules: [
        { mesh: 'default', access: ['READ', 'INSPECT'] },
        { mesh: 'default', types: ['MeshHTTPRoute', 'MeshLoadBalancingStrategy'], access: ['CREATE', 'UPDATE', 'DELETE'] },
      ],
    },
  },
})
export type AccessRole = ResourceOf<typeof accessRoleKind>
export type AccessRoleSpec = AccessRole['spec']
