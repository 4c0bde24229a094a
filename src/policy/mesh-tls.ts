import type { TlsConf } from '../model/kinds/mesh-tls.ts'

export type TlsVersion = 'TLS10' | 'TLS11' | 'TLS12' | 'TLS13'

/** Which TLS is spoken in the mesh. null = as the data plane prefers. */
export interface TlsVersionsPlan {
  readonly min: TlsVersion | null
  readonly max: TlsVersion | null
  /** OpenSSL's names, for TLS 1.2; empty = as the data plane prefers. */
  readonly ciphers: readonly string[]
}

export interface MeshTlsPlan {
  /** `permissive`: callers without a certificate of the mesh are let in, in plain text. */
  readonly mode: 'strict' | 'permissive'
  readonly tls: TlsVersionsPlan
}

/** https://kuma.io/docs/latest/policies/meshtls/ */
export function planMeshTls(conf: TlsConf): MeshTlsPlan {
  const { mode, tlsVersion = {}, tlsCiphers = [] } = conf
  const max = isImpossible(conf) ? null : versionOf(tlsVersion.max)
  return {
    mode: mode === 'Permissive' ? 'permissive' : 'strict',
    tls: { min: versionOf(tlsVersion.min), max, ciphers: tlsCiphers },
  }
}

/** What is wrong between settings that are right each by itself, which two policies can make; null = nothing. */
export function tlsContradiction(conf: TlsConf): string | null {
  const { min, max } = conf.tlsVersion ?? {}
  return isImpossible(conf)
    ? `tlsVersion.max ${max} is older than tlsVersion.min ${min}: two policies are at odds, and max is left out`
    : null
}

const versions = ['TLS10', 'TLS11', 'TLS12', 'TLS13']

function isImpossible({ tlsVersion: { min, max } = {} }: TlsConf): boolean {
  const [oldest, newest] = [versionOf(min), versionOf(max)]
  return oldest !== null && newest !== null && versions.indexOf(newest) < versions.indexOf(oldest)
}

function versionOf(version: string | undefined): TlsVersion | null {
  return version === undefined || version === 'TLSAuto' ? null : (version as TlsVersion)
}
