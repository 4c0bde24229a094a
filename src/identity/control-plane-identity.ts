import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { type Clock, sleep } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { fingerprintOf } from './fingerprint.ts'
import { issueServerCertificate } from './issue.ts'
import { loadOrCreateSecret } from './kept-secret.ts'
import { exportPrivateKey, type KeyPair, makeKeyPair } from './keys.ts'
import type { TokenAuthority } from './token-authority.ts'
import { openTokenAuthority, type TokenRegistry } from './token-secrets.ts'
import { type CertificateAuthority, loadAuthority, makeRoot, saveAuthority } from './zone-ca.ts'

/** A name in every control plane's certificate, whatever address it is reached by. */
export const controlPlaneName = 'skerry-cp'

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
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
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
  readonly tokens: TokenAuthority
  readonly #stopTokens: () => void
  readonly #authority: CertificateAuthority
  readonly #options: ControlPlaneIdentityOptions
  readonly #listeners = new Set<(server: ServerCredentials) => void>()
  readonly #closing = new AbortController()
  readonly #key: KeyPair = makeKeyPair()
  #server!: ServerCredentials
  #renewing: Promise<void> = Promise.resolve()

  static async loadOrCreate(registry: TokenRegistry, options: ControlPlaneIdentityOptions): Promise<ControlPlaneIdentity> {
    const { clock } = options
    const makeCa = async () => saveAuthority(await makeRoot({ commonName: 'Skerry control plane' }, { clock }))
    const authority = loadAuthority(await loadOrCreateSecret(registry, { mesh: '', name: CA_SECRET }, makeCa, clock))
    const tokens = await openTokenAuthority(registry, { ca: fingerprintOf(authority.certificate), clock, log: options.log })
    const identity = new ControlPlaneIdentity(authority, tokens, options)
    const renewAtMs = await identity.#issue()
    identity.#renewing = identity.#keepRenewed(renewAtMs)
    return identity
  }

  private constructor(
    authority: CertificateAuthority,
    tokens: { readonly authority: TokenAuthority; readonly stop: () => void },
    options: ControlPlaneIdentityOptions,
  ) {
    this.caPem = authority.certificatePem
    this.fingerprint = tokens.authority.ca
    this.tokens = tokens.authority
    this.#stopTokens = tokens.stop
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
    this.#stopTokens()
    this.#listeners.clear()
    await this.#renewing
  }

  async #issue(): Promise<number> {
    const { clock, dnsNames = [], ips = [], serverTtlMs } = this.#options
    const names = [...new Set([controlPlaneName, 'localhost', ...dnsNames])]
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
