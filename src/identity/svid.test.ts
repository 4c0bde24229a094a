import 'reflect-metadata'
import assert from 'node:assert/strict'
import type { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import * as x509 from '@peculiar/x509'
import { exportPublicKey, makeKeyPair } from './keys.ts'
import { newSerial, signCertificate } from './sign-certificate.ts'
import { type SvidRefusal, type TrustBundles, verifySvid } from './svid.ts'
import { aClock, anSvid, aRoot } from './test-support.ts'
import type { CertificateAuthority } from './zone-ca.ts'

const AWS = 'default.aws-1.mesh.local'
const AZURE = 'default.azure-1.mesh.local'

test('an SVID that chains to the roots of its own trust domain gives the identity in it', async () => {
  const authority = await aRoot()
  const { certificate, notAfterMs } = await anSvid({ authority })

  const verdict = verifySvid([certificate], bundles([AWS, authority]), Date.now())

  assert.deepEqual(verdict, {
    kind: 'ok',
    peer: { uri: `spiffe://${AWS}/workload/payments`, id: { trustDomain: AWS, path: '/workload/payments' }, notAfterMs },
  })
})

test('while a root is replaced, leaves of the old and of the new one pass', async () => {
  const [old, next] = [await aRoot(), await aRoot()]
  const trust = bundles([AWS, old, next])

  for (const authority of [old, next]) {
    const { certificate } = await anSvid({ authority })
    assert.equal(verifySvid([certificate], trust, Date.now()).kind, 'ok')
  }
})

test('the root of one zone cannot vouch for the identity of another zone', async () => {
  const [aws, azure] = [await aRoot({ trustDomain: AWS }), await aRoot({ trustDomain: AZURE })]
  const forged = await leaf(azure, { uris: [`spiffe://${AWS}/workload/payments`] })

  check(verifySvid([forged], bundles([AWS, aws], [AZURE, azure]), Date.now()), 'SKERRY_SVID_UNTRUSTED')
})

test('a trust domain that is not known, or known without roots, trusts nobody', async () => {
  const authority = await aRoot()
  const { certificate } = await anSvid({ authority })

  check(verifySvid([certificate], new Map(), Date.now()), 'SKERRY_SVID_UNTRUSTED')
  check(verifySvid([certificate], new Map([[AWS, []]]), Date.now()), 'SKERRY_SVID_UNTRUSTED')
  check(verifySvid([], bundles([AWS, authority]), Date.now()), 'SKERRY_SVID_INVALID')
})

test('a certificate before or after its time is refused, with a little patience for clocks that are behind', async () => {
  const clock = aClock()
  const authority = await aRoot({ clock })
  const { certificate, notBeforeMs, notAfterMs } = await anSvid({ authority, clock })
  const trust = bundles([AWS, authority])

  check(verifySvid([certificate], trust, notAfterMs + 1000), 'SKERRY_SVID_DATES')
  check(verifySvid([certificate], trust, notBeforeMs - 60_000), 'SKERRY_SVID_DATES')
  assert.equal(verifySvid([certificate], trust, clock.now()).kind, 'ok')
})

test('a leaf of a root past its end is refused', async () => {
  const clock = aClock()
  const authority = await aRoot({ clock, ttlMs: 3_600_000 })
  const outliving = await leaf(authority, { uris: [`spiffe://${AWS}/workload/web`], clock, ttlMs: 7_200_000 })
  clock.advance(5_400_000)

  check(verifySvid([outliving], bundles([AWS, authority]), clock.now()), 'SKERRY_SVID_UNTRUSTED')
})

test('what is not an SVID to the letter is refused, also when a trusted root signed it', async () => {
  const authority = await aRoot()
  const trust = bundles([AWS, authority])
  const payments = `spiffe://${AWS}/workload/payments`
  const cases: [string, LeafForm][] = [
    ['two URI names', { uris: [payments, `spiffe://${AWS}/workload/admin`] }],
    ['no URI name', { uris: [] }],
    ['the trust domain itself', { uris: [`spiffe://${AWS}`] }],
    ['a URL that is no SPIFFE ID', { uris: ['https://example.com/workload'] }],
    ['a query', { uris: [`${payments}?a=b`] }],
    ['a dot segment', { uris: [`spiffe://${AWS}/workload/../admin`] }],
    ['a CA', { uris: [payments], ca: true }],
    ['may sign certificates', { uris: [payments], usages: x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign }],
    ['may sign CRLs', { uris: [payments], usages: x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.cRLSign }],
    ['may not sign handshakes', { uris: [payments], usages: x509.KeyUsageFlags.keyAgreement }],
    ['no key usage', { uris: [payments], usages: null }],
  ]
  for (const [name, form] of cases) {
    const verdict = verifySvid([await leaf(authority, form)], trust, Date.now())
    assert.equal(verdict.kind === 'refused' && verdict.code, 'SKERRY_SVID_INVALID', name)
  }
})

test('a workload cannot sign for another with its own leaf', async () => {
  const authority = await aRoot()
  const keys = makeKeyPair()
  const mine = await anSvid({ authority, keys })
  const forged = await leaf(
    { ...authority, certificate: mine.certificate, privateKey: keys.privateKey },
    { uris: [`spiffe://${AWS}/workload/admin`] },
  )

  check(verifySvid([forged, mine.certificate], bundles([AWS, authority]), Date.now()), 'SKERRY_SVID_UNTRUSTED')
})

test('names of other sorts beside the one URI name do no harm', async () => {
  const authority = await aRoot()
  const certificate = await leaf(authority, { uris: [`spiffe://${AWS}/workload/web`], dns: ['web.local'] })

  assert.equal(verifySvid([certificate], bundles([AWS, authority]), Date.now()).kind, 'ok')
})

interface LeafForm {
  readonly uris: readonly string[]
  readonly dns?: readonly string[]
  readonly ca?: boolean
  readonly usages?: number | null
  readonly clock?: { now(): number }
  readonly ttlMs?: number
}

/** A certificate of any form, well signed: what a careless or hostile CA could make. */
async function leaf(authority: CertificateAuthority, form: LeafForm): Promise<X509Certificate> {
  const clock = form.clock ?? { now: Date.now }
  const names = [
    ...form.uris.map(value => ({ type: 'url' as const, value })),
    ...(form.dns ?? []).map(value => ({ type: 'dns' as const, value })),
  ]
  const usages = form.usages === undefined ? x509.KeyUsageFlags.digitalSignature : form.usages
  return signCertificate(
    {
      serialNumber: newSerial({ clock }),
      issuer: new x509.X509Certificate(authority.certificate.raw).subjectName,
      publicKey: exportPublicKey(makeKeyPair().publicKey),
      notBefore: new Date(clock.now() - 60_000),
      notAfter: new Date(clock.now() + (form.ttlMs ?? 3_600_000)),
      extensions: [
        new x509.BasicConstraintsExtension(form.ca ?? false, undefined, true),
        ...(usages === null ? [] : [new x509.KeyUsagesExtension(usages, true)]),
        ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names, true)]),
      ],
    },
    authority.privateKey,
  )
}

function bundles(...domains: [string, ...CertificateAuthority[]][]): TrustBundles {
  return new Map(domains.map(([domain, ...roots]) => [domain, roots.map(root => root.certificate)]))
}

function check(verdict: ReturnType<typeof verifySvid>, code: SvidRefusal): void {
  assert.equal(verdict.kind === 'refused' && verdict.code, code)
}
