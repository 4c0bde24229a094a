import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TrustAcknowledgement } from '../model/kinds/trust-acknowledgement.ts'
import { mutualTrust } from './mutual-trust.ts'
import { aResource } from './testing.ts'

type Roots = Record<string, string[]>

function said(zone: string, trusts: Roots, signedBy: Roots): TrustAcknowledgement {
  const list = (roots: Roots) => Object.entries(roots).map(([trustDomain, of]) => ({ trustDomain, roots: of }))
  return aResource<TrustAcknowledgement>('TrustAcknowledgement', zone, { trusts: list(trusts), signedBy: list(signedBy) })
}

const [east, west] = ['default.east.mesh.local', 'default.west.mesh.local']

/** May proxies of zone east call a service of zone west? */
function kindOf(ofCaller: TrustAcknowledgement | undefined, ofCallee: TrustAcknowledgement | undefined, domains = [west]): string {
  const identities = domains.map(domain => `spiffe://${domain}/workload/payments`)
  return mutualTrust({ mesh: 'default', caller: 'east', callee: 'west', ofCaller, ofCallee, identities }).kind
}

test('a zone that has said nothing is not trusted, nor does it trust', () => {
  const own = said('east', { [east]: ['e'], [west]: ['w'] }, { [east]: ['e'] })
  assert.equal(kindOf(own, undefined), 'untrusted')
  assert.equal(kindOf(undefined, own), 'untrusted')
})

test('a root that is in the bundle but does not sign need not be acknowledged yet', () => {
  const caller = said('east', { [east]: ['e'], [west]: ['w'] }, { [east]: ['e'] })
  const callee = said('west', { [east]: ['e'], [west]: ['w', 'w2'] }, { [west]: ['w'] })
  assert.equal(kindOf(caller, callee), 'trusted')
})

test('a root that signs must be acknowledged on both sides', () => {
  const caller = said('east', { [east]: ['e'], [west]: ['w'] }, { [east]: ['e'] })
  const callee = said('west', { [east]: ['e'], [west]: ['w', 'w2'] }, { [west]: ['w', 'w2'] })
  assert.equal(kindOf(caller, callee), 'untrusted')

  const callerSignsNew = said('east', { [east]: ['e', 'e2'], [west]: ['w', 'w2'] }, { [east]: ['e2'] })
  assert.equal(kindOf(callerSignsNew, callee), 'untrusted')
})

test('every trust domain that the service’s identities name must be acknowledged', () => {
  const caller = said('east', { [east]: ['e'], [west]: ['w'] }, { [east]: ['e'] })
  const callee = said('west', { [east]: ['e'], [west]: ['w'] }, { [west]: ['w'] })
  assert.equal(kindOf(caller, callee, [west, 'corp.example']), 'untrusted')
})

test('callers with identities of a domain that was never distributed keep no others of their zone out', () => {
  const callee = said('west', { [east]: ['e'], [west]: ['w'] }, { [west]: ['w'] })
  const caller = said('east', { [east]: ['e'], [west]: ['w'] }, { [east]: ['e'], 'corp.example': ['c'] })
  assert.equal(kindOf(caller, callee), 'trusted')

  const halfWay = said('west', { [east]: ['e'], [west]: ['w'], 'corp.example': [] }, { [west]: ['w'] })
  assert.equal(kindOf(caller, halfWay), 'untrusted')
})

test('trust domains compare without case', () => {
  const caller = said('east', { [east]: ['e'], [west.toUpperCase()]: ['w'] }, { [east]: ['e'] })
  const callee = said('west', { [east]: ['e'], [west]: ['w'] }, { [west]: ['w'] })
  assert.equal(kindOf(caller, callee), 'trusted')
})
