import type { X509Certificate } from 'node:crypto'
import { formatSpiffeId, parseSpiffeId, type SpiffeId } from '../model/spiffe-id.ts'
import { DER, DerError, expectDer, readDerAll } from './der.ts'

/** Roots by trust domain. Those of different domains are never merged: the peer's claimed domain picks the roots it must chain to. */
export type TrustBundles = ReadonlyMap<string, readonly X509Certificate[]>

export interface PeerIdentity {
  /** The SPIFFE ID as text, trust domain in lower case. */
  readonly uri: string
  readonly id: SpiffeId
  /** Unix ms: a connection must not outlive its peer's certificate by much. */
  readonly notAfterMs: number
}

export type SvidVerdict =
  | { readonly kind: 'ok'; readonly peer: PeerIdentity }
  | { readonly kind: 'refused'; readonly code: SvidRefusal; readonly reason: string }

export type SvidRefusal = 'SKERRY_SVID_INVALID' | 'SKERRY_SVID_UNTRUSTED' | 'SKERRY_SVID_DATES'

/** Clocks of two clouds are rarely further apart than this. */
const SKEW_MS = 5_000
const MAX_CHAIN = 4

/**
 * Who the peer is, if its certificate is an SVID that chains to the roots of its own trust domain and is in date. `chain` is leaf
 * first, as the peer sent it. Missing roots, unreadable parts and doubt of any kind refuse.
 * https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md#5-validation
 */
export function verifySvid(chain: readonly X509Certificate[], bundles: TrustBundles, nowMs: number): SvidVerdict {
  const leaf = chain[0]
  if (!leaf) return refused('SKERRY_SVID_INVALID', 'the peer sent no certificate')
  const read = readSvid(leaf)
  if (read.kind === 'refused') return read

  const roots = bundles.get(read.peer.id.trustDomain) ?? []
  if (roots.length === 0)
    return refused('SKERRY_SVID_UNTRUSTED', `no MeshTrust for the trust domain ${read.peer.id.trustDomain} is known here`)
  if (!inDate(leaf, nowMs)) {
    return refused(
      'SKERRY_SVID_DATES',
      `the certificate of ${read.peer.uri} is valid from ${leaf.validFrom} to ${leaf.validTo}, and it is ${new Date(nowMs).toISOString()}`,
    )
  }
  if (!chainsTo(leaf, chain.slice(1, MAX_CHAIN), roots, nowMs)) {
    return refused('SKERRY_SVID_UNTRUSTED', `the certificate of ${read.peer.uri} is not signed by a CA of its trust domain`)
  }
  return read
}

/** The identity a leaf claims, if its form is that of an SVID. Says nothing about who signed it. */
export function readSvid(leaf: X509Certificate): SvidVerdict {
  const extensions = readExtensions(leaf.raw)
  if (typeof extensions === 'string') return refused('SKERRY_SVID_INVALID', extensions)

  const uris = uriNames(extensions.get(SUBJECT_ALT_NAME))
  if (uris.length !== 1) return refused('SKERRY_SVID_INVALID', `the certificate has ${uris.length} URI names, an SVID has exactly one`)
  const id = parseSpiffeId(uris[0]!)
  if (id.kind === 'invalid') return refused('SKERRY_SVID_INVALID', `the URI name is no SPIFFE ID: ${id.reason}`)
  if (id.value.path === '') return refused('SKERRY_SVID_INVALID', 'the URI name is the SPIFFE ID of a trust domain, not of a workload')

  const usage = keyUsage(extensions.get(KEY_USAGE))
  if (mayBeCa(extensions.get(BASIC_CONSTRAINTS)) || (usage & (KEY_CERT_SIGN | CRL_SIGN)) !== 0)
    return refused('SKERRY_SVID_INVALID', 'a certificate that may sign others is no identity')
  if ((usage & DIGITAL_SIGNATURE) === 0) return refused('SKERRY_SVID_INVALID', 'the certificate lacks key usage digitalSignature')
  return { kind: 'ok', peer: { uri: formatSpiffeId(id.value), id: id.value, notAfterMs: leaf.validToDate.getTime() } }
}

function chainsTo(
  leaf: X509Certificate,
  intermediates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  nowMs: number,
): boolean {
  if (roots.some(root => isIssuedBy(leaf, root) && inDate(root, nowMs))) return true
  // An intermediate is used once at most, so a chain that turns in a circle ends.
  return intermediates.some(
    (issuer, i) =>
      issuer.ca && inDate(issuer, nowMs) && isIssuedBy(leaf, issuer) && chainsTo(issuer, intermediates.toSpliced(i, 1), roots, nowMs),
  )
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function inDate(certificate: X509Certificate, nowMs: number): boolean {
  return certificate.validFromDate.getTime() - SKEW_MS <= nowMs && nowMs <= certificate.validToDate.getTime()
}

function refused(code: SvidRefusal, reason: string): SvidVerdict {
  return { kind: 'refused', code, reason }
}

/** Extension OIDs in hex of their DER content: 2.5.29.19, 2.5.29.17 and 2.5.29.15. */
const BASIC_CONSTRAINTS = '551d13'
const SUBJECT_ALT_NAME = '551d11'
const KEY_USAGE = '551d0f'

/** Bits of the first octet of KeyUsage, RFC 5280 §4.2.1.3. Node shows the extended usage only. */
const DIGITAL_SIGNATURE = 0x80
const KEY_CERT_SIGN = 0x04
const CRL_SIGN = 0x02

/** `[6] IA5String` in GeneralName. */
const URI_NAME = 0x86

/** Extension values by OID, or what is wrong with the certificate. One that occurs twice makes all doubtful. */
function readExtensions(certificate: Buffer): ReadonlyMap<string, Buffer> | string {
  try {
    const [tbs] = readDerAll(expectDer(certificate, DER.sequence).content)
    const list = readDerAll(tbs?.content ?? Buffer.alloc(0)).find(part => part.tag === DER.context3)
    const found = new Map<string, Buffer>()
    for (const extension of list ? readDerAll(expectDer(list.content, DER.sequence).content) : []) {
      const parts = readDerAll(extension.content)
      const [oid, value] = [parts[0], parts.at(-1)]
      if (oid?.tag !== DER.oid || value?.tag !== DER.octetString) return 'the certificate has an extension that cannot be read'
      const key = oid.content.toString('hex')
      if (found.has(key)) return 'the certificate has an extension twice'
      found.set(key, value.content)
    }
    return found
  } catch (error) {
    if (error instanceof DerError) return `the certificate cannot be read: ${error.message}`
    throw error
  }
}

function uriNames(extension: Buffer | undefined): readonly string[] {
  if (!extension) return []
  try {
    const names = readDerAll(expectDer(extension, DER.sequence).content)
    return names.filter(name => name.tag === URI_NAME).map(name => name.content.toString('latin1'))
  } catch {
    return []
  }
}

/** Node's `ca` answers another question: it says no to cA=TRUE when key usage forbids signing. Unreadable counts as yes. */
function mayBeCa(extension: Buffer | undefined): boolean {
  if (!extension) return false
  try {
    const [first] = readDerAll(expectDer(extension, DER.sequence).content)
    return first?.tag === DER.boolean ? first.content[0] !== 0 : first !== undefined
  } catch {
    return true
  }
}

function keyUsage(extension: Buffer | undefined): number {
  if (!extension) return 0
  try {
    return expectDer(extension, DER.bitString).content[1] ?? 0
  } catch {
    return 0
  }
}
