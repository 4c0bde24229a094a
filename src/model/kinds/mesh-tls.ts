import Type, { type Static } from 'typebox'
import { checkTargets } from '../check-targets.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { definePolicy } from '../policy-kind.ts'
import { each, unwanted } from '../rules.ts'
import { closed, defaulting, oneOf } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'
import { tlsVersionProblems, tlsVersions } from '../tls-version.ts'

const cipher = oneOf(
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-RSA-CHACHA20-POLY1305',
)

const conf = closed({
  mode: Type.Optional(
    Type.Enum(['Permissive', 'Strict'], {
      description: 'Strict: callers without a certificate of the mesh are refused. Permissive: they are let in.',
    }),
  ),
  tlsVersion: Type.Optional(tlsVersions),
  tlsCiphers: Type.Optional(Type.Array(cipher)),
})

const spec = closed({
  targetRef: Type.Optional(topTargetRef),
  rules: Type.Optional(
    Type.Array(closed({ default: defaulting(conf, {}) }), { description: 'For requests and connections that come in.' }),
  ),
})

/** Must callers prove who they are, and which TLS is spoken. */
export const meshTLSKind = definePolicy({
  kind: 'MeshTLS',
  short: 'mtls',
  path: 'meshtlses',
  description: 'Whether callers must prove who they are, and which versions and ciphers of TLS are spoken in the mesh.',
  example: { name: 'strict', spec: { rules: [{ default: { mode: 'Strict', tlsVersion: { min: 'TLS12' } } }] } },
  spec,
  check,
  order: 300,
})
export type MeshTLS = ResourceOf<typeof meshTLSKind>
export type MeshTLSSpec = Static<typeof spec>
export type TlsConf = Static<typeof conf>

function check(spec: MeshTLSSpec): Violation[] {
  const topKind = spec.targetRef?.kind ?? 'Mesh'
  return [...checkTargets(spec), ...each(spec.rules, 'rules', (rule, at) => checkConf(rule.default, `${at}.default`, topKind))]
}

/** Which TLS is spoken is agreed by both ends, so that it can only be said for all of them. */
function checkConf({ tlsVersion, tlsCiphers }: TlsConf, at: string, topKind: string): Violation[] {
  if (topKind === 'Mesh') return tlsVersion === undefined ? [] : tlsVersionProblems(`${at}.tlsVersion`, tlsVersion)
  return Object.entries({ tlsCiphers, tlsVersion }).flatMap(([field, value]) =>
    value === undefined ? [] : unwanted(`${at}.${field}`, `${field} can only be defined with top level targetRef kind: Mesh`),
  )
}
