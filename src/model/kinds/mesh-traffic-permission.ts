import Type, { type Static } from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed, nonEmpty, oneOf } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'

/** `{}` matches every caller. */
const match = closed({
  spiffeID: Type.Optional(closed({ type: oneOf('Exact', 'Prefix'), value: nonEmpty })),
  sni: Type.Optional(closed({ type: oneOf('Exact'), value: nonEmpty })),
})

const matches = Type.Optional(Type.Array(match))

/** Who may call whom. Every `deny` of every matching policy is tried first, then every `allow`; what none allows is denied. */
export const meshTrafficPermissionKind = defineKind({
  kind: 'MeshTrafficPermission',
  short: 'mtp',
  path: 'meshtrafficpermissions',
  scope: 'mesh',
  shape: 'spec',
  sync: 'both',
  naming: 'rfc1123',
  spec: closed({
    targetRef: Type.Optional(topTargetRef),
    rules: Type.Array(closed({ default: closed({ deny: matches, allowWithShadowDeny: matches, allow: matches }) }), { minItems: 1 }),
  }),
  check: ({ rules }) =>
    rules.flatMap(({ default: conf }, index) =>
      conf.deny?.length || conf.allow?.length || conf.allowWithShadowDeny?.length
        ? []
        : [{ field: `rules[${index}].default`, reason: 'at least one of allow, allowWithShadowDeny and deny must have an item' }],
    ),
  policy: { order: 1100, to: false, rules: true },
  columns: [{ title: 'TARGET', value: policy => policy.spec.targetRef?.kind ?? 'Mesh' }],
})
export type MeshTrafficPermission = ResourceOf<typeof meshTrafficPermissionKind>
export type MeshTrafficPermissionSpec = MeshTrafficPermission['spec']
export type TrafficMatch = Static<typeof match>
