import { request } from 'node:https'
import { certificatesOf, fingerprintOf, normaliseFingerprint } from './fingerprint.ts'

const MAX_BYTES = 65_536
const TIMEOUT_MS = 5_000

export class FirstContactError extends Error {
  override name = 'FirstContactError'
  readonly code: 'SKERRY_CA_MISMATCH' | 'SKERRY_CA_UNAVAILABLE'
  constructor(code: FirstContactError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * The CA of a control plane that nothing is known of but its CA's fingerprint (the `ca` claim of a token). The answer comes over a
 * connection that is not verified, so only a certificate with exactly that fingerprint is returned; every later connection is
 * verified with it, and the token is not sent before. `address` is HOST:PORT.
 */
export async function fetchCa(address: string, fingerprint: string, signal?: AbortSignal): Promise<string> {
  const expected = normaliseFingerprint(fingerprint)
  const pem = await download(address, signal)
  const certificates = readable(address, pem)
  const match = certificates.find(certificate => certificate.ca && fingerprintOf(certificate) === expected)
  if (match) return match.toString()
  const seen = certificates.map(fingerprintOf).join(', ') || 'none'
  throw new FirstContactError(
    'SKERRY_CA_MISMATCH',
    `the control plane at ${address} presents another CA (${seen}) than the one that made this token (${expected}): check the address, or make a token there`,
  )
}

function readable(address: string, pem: string) {
  try {
    return certificatesOf(pem)
  } catch (cause) {
    throw new FirstContactError(
      'SKERRY_CA_UNAVAILABLE',
      `what ${address} serves at /ca.pem is not a certificate: is this the control plane's port?`,
      { cause },
    )
  }
}

function download(address: string, signal?: AbortSignal): Promise<string> {
  const url = new URL(`https://${address}/ca.pem`)
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  const unavailable = (why: string, cause?: unknown) =>
    new FirstContactError('SKERRY_CA_UNAVAILABLE', `cannot read the CA from ${url.href}: ${why}`, { cause })
  return new Promise((resolve, reject) => {
    const get = request(
      url,
      {
        rejectUnauthorized: false,
        // A connection of its own (https announces ALPN http/1.1 by itself): one that was never verified must not be reused for anything.
        agent: false,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      },
      response => {
        if (response.statusCode !== 200) {
          response.destroy()
          return reject(unavailable(`status ${response.statusCode}`))
        }
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          chunks.push(chunk)
          if (size > MAX_BYTES) response.destroy(new Error(`more than ${MAX_BYTES} bytes`))
        })
        response.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')))
        response.on('error', error => reject(unavailable(error.message, error)))
      },
    )
    get.on('error', error => reject(unavailable(timeout.aborted ? `no answer within ${TIMEOUT_MS / 1000} s` : error.message, error)))
    get.end()
  })
}
