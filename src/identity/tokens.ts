import { createHash, type KeyObject, randomUUID } from 'node:crypto'
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import type { Clock } from '../std/clock.ts'
import { exportPublicKey, type KeyPair } from './keys.ts'
import { type ClaimsByType, peekToken, readClaims, type StandardClaims, TOKEN_ISSUER, type TokenType } from './token-claims.ts'

/** The keys of one control plane, one per type of token, so that a leaked one makes no other type. */
export interface TokenKeys {
  /** Fingerprint of the control plane's own CA. */
  readonly ca: string
  readonly signing: Readonly<Record<TokenType, TokenKey>>
  /** By `kid`: the signing keys, and those that were before them and whose tokens still hold. */
  readonly verifying: ReadonlyMap<string, VerifyingKey>
}

export interface TokenKey {
  readonly kid: string
  readonly privateKey: KeyObject
}

export interface VerifyingKey {
  readonly type: TokenType
  readonly publicKey: KeyObject
}

export interface TokenRequest<T extends TokenType = TokenType> {
  readonly type: T
  readonly claims: ClaimsByType[T]
  readonly ttlMs: number
}

export type TokenVerdict<T extends TokenType> = { readonly kind: 'ok'; readonly claims: ClaimsByType[T] & StandardClaims } | RefusedToken

export interface RefusedToken {
  readonly kind: 'refused'
  readonly code: TokenRefusal
  readonly reason: string
}

export type TokenRefusal =
  | 'SKERRY_TOKEN_REVOKED'
  | 'SKERRY_TOKEN_MALFORMED'
  | 'SKERRY_TOKEN_EXPIRED'
  | 'SKERRY_TOKEN_NOT_YET_VALID'
  | 'SKERRY_TOKEN_WRONG_TYPE'
  | 'SKERRY_TOKEN_WRONG_CONTROL_PLANE'
  | 'SKERRY_TOKEN_INVALID'

/** Longer than any token of ours. */
const MAX_TOKEN_LENGTH = 8192
/** Clocks of control plane replicas and of who made the token differ. */
const SKEW_S = 5

/** A signed ES256 JWT. */
export async function issueToken<T extends TokenType>(
  keys: TokenKeys,
  request: TokenRequest<T>,
  clock: Pick<Clock, 'now'>,
): Promise<string> {
  const key = keys.signing[request.type]
  const now = Math.floor(clock.now() / 1000)
  return new SignJWT({ ...request.claims, ca: keys.ca })
    .setProtectedHeader({ alg: 'ES256', kid: key.kid, typ: 'JWT' })
    .setIssuer(TOKEN_ISSUER)
    .setAudience(request.type)
    .setSubject(subjectOf(request))
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + Math.max(1, Math.floor(request.ttlMs / 1000)))
    .setJti(randomUUID())
    .sign(key.privateKey)
}

/**
 * What the token allows, if one of `keys` signed it for this purpose and it is in date. The algorithm is that of the key; nothing in the
 * token's header but `kid` is heeded. Every refusal says what to do about it.
 */
export async function verifyToken<T extends TokenType>(
  keys: TokenKeys,
  token: string,
  type: T,
  clock: Pick<Clock, 'now'>,
): Promise<TokenVerdict<T>> {
  const kid = token.length <= MAX_TOKEN_LENGTH ? kidOf(token) : undefined
  if (kid === undefined) return refused('SKERRY_TOKEN_MALFORMED', `this is not a token of Skerry: ${makeOne(type)}`)
  const key = keys.verifying.get(kid)
  if (!key) return unknownKey(keys, token, type)
  if (key.type !== type) {
    return refused('SKERRY_TOKEN_WRONG_TYPE', `this is a ${key.type} token, and a ${type} token is needed here: ${makeOne(type)}`)
  }
  try {
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: ['ES256'],
      issuer: TOKEN_ISSUER,
      audience: type,
      requiredClaims: ['sub', 'exp', 'nbf', 'iat', 'jti', 'ca'],
      currentDate: new Date(clock.now()),
      clockTolerance: SKEW_S,
    })
    const claims = readClaims(type, payload)
    if (!claims) return refused('SKERRY_TOKEN_MALFORMED', `the token lacks what a ${type} token must say: ${makeOne(type)}`)
    const standard = payload as unknown as StandardClaims
    const { iss, sub, jti, iat, nbf, exp, ca } = standard
    return { kind: 'ok', claims: { ...claims, iss, sub, jti, iat, nbf, exp, ca, kid } }
  } catch (error) {
    return refusalOf(error, type)
  }
}

/** Keys from pairs: `kid` follows from the public key, so replicas and restarts agree on it. */
export function makeTokenKeys(
  ca: string,
  current: Readonly<Record<TokenType, KeyPair>>,
  previous: readonly [TokenType, KeyPair][] = [],
): TokenKeys {
  const verifying = new Map<string, VerifyingKey>()
  const all: [TokenType, KeyPair][] = [...(Object.entries(current) as [TokenType, KeyPair][]), ...previous]
  for (const [type, pair] of all) verifying.set(kidFor(type, pair), { type, publicKey: pair.publicKey })
  const key = (type: TokenType): TokenKey => ({ kid: kidFor(type, current[type]), privateKey: current[type].privateKey })
  return { ca, signing: { dataplane: key('dataplane'), zone: key('zone'), user: key('user') }, verifying }
}

/** The id of a key: replicas and restarts agree on it. */
export function kidFor(type: TokenType, pair: KeyPair): string {
  return `${type}-${createHash('sha256').update(exportPublicKey(pair.publicKey)).digest('hex').slice(0, 16)}`
}

function subjectOf(request: TokenRequest): string {
  const claims: Partial<ClaimsByType['dataplane'] & ClaimsByType['zone'] & ClaimsByType['user']> = request.claims
  switch (request.type) {
    case 'dataplane':
      return `${claims.mesh}/${claims.name ?? claims.workload ?? '*'}`
    case 'zone':
      return claims.zone ?? ''
    case 'user':
      return claims.name ?? ''
  }
}

function kidOf(token: string): string | undefined {
  try {
    const { kid } = decodeProtectedHeader(token)
    return typeof kid === 'string' ? kid : undefined
  } catch {
    return undefined
  }
}

function unknownKey(keys: TokenKeys, token: string, type: TokenType): TokenVerdict<never> {
  const made = peekToken(token)?.ca
  if (made !== undefined && made !== keys.ca) {
    const where = `its CA begins with ${made.slice(0, 12)}, the one here with ${keys.ca.slice(0, 12)}`
    return refused('SKERRY_TOKEN_WRONG_CONTROL_PLANE', `another control plane made this token (${where}): ${makeOne(type)}`)
  }
  return refused('SKERRY_TOKEN_INVALID', `the key that signed this token is not known here (any more): ${makeOne(type)}`)
}

function refusalOf(error: unknown, type: TokenType): TokenVerdict<never> {
  if (error instanceof errors.JWTExpired) {
    const since = typeof error.payload.exp === 'number' ? ` on ${new Date(error.payload.exp * 1000).toISOString()}` : ''
    return refused('SKERRY_TOKEN_EXPIRED', `the token expired${since}: ${makeOne(type)}`)
  }
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf') {
    return refused('SKERRY_TOKEN_NOT_YET_VALID', 'the token is not valid yet: compare the clocks of the two machines')
  }
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') {
    return refused('SKERRY_TOKEN_WRONG_TYPE', `this is not a ${type} token: ${makeOne(type)}`)
  }
  return refused('SKERRY_TOKEN_INVALID', `the token does not verify: ${makeOne(type)}`)
}

/** What to do without a good token of this type. */
export function makeOne(type: TokenType): string {
  return `make one at this control plane with \`skerry token ${type} …\``
}

function refused(code: TokenRefusal, reason: string): RefusedToken {
  return { kind: 'refused', code, reason }
}
