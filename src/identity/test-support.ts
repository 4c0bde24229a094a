import type { KeyObject } from 'node:crypto'
import { certificatesOf } from './fingerprint.ts'
import { issueSvid } from './issue.ts'
import { type KeyPair, makeKeyPair } from './keys.ts'
import { type CertificateAuthority, makeRoot } from './zone-ca.ts'

/** A clock for tests that need nothing of it but the time. */
export function aClock(startMs: number = Date.UTC(2026, 5, 1)): { now: () => number; advance: (ms: number) => void } {
  let now = startMs
  const advance = (ms: number) => {
    now += ms
  }
  return { now: () => now, advance }
}

export function aRoot(options: { trustDomain?: string; ttlMs?: number; clock?: { now(): number } } = {}): Promise<CertificateAuthority> {
  const trustDomain = options.trustDomain ?? 'default.aws-1.mesh.local'
  return makeRoot({ commonName: trustDomain, trustDomain, ttlMs: options.ttlMs }, { clock: options.clock ?? { now: Date.now } })
}

/** An SVID with its key, as a proxy would hold it. */
export async function anSvid(options: {
  authority: CertificateAuthority
  spiffeId?: string
  keys?: KeyPair
  ttlMs?: number
  clock?: { now(): number }
}) {
  const keys = options.keys ?? makeKeyPair()
  const spiffeId = options.spiffeId ?? 'spiffe://default.aws-1.mesh.local/workload/payments'
  const issued = await issueSvid(
    options.authority,
    { spiffeId, publicKey: keys.publicKey, ttlMs: options.ttlMs },
    { clock: options.clock ?? { now: Date.now } },
  )
  return { ...issued, certificate: certificatesOf(issued.chainPem)[0]!, privateKey: keys.privateKey as KeyObject }
}
