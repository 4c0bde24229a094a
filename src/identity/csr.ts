import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { DER, DerError, expectDer, readDerAll, writeDer } from './der.ts'
import { describeKey, exportPublicKey, type KeyPair } from './keys.ts'

const VERSION_1 = Buffer.from([DER.integer, 1, 0])
/** 1.2.840.10045.4.3.2 */
const ECDSA_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex')
/** 1.3.101.112 */
const ED25519 = Buffer.from('06032b6570', 'hex')

/** A request of ours has about 250 bytes; one with a long list of extensions has no business here. */
const MAX_CSR_BYTES = 8192

/**
 * A PKCS#10 request with an empty subject and no attributes: whoever signs it decides from the authenticated identity what the
 * certificate says, so there is nothing to ask for. https://www.rfc-editor.org/rfc/rfc2986#section-4
 */
export function makeCsr(keys: KeyPair): Buffer {
  const info = writeDer(DER.sequence, VERSION_1, writeDer(DER.sequence), exportPublicKey(keys.publicKey), writeDer(DER.context0))
  const oid = describeKey(keys.publicKey) === 'Ed25519' ? ED25519 : ECDSA_SHA256
  const signature = sign(oid === ED25519 ? null : 'sha256', info, keys.privateKey)
  return writeDer(DER.sequence, info, writeDer(DER.sequence, oid), writeDer(DER.bitString, Buffer.from([0]), signature))
}

export type CsrVerdict =
  | { readonly kind: 'ok'; readonly publicKey: KeyObject }
  | { readonly kind: 'refused'; readonly code: 'SKERRY_CSR_MALFORMED' | 'SKERRY_CSR_KEY' | 'SKERRY_CSR_SIGNATURE'; readonly reason: string }

/**
 * The public key of a request whose sender has proved that it holds the private one. Subject, names, extensions and every other wish
 * in the request are never read, so they cannot be granted by mistake.
 */
export function readCsr(der: Uint8Array): CsrVerdict {
  if (der.length > MAX_CSR_BYTES) {
    return { kind: 'refused', code: 'SKERRY_CSR_MALFORMED', reason: `the request has ${der.length} bytes, more than ${MAX_CSR_BYTES}` }
  }
  try {
    return verifyParts(Buffer.from(der))
  } catch (error) {
    const why = error instanceof DerError ? error.message : 'its public key cannot be read'
    return { kind: 'refused', code: 'SKERRY_CSR_MALFORMED', reason: `the request is not a PKCS#10 request in DER: ${why}` }
  }
}

function verifyParts(der: Buffer): CsrVerdict {
  const [info, algorithm, signature, ...rest] = readDerAll(expectDer(der, DER.sequence).content)
  if (info?.tag !== DER.sequence || algorithm?.tag !== DER.sequence || signature?.tag !== DER.bitString || rest.length > 0) {
    throw new DerError('it has other parts than info, algorithm and signature')
  }
  const [version, subject, spki] = readDerAll(info.content)
  if (!version?.raw.equals(VERSION_1) || subject?.tag !== DER.sequence || spki?.tag !== DER.sequence) {
    throw new DerError('its info is not version, subject and public key')
  }

  const publicKey = createPublicKey({ key: spki.raw, format: 'der', type: 'spki' })
  const type = describeKey(publicKey)
  if (typeof type === 'object') {
    return { kind: 'refused', code: 'SKERRY_CSR_KEY', reason: `keys of type ${type.refused} are not signed: use P-256 or Ed25519` }
  }
  // The algorithm follows from the key; what the request says must agree, it does not choose.
  const oid = type === 'Ed25519' ? ED25519 : ECDSA_SHA256
  const proven =
    algorithm.content.equals(oid) &&
    signature.content[0] === 0 &&
    verify(oid === ED25519 ? null : 'sha256', info.raw, publicKey, signature.content.subarray(1))
  if (!proven)
    return { kind: 'refused', code: 'SKERRY_CSR_SIGNATURE', reason: 'the signature does not prove that the sender holds the private key' }
  return { kind: 'ok', publicKey }
}
