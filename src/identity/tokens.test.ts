import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { SignJWT, UnsecuredJWT } from 'jose'
import { makeKeyPair } from './keys.ts'
import { aClock } from './test-support.ts'
import { peekToken } from './token-claims.ts'
import { issueToken, makeTokenKeys, type TokenKeys, type TokenRefusal, verifyToken } from './tokens.ts'

const HOUR = 3_600_000
const clock = aClock()

function someKeys(ca = 'aa'.repeat(32)): TokenKeys {
  return makeTokenKeys(ca, { dataplane: makeKeyPair(), zone: makeKeyPair(), user: makeKeyPair() })
}

const keys = someKeys()
const payments = { type: 'dataplane', claims: { mesh: 'default', workload: 'payments' }, ttlMs: HOUR } as const

test('a token says what it was made for, and its reader learns the CA from it without a key', async () => {
  const token = await issueToken(keys, payments, clock)

  const verdict = await verifyToken(keys, token, 'dataplane', clock)
  assert.ok(verdict.kind === 'ok')
  assert.equal(verdict.claims.mesh, 'default')
  assert.equal(verdict.claims.workload, 'payments')
  assert.equal(verdict.claims.name, undefined)
  assert.equal(verdict.claims.sub, 'default/payments')
  assert.equal(peekToken(token)?.ca, keys.ca)
  assert.equal(peekToken(token)?.expiresMs, clock.now() + HOUR)
})

test('each type of token opens its own door only', async () => {
  const tokens = {
    dataplane: await issueToken(keys, payments, clock),
    zone: await issueToken(keys, { type: 'zone', claims: { zone: 'aws-1' }, ttlMs: HOUR }, clock),
    user: await issueToken(keys, { type: 'user', claims: { name: 'ann', groups: ['admin'] }, ttlMs: HOUR }, clock),
  }
  for (const [type, token] of Object.entries(tokens)) {
    for (const door of ['dataplane', 'zone', 'user'] as const) {
      const verdict = await verifyToken(keys, token, door, clock)
      if (door === type) assert.equal(verdict.kind, 'ok')
      else assert.equal(verdict.kind === 'refused' && verdict.code, 'SKERRY_TOKEN_WRONG_TYPE', `${type} at ${door}`)
    }
  }
})

test('a token of another control plane is refused, and the refusal says whose it is', async () => {
  const token = await issueToken(someKeys('bb'.repeat(32)), payments, clock)

  const verdict = await verifyToken(keys, token, 'dataplane', clock)

  assert.ok(verdict.kind === 'refused')
  assert.equal(verdict.code, 'SKERRY_TOKEN_WRONG_CONTROL_PLANE')
  assert.match(verdict.reason, /bbbbbbbbbbbb.*skerry token dataplane/)
})

test('a token before or after its time is refused', async () => {
  const clock = aClock()
  const token = await issueToken(keys, payments, clock)

  check(await verifyToken(keys, token, 'dataplane', { now: () => clock.now() + HOUR + 10_000 }), 'SKERRY_TOKEN_EXPIRED')
  check(await verifyToken(keys, token, 'dataplane', { now: () => clock.now() - 60_000 }), 'SKERRY_TOKEN_NOT_YET_VALID')
})

test('after a change of keys, tokens of the old ones hold as long as the old keys are kept', async () => {
  const old = makeKeyPair()
  const rest = { zone: makeKeyPair(), user: makeKeyPair() }
  const before = makeTokenKeys(keys.ca, { dataplane: old, ...rest })
  const token = await issueToken(before, payments, clock)

  const overlapping = makeTokenKeys(keys.ca, { dataplane: makeKeyPair(), ...rest }, [['dataplane', old]])
  const after = makeTokenKeys(keys.ca, { dataplane: makeKeyPair(), ...rest })

  assert.equal((await verifyToken(overlapping, token, 'dataplane', clock)).kind, 'ok')
  check(await verifyToken(after, token, 'dataplane', clock), 'SKERRY_TOKEN_INVALID')
})

test('the algorithm is that of the key: none, HMAC with the public key, other curves and smuggled keys do not pass', async () => {
  const kid = keys.signing.dataplane.kid
  const mine = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicPem = keys.verifying.get(kid)!.publicKey.export({ type: 'spki', format: 'pem' })
  const now = Math.floor(clock.now() / 1000)
  const claims = { mesh: 'default', ca: keys.ca, iss: 'skerry', aud: 'dataplane', sub: 'x', jti: 'x', iat: now, nbf: now, exp: now + 3600 }
  const unsecured = new UnsecuredJWT(claims).encode()
  const none = Buffer.from(JSON.stringify({ alg: 'none', kid })).toString('base64url')
  const jwk = mine.publicKey.export({ format: 'jwk' })
  const forged = [
    unsecured,
    [none, unsecured.split('.')[1], ''].join('.'),
    await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid }).sign(Buffer.from(publicPem)),
    await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(mine.privateKey),
    await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid, jwk }).sign(mine.privateKey),
    await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid, jku: 'http://127.0.0.1:1/jwks' }).sign(mine.privateKey),
    await new SignJWT(claims).setProtectedHeader({ alg: 'ES384', kid }).sign(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey),
  ]
  for (const token of forged) assert.equal((await verifyToken(keys, token, 'dataplane', clock)).kind, 'refused', token.slice(0, 60))
})

test('a well signed token that lacks what its type must say is refused', async () => {
  const { kid, privateKey } = keys.signing.dataplane
  const now = Math.floor(clock.now() / 1000)
  const whole = { mesh: 'default', ca: keys.ca, iss: 'skerry', aud: 'dataplane', sub: 'x', jti: 'x', iat: now, nbf: now, exp: now + 3600 }
  for (const left of ['mesh', 'ca', 'iss', 'aud', 'sub', 'jti', 'iat', 'nbf', 'exp'] as const) {
    const { [left]: _, ...claims } = whole
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey)
    assert.equal((await verifyToken(keys, token, 'dataplane', clock)).kind, 'refused', left)
  }
  const odd = await new SignJWT({ ...whole, mesh: { $ne: 1 } }).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey)
  assert.equal((await verifyToken(keys, odd, 'dataplane', clock)).kind, 'refused')
})

test('no text makes verifying throw', async () => {
  const good = await issueToken(keys, payments, clock)
  const oddKid = (kid: unknown) =>
    `${Buffer.from(JSON.stringify({ alg: 'ES256', kid })).toString('base64url')}.${good.split('.').slice(1).join('.')}`
  const texts = [
    '',
    '.',
    '..',
    '...',
    good.slice(0, -4),
    `${good}x`,
    'x'.repeat(10_000),
    oddKid(7),
    oddKid(null),
    oddKid(['a']),
    oddKid('__proto__'),
  ]
  for (const text of texts) assert.equal((await verifyToken(keys, text, 'dataplane', clock)).kind, 'refused', text.slice(0, 40))
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 200 }), async text => {
      assert.equal((await verifyToken(keys, text, 'dataplane', clock)).kind, 'refused')
      assert.equal(peekToken(text), undefined)
    }),
    { numRuns: 100 },
  )
})

function check(verdict: Awaited<ReturnType<typeof verifyToken>>, code: TokenRefusal): void {
  assert.equal(verdict.kind === 'refused' && verdict.code, code)
}
