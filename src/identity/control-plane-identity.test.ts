import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import type { Resource, ResourceDraft, ResourceKey } from '../model/resource.ts'
import { formatKey } from '../model/resource.ts'
import { ManualClock, systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { ControlPlaneIdentity } from './control-plane-identity.ts'
import { makeKeyPair } from './keys.ts'
import { loadOrCreateMeshCa } from './mesh-ca.ts'
import type { TokenRegistry } from './token-secrets.ts'
import { issueToken, verifyToken } from './tokens.ts'

const options = { clock: systemClock, log: silentLog }
const HOUR = 3_600_000

test('a restarted control plane is who it was: same CA, and tokens made before still hold', async () => {
  const registry = aRegistry()
  await using before = await ControlPlaneIdentity.loadOrCreate(registry, options)
  const token = await issueToken(before.tokens, { type: 'zone', claims: { zone: 'aws-1' }, ttlMs: HOUR }, systemClock)

  await using after = await ControlPlaneIdentity.loadOrCreate(registry, options)

  assert.equal(after.fingerprint, before.fingerprint)
  assert.equal((await verifyToken(after.tokens, token, 'zone', systemClock)).kind, 'ok')
  const certificate = new X509Certificate(after.server.cert)
  assert.ok(certificate.verify(new X509Certificate(before.caPem).publicKey))
  assert.equal(certificate.checkHost('skerry-cp'), 'skerry-cp')
  assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1')
  assert.notEqual(after.server.key, before.server.key)
})

test('replicas that start together agree on one CA and one set of keys', async () => {
  const registry = aRegistry({ delayMs: 5 })

  const replicas = await Promise.all([1, 2, 3].map(() => ControlPlaneIdentity.loadOrCreate(registry, options)))

  assert.equal(new Set(replicas.map(replica => replica.fingerprint)).size, 1)
  assert.equal(new Set(replicas.map(replica => replica.tokens.signing.user.kid)).size, 1)
  await Promise.all(replicas.map(replica => replica[Symbol.asyncDispose]()))
})

test('the server certificate is renewed around half its life, and its servers are told', async () => {
  const clock = new ManualClock()
  await using identity = await ControlPlaneIdentity.loadOrCreate(aRegistry(), { clock, log: silentLog })
  const first = identity.server
  const renewed = new Promise<string>(resolve => identity.onRenew(server => resolve(server.cert)))

  clock.advance(9 * HOUR)
  assert.equal(identity.server.cert, first.cert)
  await clock.run(6 * HOUR)

  assert.equal(await renewed, identity.server.cert)
  assert.notEqual(identity.server.cert, first.cert)
  assert.ok(identity.server.notAfterMs > first.notAfterMs)
})

test('a mesh has its own CA in each zone, kept across restarts, that issues for its own trust domain only', async () => {
  const registry = aRegistry()
  const request = { mesh: 'default', zone: 'aws-1', identityName: 'identity' }
  const { publicKey } = makeKeyPair()

  const ca = await loadOrCreateMeshCa(registry, request, systemClock)
  const again = await loadOrCreateMeshCa(registry, request, systemClock)
  const other = await loadOrCreateMeshCa(registry, { ...request, mesh: 'shop' }, systemClock)

  assert.equal(ca.trustDomain, 'default.aws-1.mesh.local')
  assert.equal(again.fingerprint, ca.fingerprint)
  assert.notEqual(other.fingerprint, ca.fingerprint)
  const issued = await again.issue('spiffe://default.aws-1.mesh.local/workload/web', publicKey, HOUR)
  assert.ok(new X509Certificate(issued.chainPem).verify(new X509Certificate(ca.rootPem).publicKey))
  await assert.rejects(other.issue('spiffe://default.aws-1.mesh.local/workload/web', publicKey), { code: 'SKERRY_IDENTITY_INVALID' })
})

/** Keeps secrets as a registry does: one writer wins, and memory may lag behind the store. */
function aRegistry({ delayMs = 0 } = {}): TokenRegistry {
  const stored = new Map<string, ResourceDraft>()
  const seen = new Map<string, Resource>()
  return {
    get: (key: ResourceKey) => seen.get(formatKey(key)),
    list: kind => [...seen.values()].filter(resource => resource.kind === kind),
    onChange: () => () => {},
    async commit([{ draft }]) {
      const id = formatKey(draft)
      await new Promise(resolve => setTimeout(resolve, delayMs))
      if (stored.has(id)) throw Object.assign(new Error('conflict'), { code: 'SKERRY_REVISION_CONFLICT' })
      stored.set(id, draft)
      await new Promise(resolve => setTimeout(resolve, delayMs))
      seen.set(id, { ...draft, creationTime: '', modificationTime: '', revision: 1 })
    },
  }
}
