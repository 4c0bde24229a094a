import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { DER, writeDer } from '../../../src/identity/der.ts'

export interface SelfSigned {
  readonly keyPem: string
  readonly certPem: string
  readonly der: Buffer
}

const LIFETIME_MS = 365 * 86_400_000

const oids = {
  ecdsaSha256: '06082a8648ce3d040302',
  commonName: '0603550403',
  basicConstraints: '0603551d13',
  keyUsage: '0603551d0f',
  extendedKeyUsage: '0603551d25',
  subjectAltName: '0603551d11',
  serverAuth: '06082b06010505070301',
  clientAuth: '06082b06010505070302',
}
const UTF8_STRING = 0x0c
const SET = 0x31
const UTC_TIME = 0x17
const DNS_NAME = 0x82

/**
 * A P-256 certificate for `localhost` that signed itself, as go-plugin wants one of both sides. Written by hand, since a library that
 * builds certificates would double the time in which a provider starts, and Terraform starts one for every step.
 * https://www.rfc-editor.org/rfc/rfc5280#section-4.1
 */
export function selfSigned(now = Date.now()): SelfSigned {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(hex(oids.ecdsaSha256))
  const name = sequence(writeDer(SET, sequence(hex(oids.commonName), writeDer(UTF8_STRING, Buffer.from('localhost')))))
  const body = sequence(
    writeDer(DER.context0, writeDer(DER.integer, Buffer.from([2]))),
    writeDer(DER.integer, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name,
    sequence(utcTime(now - 60_000), utcTime(now + LIFETIME_MS)),
    name,
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    writeDer(
      DER.context3,
      sequence(
        // go-plugin puts the certificate into its pool of roots: it must be one.
        extension(oids.basicConstraints, true, sequence(writeDer(DER.boolean, Buffer.from([0xff])))),
        // digitalSignature and keyCertSign
        extension(oids.keyUsage, true, writeDer(DER.bitString, Buffer.from([2, 0x84]))),
        extension(oids.extendedKeyUsage, false, sequence(hex(oids.serverAuth), hex(oids.clientAuth))),
        extension(oids.subjectAltName, false, sequence(writeDer(DNS_NAME, Buffer.from('localhost')))),
      ),
    ),
  )
  const der = sequence(body, algorithm, writeDer(DER.bitString, Buffer.from([0]), sign('sha256', body, keys.privateKey)))
  const base64 = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return {
    keyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certPem: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    der,
  }
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return writeDer(DER.sequence, ...parts)
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}

function extension(oid: string, isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [writeDer(DER.boolean, Buffer.from([0xff]))] : []
  return sequence(hex(oid), ...critical, writeDer(DER.octetString, value))
}

/** UTCTime is of the years until 2049; a provider does not live that long. */
function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|[.]\d+/g, '')
  return writeDer(UTC_TIME, Buffer.from(digits.slice(2)))
}
