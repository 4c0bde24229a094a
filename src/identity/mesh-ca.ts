import type { KeyObject } from 'node:crypto'
import { trustDomainOf } from '../model/spiffe-id.ts'
import type { Clock } from '../std/clock.ts'
import { fingerprintOf } from './fingerprint.ts'
import { type IssuedCertificate, issueSvid } from './issue.ts'
import { loadOrCreateSecret, type SecretRegistry } from './kept-secret.ts'
import { loadAuthority, makeRoot, saveAuthority } from './zone-ca.ts'

/** The CA of a mesh in a zone: its key never leaves the zone, its certificate goes into a MeshTrust. */
export interface MeshCa {
  readonly trustDomain: string
  readonly rootPem: string
  /** SHA-256 of the root's DER, hex. */
  readonly fingerprint: string
  /** Unix ms. */
  readonly notAfterMs: number
  /** `publicKey` comes from a CSR that was read, `spiffeId` from who the caller is known to be. */
  issue(spiffeId: string, publicKey: KeyObject, ttlMs?: number): Promise<IssuedCertificate>
}

export interface MeshCaRequest {
  readonly mesh: string
  readonly zone: string
  /** Name of the MeshIdentity that this is the CA of. */
  readonly identityName: string
  /** Where the MeshIdentity names one of its own. A change of it makes another CA; the old one stays kept. */
  readonly trustDomain?: string
}

export async function loadOrCreateMeshCa(registry: SecretRegistry, request: MeshCaRequest, clock: Clock): Promise<MeshCa> {
  const { mesh, zone, identityName, trustDomain = trustDomainOf(mesh, zone) } = request
  const make = async () => saveAuthority(await makeRoot({ commonName: trustDomain, trustDomain }, { clock }))
  const authority = loadAuthority(await loadOrCreateSecret(registry, { mesh, name: `ca.${identityName}.${trustDomain}` }, make, clock))
  return {
    trustDomain,
    rootPem: authority.certificatePem,
    fingerprint: fingerprintOf(authority.certificate),
    notAfterMs: authority.notAfterMs,
    issue: (spiffeId, publicKey, ttlMs) => issueSvid(authority, { spiffeId, publicKey, ttlMs }, { clock }),
  }
}
