import 'reflect-metadata'
import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import { formatSpiffeId, parseSpiffeId } from '../model/spiffe-id.ts'
import { exportPublicKey } from './keys.ts'
import { BACKDATE_MS, type IssueContext, newSerial, signCertificate } from './sign-certificate.ts'
import type { CertificateAuthority } from './zone-ca.ts'

export interface IssuedCertificate {
  /** Leaf first. The root is not part of it: who verifies has it from the bundle. */
  readonly chainPem: string
  /** Hex, lower case. */
  readonly serial: string
  /** All times in Unix ms. */
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly renewAtMs: number
}

export interface SvidRequest {
  readonly spiffeId: string
  readonly publicKey: KeyObject
  /** Default 24 h, which is also the most. */
  readonly ttlMs?: number
}

export interface ServerCertificateRequest {
  readonly publicKey: KeyObject
  readonly dnsNames: readonly string[]
  readonly ips: readonly string[]
  readonly ttlMs?: number
}

export const MAX_LEAF_TTL_MS = 24 * 3_600_000

/** Shorter leaves than this are worth nobody's handshake: the authority is at its end and must be renewed. */
const MIN_LEAF_TTL_MS = 60_000

export class IssueRefusedError extends Error {
  override name = 'IssueRefusedError'
  readonly code: 'SKERRY_ISSUER_EXPIRES' | 'SKERRY_IDENTITY_INVALID'
  constructor(code: IssueRefusedError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** An X.509 SVID: one URI name, no subject, for both ends of TLS, never able to sign.
 *  https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md#4-constraints-and-usage */
export async function issueSvid(authority: CertificateAuthority, request: SvidRequest, context: IssueContext): Promise<IssuedCertificate> {
  const parsed = parseSpiffeId(request.spiffeId)
  if (parsed.kind === 'invalid')
    throw new IssueRefusedError('SKERRY_IDENTITY_INVALID', `no certificate for '${request.spiffeId}': ${parsed.reason}`)
  const { trustDomain, path } = parsed.value
  if (path === '')
    throw new IssueRefusedError('SKERRY_IDENTITY_INVALID', `no certificate for '${request.spiffeId}': a workload's ID has a path`)
  const authorityDomain = authority.certificate.subjectAltName
  if (authorityDomain !== `URI:spiffe://${trustDomain}`) {
    throw new IssueRefusedError(
      'SKERRY_IDENTITY_INVALID',
      `'${request.spiffeId}' is not in the trust domain of this CA (${authorityDomain ?? 'none'})`,
    )
  }
  // SPIFFE wants the name critical when there is no subject.
  const names = new x509.SubjectAlternativeNameExtension([{ type: 'url', value: formatSpiffeId(parsed.value) }], true)
  return issueLeaf(authority, { ...request, names, subject: undefined }, context)
}

/** The certificate of a control plane's own TLS ports. */
export async function issueServerCertificate(
  authority: CertificateAuthority,
  request: ServerCertificateRequest,
  context: IssueContext,
): Promise<IssuedCertificate> {
  const names = new x509.SubjectAlternativeNameExtension([
    ...request.dnsNames.map(value => ({ type: 'dns' as const, value })),
    ...request.ips.filter(ip => isIP(ip) !== 0).map(value => ({ type: 'ip' as const, value })),
  ])
  const subject = [{ CN: [(request.dnsNames[0] ?? 'skerry-cp').slice(0, 64)] }]
  return issueLeaf(authority, { ...request, names, subject }, context)
}

interface LeafRequest {
  readonly publicKey: KeyObject
  readonly names: x509.SubjectAlternativeNameExtension
  readonly subject: x509.JsonName | undefined
  readonly ttlMs?: number
}

async function issueLeaf(authority: CertificateAuthority, request: LeafRequest, context: IssueContext): Promise<IssuedCertificate> {
  const now = context.clock.now()
  const ttlMs = Math.min(request.ttlMs ?? MAX_LEAF_TTL_MS, MAX_LEAF_TTL_MS)
  if (authority.notAfterMs - now < Math.min(ttlMs, MIN_LEAF_TTL_MS)) {
    const end = new Date(authority.notAfterMs).toISOString()
    throw new IssueRefusedError('SKERRY_ISSUER_EXPIRES', `the CA ends at ${end}: rotate it before anything more can be issued`)
  }
  // X.509 counts in whole seconds; rounding down keeps the leaf inside its issuer's life.
  const notAfterMs = Math.floor(Math.min(now + ttlMs, authority.notAfterMs) / 1000) * 1000
  const notBeforeMs = Math.max(now - BACKDATE_MS, authority.certificate.validFromDate.getTime())
  const serial = newSerial(context)
  const issuer = await issuerPartsOf(authority)
  const certificate = await signCertificate(
    {
      serialNumber: serial,
      subject: request.subject,
      issuer: issuer.name,
      publicKey: exportPublicKey(request.publicKey),
      notBefore: new Date(notBeforeMs),
      notAfter: new Date(notAfterMs),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        issuer.keyIdentifier,
        request.names,
      ],
    },
    authority.privateKey,
  )
  return { chainPem: certificate.toString(), serial, notBeforeMs, notAfterMs, renewAtMs: renewalOf(now, notAfterMs, serial) }
}

/** Half of the life, give or take a tenth of it, so that proxies that started together do not all come back together. */
function renewalOf(nowMs: number, notAfterMs: number, serial: string): number {
  const random = Number.parseInt(serial.slice(-4), 16) / 0xffff
  return Math.floor(nowMs + (notAfterMs - nowMs) * (0.4 + 0.2 * random))
}

interface IssuerParts {
  readonly name: x509.Name
  readonly keyIdentifier: x509.AuthorityKeyIdentifierExtension
}

const issuerParts = new WeakMap<CertificateAuthority, Promise<IssuerParts>>()

/** What every leaf repeats of its issuer: parsed once, because many proxies ask at once after an outage. */
function issuerPartsOf(authority: CertificateAuthority): Promise<IssuerParts> {
  const known = issuerParts.get(authority)
  if (known) return known
  const { certificate } = authority
  const spki = new x509.PublicKey(exportPublicKey(certificate.publicKey))
  const parts = x509.AuthorityKeyIdentifierExtension.create(spki).then(keyIdentifier => ({
    name: new x509.X509Certificate(certificate.raw).subjectName,
    keyIdentifier,
  }))
  issuerParts.set(authority, parts)
  return parts
}
