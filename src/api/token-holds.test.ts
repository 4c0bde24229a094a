import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retireSigningKey, rotateSigningKey } from '../identity/signing-keys.ts'
import { openTokenAuthority } from '../identity/token-secrets.ts'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry } from '../registry/registry.ts'
import { ManualClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'

const HOUR = 3_600_000

async function aControlPlane(t: { after: (done: () => Promise<void>) => void }) {
  const clock = new ManualClock(Date.UTC(2026, 5, 1))
  const store = new MemoryStore()
  const registry = await Registry.open(store, { clock, log: silentLog })
  const warned: unknown[] = []
  const log = { ...silentLog, warn: (_: string, fields?: Record<string, unknown>) => void warned.push(fields?.state) }
  const { authority, stop } = await openTokenAuthority(registry, { ca: 'ab'.repeat(32), clock, log })
  t.after(async () => {
    stop()
    await registry.close()
    await store.close()
  })
  const write = (key: { kind: string; mesh: string; name: string }, text: string) =>
    registry.commit([{ kind: 'put', draft: { ...key, labels: {}, spec: { data: Buffer.from(text).toString('base64') } } }])
  /** What was told of a token of the type, by the time of each. */
  const held = async (type: 'user' | 'dataplane', ttlMs = HOUR) => {
    const claims = type === 'user' ? { name: 'ann', groups: [] } : { mesh: 'shop' }
    const verdict = await authority.verify(await authority.issue({ type, claims: claims as never, ttlMs }), type)
    assert.ok(verdict.kind === 'ok')
    const lost: string[] = []
    const release = authority.hold(type, verdict.claims, ({ code }) => void lost.push(code))
    return { claims: verdict.claims, lost, release }
  }
  return { clock, registry, authority, write, held, warned }
}

test('what rests on a token is told when it is revoked, by id or by when it was made, and nobody else is', async t => {
  const { clock, authority, write, held } = await aControlPlane(t)
  const [one, other, proxy] = [await held('user'), await held('user'), await held('dataplane')]

  await write({ kind: 'GlobalSecret', mesh: '', name: 'user-token-revocations' }, `nobody,${one.claims.jti}\n`)
  assert.deepEqual([one.lost, other.lost, proxy.lost], [['SKERRY_TOKEN_REVOKED'], [], []])

  clock.advance(60_000)
  const later = await held('user')
  await write({ kind: 'GlobalSecret', mesh: '', name: 'user-token-revocations' }, `issued-before=${new Date(clock.now()).toISOString()}`)
  assert.deepEqual([other.lost, later.lost, proxy.lost], [['SKERRY_TOKEN_REVOKED'], [], []])

  await write({ kind: 'Secret', mesh: 'blog', name: 'dataplane-token-revocations-blog' }, proxy.claims.jti)
  await write({ kind: 'Secret', mesh: 'shop', name: 'dataplane-token-revocations-blog' }, proxy.claims.jti)
  assert.deepEqual(proxy.lost, [])
  await write({ kind: 'Secret', mesh: 'shop', name: 'dataplane-token-revocations-shop' }, proxy.claims.jti)
  assert.deepEqual(proxy.lost, ['SKERRY_TOKEN_REVOKED'])
  for (const release of [one.release, other.release, later.release, proxy.release]) release()
  assert.deepEqual(authority.inUse(), [])
})

test('what a user has open ends with his token, be that longer than a timer can wait', async t => {
  const { clock, authority, held } = await aControlPlane(t)
  const short = await held('user', HOUR)
  const long = await held('user', 40 * 24 * HOUR)
  const gone = await held('user', HOUR)
  gone.release()

  clock.advance(HOUR + 1000)
  assert.deepEqual([short.lost, long.lost, gone.lost], [['SKERRY_TOKEN_EXPIRED'], [], []])
  for (let day = 0; day < 41; day++) clock.advance(24 * HOUR)
  assert.deepEqual(long.lost, ['SKERRY_TOKEN_EXPIRED'])
  assert.deepEqual(authority.inUse(), [])
})

test('a proxy’s stream outlives its token, which is told before and after it ends; it is cut when the token is revoked then', async t => {
  const { clock, authority, write, held, warned } = await aControlPlane(t)
  const proxy = await held('dataplane', 30 * 24 * HOUR)
  const states = () => authority.inUse().map(({ state, subject, count }) => [state, subject, count])

  for (let day = 0; day < 26; day++) clock.advance(24 * HOUR)
  assert.deepEqual([states(), warned], [[['good', 'shop/*', 1]], []])
  for (let day = 0; day < 2; day++) clock.advance(24 * HOUR)
  assert.deepEqual([states(), warned], [[['ends soon', 'shop/*', 1]], ['ends soon', 'ends soon']])
  for (let day = 0; day < 3; day++) clock.advance(24 * HOUR)
  assert.deepEqual([states(), proxy.lost], [[['expired', 'shop/*', 1]], []])
  assert.equal(warned.at(-1), 'expired')

  await write({ kind: 'Secret', mesh: 'shop', name: 'dataplane-token-revocations-shop' }, proxy.claims.jti)
  assert.deepEqual([states(), proxy.lost], [[], ['SKERRY_TOKEN_REVOKED']])
})

test('after a rotation both keys count; retiring the old one cuts what it signed', async t => {
  const { registry, authority, held } = await aControlPlane(t)
  const before = await held('user')
  const old = authority.signing.user.kid

  await assert.rejects(retireSigningKey(registry, 'user', old), { code: 'SKERRY_SIGNING_KEY_IN_USE' })
  const kid = await rotateSigningKey(registry, 'user')
  const after = await held('user')

  assert.deepEqual([authority.signing.user.kid, after.claims.kid, before.claims.kid], [kid, kid, old])
  assert.deepEqual(before.lost, [])
  await retireSigningKey(registry, 'user', old)
  assert.deepEqual([before.lost, after.lost], [['SKERRY_TOKEN_INVALID'], []])
  await assert.rejects(retireSigningKey(registry, 'user', old), { code: 'SKERRY_SIGNING_KEY_UNKNOWN' })
  after.release()
})

test('keys that are deleted are made anew, and end all that they signed', async t => {
  const { registry, authority, held } = await aControlPlane(t)
  const user = await held('user')
  const proxy = await held('dataplane')
  const { kid } = authority.signing.user

  await registry.commit([{ kind: 'delete', key: { kind: 'GlobalSecret', mesh: '', name: 'user-token-signing-keys' } }])
  while (authority.signing.user.kid === kid) await new Promise(resolve => setImmediate(resolve))

  assert.deepEqual([user.lost, proxy.lost], [['SKERRY_TOKEN_INVALID'], []])
  proxy.release()
})
