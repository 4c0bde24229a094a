import type { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { certificatesOf } from '../../identity/fingerprint.ts'
import { type SvidVerdict, verifySvid } from '../../identity/svid.ts'
import type { Clock } from '../../std/clock.ts'
import type { IdentityMaterial, TrustTable } from '../compile/table.ts'

/** Our own proxies negotiate TLS 1.3 with AES-128-GCM; 1.2 is for Envoy, whose clients stop there by default. */
const COMMON: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES256-GCM-SHA384',
  ].join(':'),
}

/** How long a verdict on one certificate is believed before dates are looked at again. */
const VERDICT_MS = 30_000
const MAX_VERDICTS = 1024

/** The proxy's certificate and the bundles it trusts, as TLS contexts and as the judgement on a peer. Both are swapped under live listeners. */
export class TlsMaterial {
  readonly #clock: Clock
  #identity: IdentityMaterial | null = null
  /** Of workloads in whose names this proxy answers, by SPIFFE ID. */
  readonly #workloads = new Map<string, IdentityMaterial>()
  #bundles: Bundles = new Map()
  #client: SecureContext | null = null
  #verdicts = new Map<string, { readonly verdict: SvidVerdict; readonly untilMs: number }>()
  /** Grows with every change: a connection of an older generation takes no new request without being judged again. */
  generation = 0
  /** Called after a change, to give listeners their new context. `connectionsHold`: who was believed still is, so what is connected may stay;
   *  a new zone or root costs nobody a handshake. */
  onChange: (change: { readonly connectionsHold: boolean }) => void = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get spiffeId(): string | null {
    return this.#identity?.spiffeId ?? null
  }

  setIdentity(identity: IdentityMaterial): void {
    // Throws when key and certificate do not belong together, before anything is changed.
    createSecureContext({ cert: identity.chainPem, key: identity.keyPem })
    this.#identity = identity
    this.#changed({ connectionsHold: false })
  }

  /** What this proxy itself presents stays as it is, and so do its connections. */
  setWorkloadIdentity(spiffeId: string, identity: IdentityMaterial | null): void {
    if (identity === null) this.#workloads.delete(spiffeId)
    else {
      createSecureContext({ cert: identity.chainPem, key: identity.keyPem })
      this.#workloads.set(spiffeId, identity)
    }
  }

  setTrust(trust: TrustTable): void {
    const before = this.#bundles
    this.#bundles = new Map([...trust].map(([domain, pems]) => [domain.toLowerCase(), pems.flatMap(pem => certificatesOf(pem))]))
    this.#changed({ connectionsHold: holdsAll(this.#bundles, before) })
  }

  #changed({ connectionsHold }: { readonly connectionsHold: boolean }): void {
    this.generation++
    this.#client = null
    this.#verdicts.clear()
    this.onChange({ connectionsHold })
  }

  /** For `tls.Server`, as the proxy itself or as a workload. Without an identity every handshake fails, which callers see as a connection that could not be made. */
  serverContext(spiffeId?: string): SecureContextOptions {
    const { cert, key } = certificateOf(spiffeId === undefined ? this.#identity : (this.#workloads.get(spiffeId) ?? null))
    return { ...COMMON, ...(cert === undefined ? {} : { cert, key }), ca: this.#roots() }
  }

  /** null: the proxy has no identity yet. */
  clientContext(): SecureContext | null {
    if (this.#identity === null) return null
    this.#client ??= createSecureContext({ ...COMMON, ...certificateOf(this.#identity), ca: this.#roots() })
    return this.#client
  }

  /**
   * Who is at the other end. OpenSSL has proven by then that the peer holds the key and chains to *some* root of ours; which roots
   * count for this peer is decided here, from the trust domain that its own URI SAN names.
   */
  judge(socket: TLSSocket): { readonly verdict: SvidVerdict; readonly chain: readonly X509Certificate[] } {
    const chain = chainOf(socket)
    return { verdict: this.judgeChain(chain), chain }
  }

  judgeChain(chain: readonly X509Certificate[]): SvidVerdict {
    const now = this.#clock.now()
    const key = chain.map(certificate => certificate.fingerprint256).join()
    const known = this.#verdicts.get(key)
    if (known && now < known.untilMs) return known.verdict
    const verdict = verifySvid(chain, this.#bundles, now)
    if (this.#verdicts.size >= MAX_VERDICTS) this.#verdicts.clear()
    const ends = verdict.kind === 'ok' ? verdict.peer.notAfterMs : Number.POSITIVE_INFINITY
    this.#verdicts.set(key, { verdict, untilMs: Math.min(now + VERDICT_MS, ends) })
    return verdict
  }

  /** All roots together: only the first gate. An empty list trusts nobody, not the public CAs. */
  #roots(): string[] {
    return [...this.#bundles.values()].flatMap(roots => roots.map(root => root.toString()))
  }
}

function certificateOf(identity: IdentityMaterial | null): { cert?: string; key?: string } {
  return identity === null ? {} : { cert: identity.chainPem, key: identity.keyPem }
}

type Bundles = ReadonlyMap<string, readonly X509Certificate[]>

/** Are all roots of `before` in `after`, each for its own domain? */
function holdsAll(after: Bundles, before: Bundles): boolean {
  return [...before].every(([domain, roots]) => {
    const now = new Set(after.get(domain)?.map(root => root.fingerprint256))
    return roots.every(root => now.has(root.fingerprint256))
  })
}

/** Leaf first, as the peer sent it. */
function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let certificate = socket.getPeerX509Certificate()
  while (certificate !== undefined && chain.length < 8) {
    chain.push(certificate)
    const issuer = certificate.issuerCertificate
    if (issuer === undefined || issuer.fingerprint256 === certificate.fingerprint256) break
    certificate = issuer
  }
  return chain
}
