import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** A new P-256 key pair. Made where it is used: a private key leaves its process only as the zone's own stored CA key. */
export function makeKeyPair(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

/** PKCS#8, PEM. */
export function exportPrivateKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

export function importPrivateKey(pem: string): KeyPair {
  const privateKey = createPrivateKey(pem)
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

/** SubjectPublicKeyInfo, DER. */
export function exportPublicKey(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' })
}

/** What may stand in a certificate of ours: P-256 or Ed25519. RSA and other curves are refused whatever their size. */
export function describeKey(key: KeyObject): 'P-256' | 'Ed25519' | { readonly refused: string } {
  if (key.asymmetricKeyType === 'ed25519') return 'Ed25519'
  if (key.asymmetricKeyType !== 'ec') return { refused: key.asymmetricKeyType ?? key.type }
  const curve = key.asymmetricKeyDetails?.namedCurve ?? 'a curve without a name'
  return curve === 'prime256v1' ? 'P-256' : { refused: curve }
}
