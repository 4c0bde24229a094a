import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { type Clock, sleep } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { fingerprintOf } from './fingerprint.ts'
import { issueServerCertificate } from './issue.ts'
import { loadOrCreateSecret, type SecretRegistry } from './kept-secret.ts'
import { exportPrivateKey, importPrivateKey, type KeyPair, makeKeyPair } from './keys.ts'
import type { TokenType } from './token-claims.ts'
import { makeTokenKeys, type TokenKeys } from './tokens.ts'
import { type CertificateAuthority, loadAuthority, makeRoot, saveAuthority } from './zone-ca.ts'

/** What a TLS server of the control plane presents. The key is this process's own and is never stored. */
export interface ServerCredentials {
  /** PEM: the leaf, then the CA, so that a client with only its fingerprint finds it in the handshake. */
  readonly cert: string
  readonly key: string
  /** Unix ms. */
  readonly notAfterMs: number
}

export interface ControlPlaneIdentityOptions {
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'error'>
  /** Beside `skerry-cp`, `localhost` and the loopback addresses, which are always in. */
  readonly dnsNames?: readonly string[]
  readonly ips?: readonly string[]
  readonly serverTtlMs?: number
}

const CA_SECRET = 'control-plane-ca'
const RETRY_MS = 30_000

/**
 * Who this control plane is to proxies, zones and people: its own CA (whose fingerprint every token carries), a server certificate
 * that is renewed at half its life, and the keys that sign tokens. CA and keys are in the registry, so replicas and restarts share them.
 */
export class ControlPlaneIdentity {
  readonly caPem: string
  /** SHA-256 of the CA certificate's DER, hex. */
  readonly fingerprint: string
  readonly tokens: TokenKeys
  readonly #authority: CertificateAuthority
  readonly #options: ControlPlaneIdentityOptions
  readonly #listeners = new Set<(server: ServerCredentials) => void>()
  readonly #closing = new AbortController()
  readonly #key: KeyPair = makeKeyPair()
  #server!: ServerCredentials
  #renewing: Promise<void> = Promise.resolve()

  static async loadOrCreate(registry: SecretRegistry, options: ControlPlaneIdentityOptions): Promise<ControlPlaneIdentity> {
    const { clock } = options
    const makeCa = async () => saveAuthority(await makeRoot({ commonName: 'Skerry control plane' }, { clock }))
    const authority = loadAuthority(await loadOrCreateSecret(registry, { mesh: '', name: CA_SECRET }, makeCa, clock))
    const keysOf = (type: TokenType) => loadSigningKeys(registry, type, clock)
    const [dataplane, zone, user] = await Promise.all([keysOf('dataplane'), keysOf('zone'), keysOf('user')])
    const previous = [...withType('dataplane', dataplane.previous), ...withType('zone', zone.previous), ...withType('user', user.previous)]
    const current = { dataplane: dataplane.current, zone: zone.current, user: user.current }
    const identity = new ControlPlaneIdentity(authority, makeTokenKeys(fingerprintOf(authority.certificate), current, previous), options)
    const renewAtMs = await identity.#issue()
    identity.#renewing = identity.#keepRenewed(renewAtMs)
    return identity
  }

  private constructor(authority: CertificateAuthority, tokens: TokenKeys, options: ControlPlaneIdentityOptions) {
    this.caPem = authority.certificatePem
    this.fingerprint = tokens.ca
    this.tokens = tokens
    this.#authority = authority
    this.#options = options
  }

  get server(): ServerCredentials {
    return this.#server
  }

  /** Called with each renewed certificate, for `server.setSecureContext` and its like. Returns how to stop. */
  onRenew(listener: (server: ServerCredentials) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#listeners.clear()
    await this.#renewing
  }

  async #issue(): Promise<number> {
    const { clock, dnsNames = [], ips = [], serverTtlMs } = this.#options
    const names = [...new Set(['skerry-cp', 'localhost', ...dnsNames])]
    const addresses = [...new Set(['127.0.0.1', '::1', ...ips])]
    const request = { publicKey: this.#key.publicKey, dnsNames: names, ips: addresses, ttlMs: serverTtlMs }
    const issued = await issueServerCertificate(this.#authority, request, { clock })
    this.#server = {
      cert: issued.chainPem + this.caPem,
      key: exportPrivateKey(this.#key.privateKey as KeyObject),
      notAfterMs: issued.notAfterMs,
    }
    return issued.renewAtMs
  }

  async #keepRenewed(firstMs: number): Promise<void> {
    const { clock, log } = this.#options
    const { signal } = this.#closing
    for (let renewAtMs = firstMs; ; ) {
      await sleep(clock, Math.max(0, renewAtMs - clock.now()), signal)
      if (signal.aborted) return
      try {
        renewAtMs = await this.#issue()
        log.info('server certificate renewed', { notAfter: new Date(this.#server.notAfterMs).toISOString() })
        for (const listener of [...this.#listeners]) listener(this.#server)
      } catch (error) {
        log.error('server certificate not renewed', { error, retryInMs: RETRY_MS })
        renewAtMs = clock.now() + RETRY_MS
      }
    }
  }
}

/** What servers that listen on these hosts are called, beside what every certificate has. On all interfaces nothing more is known. */
export function namesOf(...hosts: readonly string[]): Required<Pick<ControlPlaneIdentityOptions, 'dnsNames' | 'ips'>> {
  const known = hosts.filter(host => host !== '0.0.0.0' && host !== '::')
  return { ips: known.filter(host => isIP(host) !== 0), dnsNames: known.filter(host => isIP(host) === 0) }
}

interface SigningKeys {
  readonly current: KeyPair
  /** Sign no more; what they signed holds to its end. */
  readonly previous: readonly KeyPair[]
}

const PRIVATE_KEY = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----/g

/** One secret a type of token: private keys in PEM, the one in use first. */
async function loadSigningKeys(registry: SecretRegistry, type: TokenType, clock: Clock): Promise<SigningKeys> {
  const name = `${type}-token-signing-keys`
  const pem = await loadOrCreateSecret(registry, { mesh: '', name }, async () => exportPrivateKey(makeKeyPair().privateKey), clock)
  const [current, ...previous] = (pem.match(PRIVATE_KEY) ?? []).map(importPrivateKey)
  if (!current) throw new SigningKeyError(name)
  return { current, previous }
}

export class SigningKeyError extends Error {
  override name = 'SigningKeyError'
  readonly code = 'SKERRY_SIGNING_KEY_UNREADABLE'
  constructor(secret: string) {
    super(`the GlobalSecret ${secret} holds no private key in PEM: restore it from a backup, or delete it (tokens made so far end with it)`)
  }
}

function withType(type: TokenType, pairs: readonly KeyPair[]): [TokenType, KeyPair][] {
  return pairs.map(pair => [type, pair])
}
