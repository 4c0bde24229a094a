import assert from 'node:assert/strict'
import { createPublicKey, X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { identityFiles } from '../../envoy/grpc/bootstrap.ts'
import { aRoot } from '../../identity/test-support.ts'
import { formatBundles, IdentityFiles, parseBundles } from './identity-files.ts'

async function inFolder(run: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'skerry-grpc-'))
  try {
    await run(join(folder, 'identity'), folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const pair = (name: string) => ({ chainPem: `chain ${name}`, keyPem: `key ${name}`, spiffeId: 'spiffe://a/b' })
const rootPem = async (trustDomain: string) => (await aRoot({ trustDomain })).certificatePem

test('a certificate is there with whom to believe, or not at all, and all of it is of one generation', () =>
  inFolder(async (path, folder) => {
    const files = new IdentityFiles(path)
    const read = (name: string) => readFile(join(path, name), 'utf8')

    await files.setIdentity(pair('1'))
    assert.equal(files.isWritten, false)
    await files.setTrust(new Map([['a.mesh', [await rootPem('a.mesh')]]]))
    assert.equal(files.isWritten, true)
    await Promise.all([files.setIdentity(pair('2')), files.setIdentity(pair('3'))])

    assert.deepEqual([await read(identityFiles.chain), await read(identityFiles.key)], ['chain 3', 'key 3'])
    assert.match(await read(identityFiles.roots), /BEGIN CERTIFICATE/)
    assert.equal((await stat(join(path, identityFiles.key))).mode & 0o777, 0o600)
    assert.equal((await readdir(folder)).length, 2, 'earlier generations are gone')
  }))

test('who was believed is believed over a restart, until told otherwise', () =>
  inFolder(async path => {
    const before = new IdentityFiles(path)
    await before.setTrust(new Map([['a.mesh', [await rootPem('a.mesh')]]]))
    await before.setIdentity(pair('1'))

    const after = new IdentityFiles(path)
    await after.restore()
    await after.setIdentity(pair('2'))

    assert.equal(await readFile(join(path, identityFiles.chain), 'utf8'), 'chain 2')
    assert.match(await readFile(join(path, identityFiles.roots), 'utf8'), /BEGIN CERTIFICATE/)
  }))

test('bundles are kept apart by trust domain, as JSON Web Keys that say what the certificates say', async () => {
  const trust = new Map([
    ['a.mesh', [await rootPem('a.mesh')]],
    ['b.mesh', [await rootPem('b.mesh'), await rootPem('b.mesh')]],
  ])

  const text = formatBundles(trust)

  const { trust_domains } = JSON.parse(text) as { trust_domains: Record<string, { keys: { use: string; x5c: [string] }[] }> }
  assert.deepEqual(
    Object.entries(trust_domains).map(([domain, { keys }]) => [domain, keys.length]),
    [
      ['a.mesh', 1],
      ['b.mesh', 2],
    ],
  )
  const [key] = trust_domains['a.mesh']!.keys as [{ use: string; x5c: [string] }]
  const certificate = new X509Certificate(Buffer.from(key.x5c[0], 'base64'))
  assert.equal(key.use, 'x509-svid')
  assert(createPublicKey({ key: key as never, format: 'jwk' }).equals(certificate.publicKey))
  assert.equal(parseBundles(text)?.get('b.mesh')?.length, 2)
  assert.equal(parseBundles('{'), null)
})
