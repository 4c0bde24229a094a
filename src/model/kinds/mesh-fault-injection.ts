import Type, { type Static } from 'typebox'
import { checkTargets } from '../check-targets.ts'
import { durationSchema } from '../duration.ts'
import { inboundMatches } from '../inbound-match.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { definePolicy, toItems } from '../policy-kind.ts'
import { durationNotNegative, each, percent, statusCode, violation } from '../rules.ts'
import { closed, described, intOrString } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'

const percentage = described(intOrString, 'Share of the requests, 0 to 100.')

const fault = closed({
  abort: Type.Optional(closed({ httpStatus: Type.Integer({ description: 'Status that is answered at once.' }), percentage })),
  delay: Type.Optional(closed({ value: described(durationSchema, 'How long the request is held.'), percentage })),
  responseBandwidth: Type.Optional(closed({ limit: Type.String({ description: 'As `50kbps`, `1 Mbps`, `1Gbps`.' }), percentage })),
})
const conf = closed({ http: Type.Optional(Type.Array(fault, { description: 'Faults, each with a chance of its own.' })) })

const spec = closed({
  targetRef: Type.Optional(topTargetRef),
  rules: Type.Optional(
    Type.Array(closed({ matches: Type.Optional(inboundMatches), default: conf }), {
      description: 'For requests and connections that come in.',
    }),
  ),
  to: Type.Optional(toItems(conf)),
})

/** Faults made on purpose, to see how callers bear them. */
export const meshFaultInjectionKind = definePolicy({
  kind: 'MeshFaultInjection',
  short: 'mfi',
  path: 'meshfaultinjections',
  description: 'Faults made on purpose, to see how callers bear them: errors, delays, slow answers.',
  example: {
    name: 'slow-backend',
    spec: {
      targetRef: { kind: 'Dataplane', labels: { app: 'backend' } },
      rules: [{ default: { http: [{ delay: { value: '2s', percentage: 5 } }] } }],
    },
  },
  spec,
  check,
  order: 800,
})
export type MeshFaultInjection = ResourceOf<typeof meshFaultInjectionKind>
export type MeshFaultInjectionSpec = Static<typeof spec>
export type FaultInjectionConf = Static<typeof conf>
export type Fault = Static<typeof fault>

function check(spec: MeshFaultInjectionSpec): Violation[] {
  return [
    ...checkTargets(spec),
    ...each(spec.rules, 'rules', (rule, at) => checkConf(rule.default, `${at}.default`)),
    ...each(spec.to, 'to', (item, at) => checkConf(item.default, `${at}.default`)),
  ]
}

// Kuma writes the index after the fault's sort, not after `http`.
function checkConf({ http = [] }: FaultInjectionConf, at: string): Violation[] {
  return http.flatMap(({ abort, delay, responseBandwidth }, index) => [
    ...statusCode(`${at}.http.abort[${index}].httpStatus`, abort?.httpStatus),
    ...percent(`${at}.http.abort[${index}].percentage`, abort?.percentage),
    ...durationNotNegative(`${at}.http.delay[${index}].value`, delay?.value),
    ...percent(`${at}.http.delay[${index}].percentage`, delay?.percentage),
    ...bandwidth(`${at}.http.responseBandwidth[${index}].responseBandwidth`, responseBandwidth?.limit),
    ...percent(`${at}.http.responseBandwidth[${index}].percentage`, responseBandwidth?.percentage),
  ])
}

function bandwidth(field: string, limit: string | undefined): Violation[] {
  if (limit === undefined || /^[0-9]+ ?[GMk]bps$/.test(limit)) return []
  return violation(field, limit === '' ? 'must be defined' : 'must be in kbps/Mbps/Gbps units')
}
