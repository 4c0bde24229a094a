import type { Clock, Timer } from '../std/clock.ts'
import type { MessageStream } from '../std/message-stream.ts'
import { isRevoked, noRevocations, type RevocationList } from './revocation-list.ts'
import { type ClaimsByType, type DataplaneClaims, peekToken, type StandardClaims, TOKEN_ISSUER, type TokenType } from './token-claims.ts'
import {
  issueToken,
  makeOne,
  type RefusedToken,
  type TokenKey,
  type TokenKeys,
  type TokenRequest,
  type TokenVerdict,
  type VerifyingKey,
  verifyToken,
} from './tokens.ts'

/** What was verified once, with all that is needed to ask whether it still holds. */
export type VerifiedClaims = StandardClaims & Partial<Pick<ClaimsByType['dataplane'], 'mesh'>>

export interface TokenAuthorityOptions {
  readonly keys: TokenKeys
  readonly clock: Pick<Clock, 'now' | 'setTimeout'>
  /** Told, once a day, of a token that streams rest on and that ends soon or has ended: what they connect for will not come back. */
  readonly onEnding?: (token: TokenInUse) => void
}

/** A token that something rests on. */
export interface TokenInUse {
  readonly type: TokenType
  /** `jti` */
  readonly id: string
  readonly subject: string
  /** Unix ms. */
  readonly expiresMs: number
  /** Streams and requests. */
  readonly count: number
  readonly state: 'good' | 'ends soon' | 'expired'
}

/** The list that a token is looked up in. */
export type RevocationsOf = (type: TokenType, mesh: string | undefined) => RevocationList

/** Tells of a token that is none of ours whose it is: by asking the platform that made it. Never rejects. */
export type AttestToken = (token: string) => Promise<Attested | RefusedToken>

export interface Attested {
  readonly kind: 'ok'
  readonly claims: DataplaneClaims
  /** Who it is, for people: `pod/shop/web-1`. */
  readonly subject: string
  /** Stable as long as it is the same one: what a revocation names. */
  readonly id: string
}

/** All that rests on one token. */
interface Held {
  readonly type: TokenType
  readonly claims: VerifiedClaims
  readonly onLost: Set<(why: RefusedToken) => void>
  expiry: Timer | undefined
}

const DAY_MS = 86_400_000
const ATTESTED_S = 10 * 365 * 86_400
/** When it is time to make another token: days before the end, or for short ones the last tenth of their time. */
const SOON_MS = 3 * DAY_MS

/**
 * Makes tokens, verifies them, and tells who rests on one when it holds no more: it was revoked, or its key was retired. That its time is
 * over ends what a user has open. A stream of a proxy or a zone goes on: the token is for coming in, certificates are renewed by
 * themselves, and tokens that were made together must not take a mesh down together; but it is told in time that it will not get in again.
 */
export class TokenAuthority implements TokenKeys {
  readonly #clock: Pick<Clock, 'now' | 'setTimeout'>
  readonly #onEnding: (token: TokenInUse) => void
  readonly #held = new Map<string, Held>()
  #keys: TokenKeys
  #revocations: RevocationsOf = () => noRevocations
  #attest: AttestToken | null = null

  constructor({ keys, clock, onEnding = () => {} }: TokenAuthorityOptions) {
    this.#keys = keys
    this.#onEnding = onEnding
    this.#clock = clock
  }

  get ca(): string {
    return this.#keys.ca
  }

  get signing(): Readonly<Record<TokenType, TokenKey>> {
    return this.#keys.signing
  }

  get verifying(): ReadonlyMap<string, VerifyingKey> {
    return this.#keys.verifying
  }

  issue<T extends TokenType>(request: TokenRequest<T>): Promise<string> {
    return issueToken(this.#keys, request, this.#clock)
  }

  /** From now on proxies may also come with tokens that others made. */
  attestWith(attest: AttestToken): void {
    this.#attest = attest
  }

  async verify<T extends TokenType>(token: string, type: T): Promise<TokenVerdict<T>> {
    const isForeign = type === 'dataplane' && this.#attest !== null && peekToken(token) === undefined
    const verdict = isForeign ? ((await this.#attested(token)) as TokenVerdict<T>) : await verifyToken(this.#keys, token, type, this.#clock)
    return verdict.kind === 'ok' ? (this.refusalOf(type, verdict.claims) ?? verdict) : verdict
  }

  /** What it rests on is who was attested and not the token, which its platform renews: so it does not end with it. */
  async #attested(token: string): Promise<TokenVerdict<'dataplane'>> {
    const attested = await this.#attest!(token)
    if (attested.kind === 'refused') return attested
    const iat = Math.floor(this.#clock.now() / 1000)
    const { kid } = this.#keys.signing.dataplane
    const standard = {
      iss: TOKEN_ISSUER,
      sub: attested.subject,
      jti: attested.id,
      iat,
      nbf: iat,
      exp: iat + ATTESTED_S,
      ca: this.#keys.ca,
      kid,
    }
    return { kind: 'ok', claims: { ...attested.claims, ...standard } }
  }

  isRevoked(type: TokenType, claims: Pick<VerifiedClaims, 'jti' | 'iat' | 'mesh'>): boolean {
    return isRevoked(this.#revocations(type, claims.mesh), claims)
  }

  /** Why a token that was good once is not any more; undefined while it is. */
  refusalOf(type: TokenType, claims: VerifiedClaims): RefusedToken | undefined {
    return this.#withdrawal(type, claims) ?? this.#expiry(type, claims)
  }

  #withdrawal(type: TokenType, claims: VerifiedClaims): RefusedToken | undefined {
    const refused = (code: RefusedToken['code'], why: string) => ({ kind: 'refused', code, reason: `${why}: ${makeOne(type)}` }) as const
    if (this.isRevoked(type, claims)) {
      return refused('SKERRY_TOKEN_REVOKED', `the token ${claims.jti} was revoked`)
    }
    if (!this.#keys.verifying.has(claims.kid)) return refused('SKERRY_TOKEN_INVALID', 'the key that signed this token was retired')
    return undefined
  }

  #expiry(type: TokenType, { exp }: VerifiedClaims): RefusedToken | undefined {
    if (exp * 1000 > this.#clock.now()) return undefined
    const reason = `the token expired on ${new Date(exp * 1000).toISOString()}: ${makeOne(type)}`
    return { kind: 'refused', code: 'SKERRY_TOKEN_EXPIRED', reason }
  }

  /** Why what rests on it must end. */
  #loss(type: TokenType, claims: VerifiedClaims): RefusedToken | undefined {
    return type === 'user' ? this.refusalOf(type, claims) : this.#withdrawal(type, claims)
  }

  /** Calls `onLost`, once, when the token holds no more, be it at once. Returns how to stop that: call it when what rests on it has ended. */
  hold(type: TokenType, claims: VerifiedClaims, onLost: (why: RefusedToken) => void): () => void {
    const lost = this.#loss(type, claims)
    if (lost) {
      onLost(lost)
      return () => {}
    }
    let held = this.#held.get(claims.jti)
    if (!held) {
      held = { type, claims, onLost: new Set(), expiry: undefined }
      this.#held.set(claims.jti, held)
      this.#awaitExpiry(held)
    }
    held.onLost.add(onLost)
    return () => {
      held.onLost.delete(onLost)
      if (held.onLost.size === 0) this.#forget(held)
    }
  }

  /** Ends the stream when the token holds no more. */
  holdStream(type: TokenType, claims: VerifiedClaims, stream: MessageStream): void {
    const release = this.hold(type, claims, ({ code, reason }) => stream.end({ code: 'UNAUTHENTICATED', message: `${code}: ${reason}` }))
    void stream.closed.then(release)
  }

  /** Takes other keys or another list, and cuts what does not hold by them. */
  update({ keys = this.#keys, revocations = this.#revocations }: { keys?: TokenKeys; revocations?: RevocationsOf }): void {
    this.#keys = keys
    this.#revocations = revocations
    for (const held of [...this.#held.values()]) this.#check(held)
  }

  /** Tokens that something rests on. */
  inUse(): TokenInUse[] {
    return [...this.#held.values()].map(held => this.#describe(held))
  }

  #describe({ type, claims: { jti, sub, iat, exp }, onLost }: Held): TokenInUse {
    const expiresMs = exp * 1000
    const leftMs = expiresMs - this.#clock.now()
    const state = leftMs <= 0 ? 'expired' : leftMs <= soonMs(iat, exp) ? 'ends soon' : 'good'
    return { type, id: jti, subject: sub, expiresMs, count: onLost.size, state }
  }

  #check(held: Held): void {
    const lost = this.#loss(held.type, held.claims)
    if (!lost) return
    this.#forget(held)
    for (const onLost of held.onLost) onLost(lost)
  }

  #awaitExpiry(held: Held): void {
    const { iat, exp } = held.claims
    const leftMs = exp * 1000 - this.#clock.now()
    const next = held.type === 'user' ? leftMs : [leftMs - soonMs(iat, exp), leftMs].find(ms => ms > 0)
    // Timers end after 24 days, tokens after years; and the wall clock that a token's end is told by may be set meanwhile.
    held.expiry = this.#clock.setTimeout(
      () => {
        this.#check(held)
        if (this.#held.get(held.claims.jti) !== held) return
        const token = this.#describe(held)
        if (held.type !== 'user' && token.state !== 'good') this.#onEnding(token)
        this.#awaitExpiry(held)
      },
      Math.min(Math.max(next ?? DAY_MS, 1), DAY_MS),
    )
  }

  #forget(held: Held): void {
    held.expiry?.cancel()
    if (this.#held.get(held.claims.jti) === held) this.#held.delete(held.claims.jti)
  }
}

function soonMs(iat: number, exp: number): number {
  return Math.min(SOON_MS, (exp - iat) * 100)
}
