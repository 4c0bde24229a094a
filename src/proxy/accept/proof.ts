import type { X509Certificate } from 'node:crypto'
import type { Runtime } from '../stack/runtime.ts'

/** What was proven in the handshake, to be judged again when trust changes. */
export interface Proof {
  readonly chain: readonly X509Certificate[]
  readonly generation: number
  /** When the peer's certificate ends, Unix ms. */
  readonly notAfterMs: number
}

/** A connection's proof as it holds now: trust may have changed since the handshake, and certificates end. null = the peer is trusted no more. */
export function renewProof(proof: Proof, { tls, clock }: Pick<Runtime, 'tls' | 'clock'>): Proof | null {
  if (proof.generation === tls.generation && clock.now() <= proof.notAfterMs) return proof
  const verdict = tls.judgeChain(proof.chain)
  if (verdict.kind === 'refused') return null
  return { chain: proof.chain, generation: tls.generation, notAfterMs: verdict.peer.notAfterMs }
}
