import { createHash, X509Certificate } from 'node:crypto'

/** SHA-256 of a certificate's DER: 64 hex digits, lower case, no colons. The form of the `ca` claim of every token. */
export function fingerprintOf(certificate: X509Certificate | Uint8Array): string {
  return createHash('sha256')
    .update(certificate instanceof X509Certificate ? certificate.raw : certificate)
    .digest('hex')
}

/** Accepts what people paste: upper case, colons, an `sha256:` in front. */
export function normaliseFingerprint(text: string): string {
  return text
    .trim()
    .replace(/^sha-?256[:=]/i, '')
    .replaceAll(':', '')
    .toLowerCase()
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** Every certificate of a PEM text, in its order. Throws when one of them cannot be read. */
export function certificatesOf(pem: string): X509Certificate[] {
  return (pem.match(CERTIFICATE) ?? []).map(text => new X509Certificate(text))
}
