import type { Certificate, CertificateRefused } from '../gen/skerry/agent/v1/agent_pb.js'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { Certificates, type HeldIdentity } from './certificates.ts'

export interface WorkloadCertificatesOptions {
  readonly clock: Clock
  readonly log: Log
  /** Puts the certificate of a workload in force; null = it is no longer wanted. */
  readonly onIdentity: (spiffeId: string, identity: HeldIdentity | null) => void
  /** Sends a CSR to the zone, if it is there; after a reconnect `connected` is called. */
  readonly request: (spiffeId: string, csr: Uint8Array) => void
}

/** Keys that are made, and certificates that the zone signs, at a time: a gateway that answers for a thousand workloads also serves. */
const maxUnderWay = 16
const retryMs = 2000

/** A zone gateway's certificates of workloads without a proxy, each with a key of its own. */
export class WorkloadCertificates {
  readonly #options: WorkloadCertificatesOptions
  readonly #held = new Map<string, Certificates>()
  /** In the order in which they are asked for. */
  readonly #waiting = new Set<string>()
  readonly #underWay = new Set<string>()
  readonly #refused = new Set<string>()
  #retry: Timer | null = null
  #isConnected = false

  constructor(options: WorkloadCertificatesOptions) {
    this.#options = options
  }

  /** From disk. Those that are not wanted are let go with the next `want`. */
  restore(identities: ReadonlyMap<string, HeldIdentity>): void {
    for (const [spiffeId, identity] of identities) this.#add(spiffeId).restore(identity)
  }

  /** All that are needed now: what is new is asked for, what is no longer needed forgotten. */
  want(spiffeIds: ReadonlySet<string>): void {
    for (const [spiffeId, certificates] of this.#held) {
      if (spiffeIds.has(spiffeId)) continue
      certificates.close()
      this.#held.delete(spiffeId)
      this.#waiting.delete(spiffeId)
      this.#underWay.delete(spiffeId)
      this.#options.onIdentity(spiffeId, null)
    }
    for (const spiffeId of spiffeIds) {
      if (this.#held.has(spiffeId)) continue
      this.#add(spiffeId)
      this.#waiting.add(spiffeId)
    }
    this.#askOn()
  }

  /** The stream to the zone is open: what an earlier one was asked for is asked for again. */
  connected(): void {
    this.#isConnected = true
    this.#underWay.clear()
    const now = this.#options.clock.now()
    for (const [spiffeId, { current }] of this.#held) if (current === null || current.renewAtMs <= now) this.#waiting.add(spiffeId)
    this.#askOn()
  }

  /** Asks for all of them anew. */
  renew(): void {
    for (const spiffeId of this.#held.keys()) if (!this.#underWay.has(spiffeId)) this.#waiting.add(spiffeId)
    this.#askOn()
  }

  receive(certificate: Certificate): void {
    this.#held.get(certificate.spiffeId)?.receive(certificate)
    this.#done(certificate.spiffeId)
  }

  /** It is asked for again after a while, as long as it is wanted: another replica of the zone may know of the workload a moment later. */
  refused({ spiffeId, code, message }: CertificateRefused): void {
    this.#options.log.warn('the zone does not sign in the name of a workload', { spiffeId, code, reason: message, retryInMs: retryMs })
    this.#done(spiffeId)
    this.#refused.add(spiffeId)
    this.#retry ??= this.#options.clock.setTimeout(() => {
      this.#retry = null
      for (const refused of this.#refused) if (this.#held.has(refused)) this.#waiting.add(refused)
      this.#refused.clear()
      this.#askOn()
    }, retryMs)
  }

  close(): void {
    this.#retry?.cancel()
    for (const certificates of this.#held.values()) certificates.close()
  }

  #add(spiffeId: string): Certificates {
    const { clock, log } = this.#options
    const certificates = new Certificates({
      clock,
      log,
      onIdentity: identity => this.#options.onIdentity(spiffeId, identity),
      request: csr => this.#options.request(spiffeId, csr),
    })
    this.#held.set(spiffeId, certificates)
    return certificates
  }

  #done(spiffeId: string): void {
    this.#underWay.delete(spiffeId)
    this.#askOn()
  }

  #askOn(): void {
    if (!this.#isConnected) return
    for (const spiffeId of this.#waiting) {
      if (this.#underWay.size >= maxUnderWay) return
      this.#waiting.delete(spiffeId)
      this.#underWay.add(spiffeId)
      this.#held.get(spiffeId)?.renew()
    }
  }
}
