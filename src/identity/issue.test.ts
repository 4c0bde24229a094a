import 'reflect-metadata'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import * as x509 from '@peculiar/x509'
import fc from 'fast-check'
import { certificatesOf, fingerprintOf, normaliseFingerprint } from './fingerprint.ts'
import { issueServerCertificate, issueSvid } from './issue.ts'
import { makeKeyPair } from './keys.ts'
import { aClock, anSvid, aRoot } from './test-support.ts'
import { loadAuthority, saveAuthority } from './zone-ca.ts'

const HOUR = 3_600_000

test('a root signs certificates of its trust domain and nothing below them may sign', async () => {
  const root = await aRoot()

  const parsed = new x509.X509Certificate(root.certificate.raw)

  assert.equal(root.certificate.subjectAltName, 'URI:spiffe://default.aws-1.mesh.local')
  assert.equal(parsed.getExtension(x509.BasicConstraintsExtension)?.pathLength, 0)
  assert.equal(parsed.getExtension(x509.KeyUsagesExtension)?.usages, x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign)
  assert.equal(parsed.getExtension(x509.KeyUsagesExtension)?.critical, true)
  assert.ok(root.certificate.verify(root.certificate.publicKey))
  assert.equal(Math.round((root.notAfterMs - Date.now()) / (365 * 24 * HOUR)), 10)
})

test('a leaf has one URI name, no subject, no power to sign, both TLS purposes and 24 hours', async () => {
  const authority = await aRoot()
  const before = Date.now()

  const leaf = await anSvid({ authority })

  const parsed = new x509.X509Certificate(leaf.certificate.raw)
  assert.equal(leaf.certificate.subjectAltName, 'URI:spiffe://default.aws-1.mesh.local/workload/payments')
  assert.equal(parsed.getExtension(x509.SubjectAlternativeNameExtension)?.critical, true)
  assert.equal(parsed.subject, '')
  assert.equal(leaf.certificate.ca, false)
  assert.equal(parsed.getExtension(x509.KeyUsagesExtension)?.usages, x509.KeyUsageFlags.digitalSignature)
  assert.equal(parsed.getExtension(x509.KeyUsagesExtension)?.critical, true)
  assert.deepEqual(leaf.certificate.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  assert.ok(leaf.certificate.checkIssued(authority.certificate))
  assert.ok(Math.abs(leaf.notAfterMs - before - 24 * HOUR) < 5000)
  assert.ok(Math.abs(leaf.renewAtMs - before - 12 * HOUR) < 2.5 * HOUR)
  assert.ok(leaf.notBeforeMs <= before)
  assert.equal(leaf.certificate.validToDate.getTime(), leaf.notAfterMs)
  assert.match(leaf.serial, /^[0-9a-f]{32}$/)
})

test('no leaf outlives its issuer, is backdated past it, or lives more than a day', async () => {
  const start = Date.UTC(2026, 0, 1)
  const authority = await aRoot({ ttlMs: 48 * HOUR, clock: aClock(start) })
  const keys = makeKeyPair()
  const spiffeId = 'spiffe://default.aws-1.mesh.local/workload/web'
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 47 * HOUR }), fc.integer({ min: 1000, max: 400 * HOUR }), async (ageMs, ttlMs) => {
      const now = start + ageMs
      const leaf = await issueSvid(authority, { spiffeId, publicKey: keys.publicKey, ttlMs }, { clock: { now: () => now } })
      assert.ok(leaf.notAfterMs <= authority.notAfterMs)
      assert.ok(leaf.notBeforeMs >= authority.certificate.validFromDate.getTime())
      assert.ok(leaf.notAfterMs - now <= 24 * HOUR)
      assert.ok(leaf.renewAtMs <= leaf.notAfterMs)
    }),
    { numRuns: 40 },
  )
})

test('an issuer at its end refuses instead of handing out leaves of no use', async () => {
  const clock = aClock()
  const authority = await aRoot({ ttlMs: HOUR, clock })
  clock.advance(HOUR - 20_000)

  await assert.rejects(anSvid({ authority, clock }), { code: 'SKERRY_ISSUER_EXPIRES' })
})

test('an identity that is malformed, without a path, or of another trust domain is never signed', async () => {
  const authority = await aRoot()
  const wrong = [
    'payments',
    'spiffe://default.aws-1.mesh.local',
    'spiffe://default.aws-1.mesh.local/',
    'spiffe://default.aws-1.mesh.local/workload/../admin',
    'spiffe://default.azure-1.mesh.local/workload/payments',
    'spiffe://default.aws-1.mesh.local.evil/workload/payments',
    'https://default.aws-1.mesh.local/workload/payments',
  ]
  for (const spiffeId of wrong) await assert.rejects(anSvid({ authority, spiffeId }), { code: 'SKERRY_IDENTITY_INVALID' }, spiffeId)
})

test('the certificate of a control plane names its hosts and its addresses', async () => {
  const authority = await aRoot()
  const { publicKey } = makeKeyPair()

  const issued = await issueServerCertificate(
    authority,
    { publicKey, dnsNames: ['skerry-cp', 'localhost'], ips: ['127.0.0.1', '::1'] },
    { clock: { now: Date.now } },
  )

  const certificate = new X509Certificate(issued.chainPem)
  assert.equal(certificate.checkHost('skerry-cp'), 'skerry-cp')
  assert.equal(certificate.checkHost('localhost'), 'localhost')
  assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1')
  assert.equal(certificate.checkIP('::1'), '::1')
})

test('an authority is read back as it was saved, and not with the key of another', async () => {
  const [one, other] = [await aRoot(), await aRoot()]

  const again = loadAuthority(saveAuthority(one))

  assert.equal(fingerprintOf(again.certificate), fingerprintOf(one.certificate))
  assert.throws(() => loadAuthority(one.certificatePem + saveAuthority(other).slice(other.certificatePem.length)), {
    code: 'SKERRY_CA_UNUSABLE',
  })
})

test('fingerprints are compared however people write them', async () => {
  const { certificate, certificatePem } = await aRoot()

  const openssl = certificate.fingerprint256

  assert.equal(normaliseFingerprint(`sha256:${openssl}`), fingerprintOf(certificate))
  assert.equal(certificatesOf(certificatePem + certificatePem).length, 2)
})
