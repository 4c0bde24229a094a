import Type, { type Static } from 'typebox'
import { checkBackendRef, checkTargets } from '../check-targets.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { definePolicy } from '../policy-kind.ts'
import { each, violation } from '../rules.ts'
import { closed } from '../schema.ts'
import { backendRef, routeTargetRef, toTargetRef } from '../target-ref.ts'

const rule = closed({ default: closed({ backendRefs: Type.Optional(Type.Array(backendRef)) }) })
const to = closed({ targetRef: toTargetRef, rules: Type.Array(rule, { maxItems: 1 }) })
const spec = closed({ targetRef: Type.Optional(routeTargetRef), to: Type.Array(to, { minItems: 1 }) })

/** Where connections go. Where a MeshHTTPRoute applies to an HTTP service, that one decides. */
export const meshTCPRouteKind = definePolicy({
  kind: 'MeshTCPRoute',
  short: 'mtcpr',
  path: 'meshtcproutes',
  description: 'Where connections to a service go: split over several, or to another. A MeshHTTPRoute for an HTTP service comes first.',
  example: {
    name: 'database-replica',
    spec: {
      to: [
        {
          targetRef: { kind: 'MeshService', labels: { 'kuma.io/display-name': 'database' } },
          rules: [
            { default: { backendRefs: [{ kind: 'MeshService', labels: { 'kuma.io/display-name': 'database-replica' }, port: 5432 }] } },
          ],
        },
      ],
    },
  },
  spec,
  check,
  order: 200,
})
export type MeshTCPRoute = ResourceOf<typeof meshTCPRouteKind>
export type MeshTCPRouteSpec = Static<typeof spec>
export type TcpRouteTo = Static<typeof to>
export type TcpRouteRule = Static<typeof rule>

const services = ['MeshService', 'MeshExternalService', 'MeshMultiZoneService']

function check(spec: MeshTCPRouteSpec): Violation[] {
  const forGateway = spec.targetRef?.kind === 'MeshGateway'
  return [
    ...checkTargets(spec, { toKinds: forGateway ? ['Mesh'] : services }),
    ...each(spec.to, 'to', ({ rules }, at) =>
      each(rules, `${at}.rules`, ({ default: { backendRefs = [] } }, field) =>
        backendRefs.length === 0
          ? violation(`${field}.default.backendRefs`, 'must be defined')
          : each(backendRefs, `${field}.default.backendRefs`, (ref, where) => checkBackendRef(ref, where)),
      ),
    ),
  ]
}
