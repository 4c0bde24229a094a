import 'reflect-metadata'
import type { KeyObject, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { certificatesOf } from './fingerprint.ts'
import { exportPrivateKey, exportPublicKey, importPrivateKey, makeKeyPair } from './keys.ts'
import { BACKDATE_MS, type IssueContext, newSerial, signCertificate } from './sign-certificate.ts'

/** A CA certificate and the key that signs with it: of a mesh in a zone, or of a control plane for its own server certificate. */
export interface CertificateAuthority {
  readonly certificate: X509Certificate
  readonly certificatePem: string
  readonly privateKey: KeyObject
  /** Unix ms. Nothing this authority issues lives longer. */
  readonly notAfterMs: number
}

export interface RootRequest {
  readonly commonName: string
  /** Put as the only URI name, without a path, as SPIFFE asks of signing certificates. Without it the root signs no SVIDs. */
  readonly trustDomain?: string
  /** Default 10 years. */
  readonly ttlMs?: number
}

const TEN_YEARS_MS = 10 * 365 * 24 * 3_600_000

/** A new self-signed root with a new key. Path length 0: what it signs cannot sign in turn. */
export async function makeRoot(request: RootRequest, context: IssueContext): Promise<CertificateAuthority> {
  const keys = makeKeyPair()
  const serialNumber = newSerial(context)
  const now = context.clock.now()
  const spki = exportPublicKey(keys.publicKey)
  // The serial in the name keeps two roots of one trust domain apart while one takes over from the other.
  const name: x509.JsonName = [{ O: ['Skerry'] }, { CN: [request.commonName.slice(0, 64)] }, { '2.5.4.5': [serialNumber.slice(0, 16)] }]
  const certificate = await signCertificate(
    {
      serialNumber,
      subject: name,
      issuer: name,
      publicKey: spki,
      notBefore: new Date(now - BACKDATE_MS),
      notAfter: new Date(now + (request.ttlMs ?? TEN_YEARS_MS)),
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(new x509.PublicKey(spki)),
        ...(request.trustDomain === undefined
          ? []
          : [new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${request.trustDomain}` }])]),
      ],
    },
    keys.privateKey,
  )
  return { certificate, certificatePem: certificate.toString(), privateKey: keys.privateKey, notAfterMs: certificate.validToDate.getTime() }
}

export class AuthorityUnusableError extends Error {
  override name = 'AuthorityUnusableError'
  readonly code = 'SKERRY_CA_UNUSABLE'
}

/** An authority from what was stored: the certificate's PEM and the key's PKCS#8 PEM, in one text. */
export function loadAuthority(pem: string): CertificateAuthority {
  const [certificate] = certificatesOf(pem)
  if (!certificate)
    throw new AuthorityUnusableError('the stored CA holds no certificate: restore it from a backup, or delete it for a new one')
  const { privateKey } = importPrivateKey(pem.slice(Math.max(0, pem.indexOf('-----BEGIN PRIVATE KEY-----'))))
  if (!certificate.ca || !certificate.checkPrivateKey(privateKey)) {
    throw new AuthorityUnusableError("the stored CA's key and certificate do not belong together: restore it from a backup")
  }
  return { certificate, certificatePem: certificate.toString(), privateKey, notAfterMs: certificate.validToDate.getTime() }
}

/** What `loadAuthority` reads. Contains the private key: for the store only. */
export function saveAuthority(authority: CertificateAuthority): string {
  return authority.certificatePem + exportPrivateKey(authority.privateKey)
}
