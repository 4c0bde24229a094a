import 'reflect-metadata'
import { createPublicKey, type KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { Clock } from '../std/clock.ts'

export interface IssueContext {
  readonly clock: Pick<Clock, 'now'>
  /** Source of serial numbers; by default the system's. */
  readonly randomBytes?: (count: number) => Uint8Array
}

/** Certificates are valid a little before they are made, for peers whose clock is behind. */
export const BACKDATE_MS = 60_000

/** 128 random bits, hex; positive, and never empty of leading digits, so every encoder writes the same bytes. */
export function newSerial(context: IssueContext): string {
  const bytes = Buffer.from((context.randomBytes ?? randomBytes)(16))
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return bytes.toString('hex')
}

type CertificateFields = Omit<x509.X509CertificateCreateWithKeyParams, 'signingKey' | 'signingAlgorithm' | 'publicKey'> & {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer
}

/** Builds the certificate and signs it with a P-256 key of `node:crypto`. */
export async function signCertificate(fields: CertificateFields, signingKey: KeyObject): Promise<X509Certificate> {
  const key = signingKey.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  const made = await x509.X509CertificateGenerator.create({
    ...fields,
    signingKey: key,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  })
  const certificate = new X509Certificate(Buffer.from(made.rawData))
  // The library builds it, Node decides: a signature that does not verify is never handed out.
  if (!certificate.verify(createPublicKey(signingKey))) throw new Error('the certificate just signed does not verify')
  return certificate
}
