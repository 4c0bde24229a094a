import Type, { type Static } from 'typebox'
import { isCidr, isDnsName, isIpAddress } from '../address.ts'
import { checkTargets } from '../check-targets.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { definePolicy } from '../policy-kind.ts'
import { each, violation } from '../rules.ts'
import { closed, described, portNumber } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'

const match = closed({
  type: Type.Enum(['Domain', 'IP', 'CIDR'], {
    otherwise: 'provided type {value} is not supported, one of Domain, IP, or CIDR is supported',
  }),
  value: Type.String({ description: 'A name (`*.` before it for all below), an address, or a range of addresses.' }),
  port: Type.Optional(described(portNumber, 'Absent = every port.')),
  protocol: Type.Optional(Type.Enum(['tcp', 'tls', 'grpc', 'http', 'http2', 'mysql'], { default: 'tcp' })),
})

const conf = closed({
  passthroughMode: Type.Optional(
    Type.Enum(['All', 'Matched', 'None'], { description: 'What may leave the mesh: everything, what is listed, or nothing.' }),
  ),
  appendMatch: Type.Optional(Type.Array(match, { description: 'What may leave; lists of several policies are put together.' })),
})

const spec = closed({ targetRef: Type.Optional(topTargetRef), default: Type.Optional(conf) })

/** What applications may reach that the mesh does not know. */
export const meshPassthroughKind = definePolicy({
  kind: 'MeshPassthrough',
  short: 'mp',
  path: 'meshpassthroughs',
  description: 'What applications may reach that the mesh does not know.',
  example: {
    name: 'web',
    spec: {
      targetRef: { kind: 'Dataplane', labels: { app: 'web' } },
      default: { passthroughMode: 'Matched', appendMatch: [{ type: 'Domain', value: '*.example.com', port: 443, protocol: 'tls' }] },
    },
  },
  spec,
  check,
  order: 500,
})
export type MeshPassthrough = ResourceOf<typeof meshPassthroughKind>
export type MeshPassthroughSpec = Static<typeof spec>
export type PassthroughConf = Static<typeof conf>
export type PassthroughMatch = Static<typeof match>

const overHttp: readonly unknown[] = ['grpc', 'http', 'http2']

function check(spec: MeshPassthroughSpec): Violation[] {
  const matches = spec.default?.appendMatch ?? []
  return [
    ...checkTargets(spec),
    ...each(matches, 'default.appendMatch', checkMatch),
    ...matches.flatMap((match, index) => checkAgainst(match, matches.slice(0, index), `default.appendMatch[${index}]`)),
  ]
}

/** A proxy tells HTTP hosts on one port apart only when it speaks one protocol there. */
function checkAgainst(match: PassthroughMatch, earlier: readonly PassthroughMatch[], at: string): Violation[] {
  const samePort = earlier.filter(it => it.port !== undefined && it.port === match.port)
  const violations: Violation[] = []
  if (overHttp.includes(match.protocol) && samePort.some(it => overHttp.includes(it.protocol) && it.protocol !== match.protocol)) {
    violations.push({
      field: `${at}.port`,
      reason: 'using the same port in multiple matches requires the same protocol for the following protocols: [grpc http http2]',
    })
  }
  // The misspelling is Kuma's, and its test data's.
  if (samePort.some(it => it.protocol === match.protocol && it.value === match.value))
    violations.push({ field: `${at}.value`, reason: `value ${match.value} is already defiend for this port and protocol` })
  return violations
}

function checkMatch({ type, value, port, protocol }: PassthroughMatch, at: string): Violation[] {
  const violations: Violation[] = []
  if (protocol === 'mysql' && port === undefined)
    violations.push({ field: `${at}.port`, reason: 'port must be defined for Mysql protocol' })
  if (type === 'CIDR' && !isCidr(value)) violations.push({ field: `${at}.value`, reason: 'provided CIDR has incorrect value' })
  if (type === 'IP' && !isIpAddress(value)) violations.push({ field: `${at}.value`, reason: 'provided IP has incorrect value' })
  return type === 'Domain' ? [...violations, ...checkDomain({ value, port, protocol }, at)] : violations
}

function checkDomain({ value, port, protocol }: Omit<PassthroughMatch, 'type'>, at: string): Violation[] {
  const violations: Violation[] = []
  if (protocol === 'tcp' || protocol === 'mysql')
    violations.push(...violation(`${at}.protocol`, `protocol ${protocol} is not supported for a domain`))
  if (port === undefined && value.startsWith('*') && overHttp.includes(protocol))
    violations.push(...violation(`${at}.port`, "wildcard domains doesn't work for all ports and layer 7 protocol"))
  if (/^[*][^.]/.test(value))
    violations.push(...violation(`${at}.value`, 'provided DNS has incorrect value, partial wildcard is currently not supported'))
  else if (value !== '*' && !isDnsName(value.replace(/^[*][.]/, '')))
    violations.push(...violation(`${at}.value`, 'provided DNS has incorrect value'))
  return violations
}
