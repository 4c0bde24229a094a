import Type, { type Static } from 'typebox'
import { checkInboundMatch, checkTargets } from '../check-targets.ts'
import { type InboundMatch, inboundMatch } from '../inbound-match.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { definePolicy } from '../policy-kind.ts'
import { each, violation } from '../rules.ts'
import { closed } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'

const matches = Type.Optional(Type.Array(inboundMatch))

const spec = closed({
  targetRef: Type.Optional(topTargetRef),
  rules: Type.Array(closed({ default: closed({ deny: matches, allowWithShadowDeny: matches, allow: matches }) }), {
    minItems: 1,
    description: 'For requests and connections that come in.',
  }),
})

/** Who may call whom. Every `deny` of every matching policy is tried first, then every `allow`; what none allows is denied. */
export const meshTrafficPermissionKind = definePolicy({
  kind: 'MeshTrafficPermission',
  short: 'mtp',
  path: 'meshtrafficpermissions',
  description: 'Who may call whom. Every deny of every policy is tried first, then every allow; what none allows is denied.',
  example: {
    name: 'web-to-backend',
    spec: {
      targetRef: { kind: 'Dataplane', labels: { app: 'backend' } },
      rules: [{ default: { allow: [{ spiffeID: { type: 'Exact', value: 'spiffe://default.aws-1.mesh.local/workload/web' } }] } }],
    },
  },
  spec,
  check,
  order: 1100,
})
export type MeshTrafficPermission = ResourceOf<typeof meshTrafficPermissionKind>
export type MeshTrafficPermissionSpec = Static<typeof spec>
export type TrafficMatch = InboundMatch

const lists = ['allow', 'allowWithShadowDeny', 'deny'] as const

function check(spec: MeshTrafficPermissionSpec): Violation[] {
  return [
    ...checkTargets(spec),
    ...each(spec.rules, 'rules', ({ default: conf }, at) => [
      ...(lists.every(list => (conf[list]?.length ?? 0) === 0)
        ? violation(at, "at least one of 'allow', 'allowWithShadowDeny', 'deny' has to be defined")
        : []),
      ...lists.flatMap(list => each(conf[list], `${at}.default.${list}`, checkInboundMatch)),
    ]),
  ]
}
