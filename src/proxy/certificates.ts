import type { X509Certificate } from 'node:crypto'
import type { Certificate } from '../gen/skerry/agent/v1/agent_pb.js'
import { makeCsr } from '../identity/csr.ts'
import { certificatesOf } from '../identity/fingerprint.ts'
import { exportPrivateKey, type KeyPair, makeKeyPair } from '../identity/keys.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { IdentityMaterial } from './compile/table.ts'

export interface HeldIdentity extends IdentityMaterial {
  /** Unix ms. */
  readonly notAfterMs: number
  readonly renewAtMs: number
}

export interface CertificatesOptions {
  readonly clock: Clock
  readonly log: Log
  /** Puts a certificate in force, and on disk. */
  readonly onIdentity: (identity: HeldIdentity) => void
  /** Sends a CSR to the zone, if it is there; after a reconnect `connected` is called. */
  readonly request: (csr: Uint8Array) => void
}

/** The zone signs at once, or when the mesh has an identity for this proxy; an answer that got lost is asked for again. */
const askAgainMs = 60_000

/** The certificate of one identity: a new key for each, made here, and never sent anywhere. */
export class Certificates {
  readonly #options: CertificatesOptions
  #current: HeldIdentity | null = null
  /** The key of the request that is under way. */
  #pending: KeyPair | null = null
  #timer: Timer | null = null

  constructor(options: CertificatesOptions) {
    this.#options = options
  }

  get current(): HeldIdentity | null {
    return this.#current
  }

  /** One from disk. */
  restore(identity: HeldIdentity): void {
    this.#current = identity
    this.#options.onIdentity(identity)
    this.#renewAt(identity.renewAtMs)
  }

  /** The stream to the zone is open. */
  connected(): void {
    if (this.#current === null || this.#current.renewAtMs <= this.#options.clock.now()) this.renew()
  }

  /** The zone says who this proxy is; '' = nobody yet. */
  registered(spiffeId: string): void {
    if (spiffeId !== '' && this.#current !== null && this.#current.spiffeId !== spiffeId && this.#pending === null) this.renew()
  }

  /** Asks for a new certificate. The old one is used until it comes. */
  renew(): void {
    this.#pending ??= makeKeyPair()
    this.#options.request(makeCsr(this.#pending))
    this.#renewAt(this.#options.clock.now() + askAgainMs)
  }

  receive({ chainPem, notAfterMs, renewAtMs }: Certificate): void {
    const keys = this.#pending
    const leaf = leafOf(chainPem)
    if (keys === null || leaf === null || !leaf.checkPrivateKey(keys.privateKey)) {
      this.#options.log.warn('the zone sent a certificate that is not for our key', { expected: keys !== null })
      return
    }
    this.#pending = null
    this.#current = {
      chainPem,
      keyPem: exportPrivateKey(keys.privateKey),
      spiffeId: spiffeIdOf(leaf),
      notAfterMs: Number(notAfterMs),
      renewAtMs: Number(renewAtMs),
    }
    this.#renewAt(this.#current.renewAtMs)
    this.#options.onIdentity(this.#current)
  }

  close(): void {
    this.#timer?.cancel()
  }

  #renewAt(unixMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#options.clock.setTimeout(() => this.renew(), Math.max(0, unixMs - this.#options.clock.now()))
  }
}

function leafOf(chainPem: string): X509Certificate | null {
  try {
    return certificatesOf(chainPem)[0] ?? null
  } catch {
    return null
  }
}

function spiffeIdOf(leaf: X509Certificate): string {
  return /(?:^|, )URI:(spiffe:\/\/[^,"]+)/.exec(leaf.subjectAltName ?? '')?.[1] ?? ''
}
