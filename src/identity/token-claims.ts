/** What tokens say. Reading without verifying: a client needs no key (nor a JWT library) to learn which CA to expect. */

export type TokenType = 'dataplane' | 'zone' | 'user'

/** Lets a proxy connect as a Dataplane of this mesh; of this workload, with this name and these labels, where they are said. */
export interface DataplaneClaims {
  readonly mesh: string
  readonly workload?: string
  readonly name?: string
  /** Kuma's word for it: labels that the Dataplane must carry, each with one of these values. */
  readonly tags?: Readonly<Record<string, readonly string[]>>
  /** Kuma's word: `ingress` = only as a gateway of the zone, which is given the identities of workloads without a proxy; all others: not as one. */
  readonly type?: ProxyType
}

export type ProxyType = 'dataplane' | 'ingress'

/** Lets a zone control plane connect to global as this zone. */
export interface ZoneClaims {
  readonly zone: string
  /** Kuma's; carried, and heeded by nobody. */
  readonly scope?: readonly string[]
}

/** Lets a person or a program use the API. */
export interface UserClaims {
  readonly name: string
  readonly groups: readonly string[]
}

export interface ClaimsByType {
  readonly dataplane: DataplaneClaims
  readonly zone: ZoneClaims
  readonly user: UserClaims
}

export interface StandardClaims {
  readonly iss: string
  readonly sub: string
  readonly jti: string
  /** Seconds since 1970. */
  readonly iat: number
  readonly nbf: number
  readonly exp: number
  /** Fingerprint of the CA that signs the server certificate of the control plane that made the token. */
  readonly ca: string
  /** The key that signed it; from the token's header. */
  readonly kid: string
}

export interface UnverifiedToken {
  readonly type: TokenType
  readonly ca: string
  /** Unix ms. */
  readonly expiresMs: number
  readonly claims: Readonly<Record<string, unknown>>
}

export const TOKEN_ISSUER = 'skerry'

/** The claims of a token as they stand, or undefined for what is not one of ours. Decides nothing: only its maker can verify it. */
export function peekToken(token: string): UnverifiedToken | undefined {
  const parts = token.trim().split('.')
  if (parts.length !== 3) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString())
    if (!isRecord(claims) || !isTokenType(claims.aud) || typeof claims.ca !== 'string' || typeof claims.exp !== 'number') return undefined
    return { type: claims.aud, ca: claims.ca, expiresMs: claims.exp * 1000, claims }
  } catch {
    return undefined
  }
}

export function isTokenType(value: unknown): value is TokenType {
  return value === 'dataplane' || value === 'zone' || value === 'user'
}

function isProxyType(value: unknown): value is ProxyType {
  return value === 'dataplane' || value === 'ingress'
}

/** The claims of a type, if they are all there and of the right form. */
export function readClaims<T extends TokenType>(type: T, claims: Readonly<Record<string, unknown>>): ClaimsByType[T] | undefined
export function readClaims(type: TokenType, claims: Readonly<Record<string, unknown>>): ClaimsByType[TokenType] | undefined {
  switch (type) {
    case 'dataplane': {
      const { mesh, workload, name, tags, type } = claims
      if (!isName(mesh) || !isOptionalName(workload) || !isOptionalName(name)) return undefined
      if (!(tags === undefined || isTags(tags)) || !(type === undefined || isProxyType(type))) return undefined
      return defined<DataplaneClaims>({ mesh, workload, name, tags, type })
    }
    case 'zone': {
      const { zone, scope } = claims
      return isName(zone) && (scope === undefined || isNames(scope)) ? defined<ZoneClaims>({ zone, scope }) : undefined
    }
    case 'user': {
      const { name, groups } = claims
      return isName(name) && isNames(groups) ? { name, groups } : undefined
    }
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 253
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isName)
}

function isTags(value: unknown): value is Readonly<Record<string, readonly string[]>> {
  return isRecord(value) && Object.values(value).every(isNames)
}

/** Without the members that are undefined. */
function defined<T extends object>(value: { readonly [K in keyof Required<T>]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
}

function isOptionalName(value: unknown): value is string | undefined {
  return value === undefined || isName(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
