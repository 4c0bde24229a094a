import Type, { type Static } from 'typebox'
import type { Violation } from './kind.ts'
import { closed } from './schema.ts'

const versions = ['TLSAuto', 'TLS10', 'TLS11', 'TLS12', 'TLS13'] as const

const version = Type.Optional(Type.Enum([...versions], { default: 'TLSAuto' }))

/** The oldest and the newest version of TLS to speak; TLSAuto = as the proxy prefers. */
export const tlsVersions = closed({ min: version, max: version }, { description: 'The oldest and the newest version of TLS to speak.' })
export type TlsVersions = Static<typeof tlsVersions>

/** The newest must not be older than the oldest. */
export function tlsVersionProblems(at: string, { min = 'TLSAuto', max = 'TLSAuto' }: TlsVersions): Violation[] {
  if (min === 'TLSAuto' || max === 'TLSAuto' || versions.indexOf(min) <= versions.indexOf(max)) return []
  return [{ field: `${at}.min`, reason: 'min version must be lower than max' }]
}
