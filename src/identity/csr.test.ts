import 'reflect-metadata'
import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { test } from 'node:test'
import * as x509 from '@peculiar/x509'
import { makeCsr, readCsr } from './csr.ts'
import { DER, writeDer } from './der.ts'
import { exportPublicKey, makeKeyPair } from './keys.ts'

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const ECDSA_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex')
const VERSION_1 = Buffer.from([2, 1, 0])

test('a request of ours is read back as the key that made it, and a foreign library agrees that it is well signed', async () => {
  const keys = makeKeyPair()

  const csr = makeCsr(keys)

  const verdict = readCsr(csr)
  assert.equal(verdict.kind, 'ok')
  assert.ok(verdict.kind === 'ok' && verdict.publicKey.equals(keys.publicKey))
  const foreign = new x509.Pkcs10CertificateRequest(csr)
  assert.equal(await foreign.verify(), true)
  assert.equal(foreign.subject, '')
})

test('an Ed25519 request is accepted', () => {
  const keys = generateKeyPairSync('ed25519')

  assert.equal(readCsr(makeCsr(keys)).kind, 'ok')
})

test('nothing that a hostile request asks for is even read: two SPIFFE IDs, CA:TRUE, DNS and IP names come out as a bare key', async () => {
  const keys = await crypto.subtle.generateKey(EC, true, ['sign', 'verify'])
  const greedy = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=admin, O=Skerry',
    keys,
    signingAlgorithm: EC,
    extensions: [
      new x509.BasicConstraintsExtension(true, 5, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'url', value: 'spiffe://default.aws-1.mesh.local/workload/payments' },
        { type: 'url', value: 'spiffe://default.aws-1.mesh.local/workload/admin' },
        { type: 'dns', value: 'skerry-cp' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  })

  const verdict = readCsr(Buffer.from(greedy.rawData))

  assert.deepEqual(Object.keys(verdict).sort(), ['kind', 'publicKey'])
})

test('keys outside the list are refused, whatever their size', () => {
  const kinds: [string, { publicKey: KeyObject; privateKey: KeyObject }][] = [
    ['RSA-1024', generateKeyPairSync('rsa', { modulusLength: 1024 })],
    ['RSA-2048', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['P-224', generateKeyPairSync('ec', { namedCurve: 'secp224r1' })],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' })],
    ['Ed448', generateKeyPairSync('ed448')],
    ['X25519', generateKeyPairSync('x25519')],
  ]
  for (const [name, keys] of kinds) {
    const verdict = readCsr(requestWith({ keys, signature: Buffer.alloc(64, 1) }))

    assert.equal(verdict.kind === 'refused' && verdict.code, 'SKERRY_CSR_KEY', name)
  }
})

test('without a signature by the very key of the request nobody gets a certificate', () => {
  const [mine, theirs] = [makeKeyPair(), makeKeyPair()]
  const cases: [string, Buffer][] = [
    ['signed with another key', requestWith({ keys: { publicKey: theirs.publicKey, privateKey: mine.privateKey } })],
    ['signature cut off', requestWith({ keys: mine, signature: Buffer.alloc(0) })],
    ['signature of zeroes', requestWith({ keys: mine, signature: Buffer.alloc(70) })],
    ['r = s = 0', requestWith({ keys: mine, signature: Buffer.from('3006020100020100', 'hex') })],
    ['algorithm says SHA-1', requestWith({ keys: mine, oid: Buffer.from('06072a8648ce3d0401', 'hex') })],
    ['algorithm says Ed25519', requestWith({ keys: mine, oid: Buffer.from('06032b6570', 'hex') })],
    ['one byte of the key changed', flipped(makeCsr(mine), 60)],
  ]
  for (const [name, csr] of cases) {
    const verdict = readCsr(csr)

    assert.equal(verdict.kind, 'refused', name)
  }
})

test('bytes that are no request are refused and harm nobody', () => {
  const good = makeCsr(makeKeyPair())
  const cases = [
    Buffer.alloc(0),
    Buffer.from('hello'),
    Buffer.alloc(9000, 0x30),
    Buffer.from([0x30, 0x80, 0, 0]),
    Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
    Buffer.concat([good, Buffer.from([0])]),
    good.subarray(0, good.length - 1),
    Buffer.from(good.toString('base64')),
    writeDer(DER.sequence),
    writeDer(DER.sequence, writeDer(DER.sequence), writeDer(DER.sequence), writeDer(DER.bitString)),
    ...Array.from({ length: good.length }, (_, i) => good.subarray(0, i)),
    ...Array.from({ length: 60 }, (_, i) => flipped(good, i)),
  ]
  for (const bytes of cases) assert.equal(readCsr(bytes).kind, 'refused', bytes.toString('hex').slice(0, 40))
})

function requestWith(parts: { keys: { publicKey: KeyObject; privateKey: KeyObject }; oid?: Buffer; signature?: Buffer }): Buffer {
  const info = writeDer(DER.sequence, VERSION_1, writeDer(DER.sequence), exportPublicKey(parts.keys.publicKey), writeDer(DER.context0))
  const signature = parts.signature ?? sign('sha256', info, parts.keys.privateKey)
  return writeDer(
    DER.sequence,
    info,
    writeDer(DER.sequence, parts.oid ?? ECDSA_SHA256),
    writeDer(DER.bitString, Buffer.from([0]), signature),
  )
}

function flipped(bytes: Buffer, index: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[index]! ^= 0xff
  return copy
}
