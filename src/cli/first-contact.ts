import { createHash } from 'node:crypto'
import { connect, type DetailedPeerCertificate } from 'node:tls'
import { CliError } from './cli-error.ts'
import { exitCodes } from './exit-codes.ts'

/** The fingerprint of the authority that a token says will have signed the server's certificate (claim `ca`): SHA-256 of the DER, hex, lower case. */
export function pinnedFingerprint(token: string | undefined): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString('utf8')) as { ca?: unknown }
    return typeof claims.ca === 'string' ? claims.ca : undefined
  } catch {
    return undefined
  }
}

/**
 * Asks the server for its chain and picks out the pinned authority, as PEM. Nothing secret is sent on this connection; the caller
 * opens a second one that trusts this authority alone and checks the server's name as usual.
 */
export function fetchPinnedAuthority(url: URL, fingerprint: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const socket = connect({
      host,
      port: Number(url.port || 443),
      rejectUnauthorized: false,
      timeout: timeoutMs,
      ALPNProtocols: ['http/1.1'],
      ...(/^[\d.:]+$/.test(host) ? {} : { servername: host }),
    })
    socket.once('timeout', () => socket.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })))
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      const authority = chainOf(socket.getPeerCertificate(true)).find(
        ({ raw }) => createHash('sha256').update(raw).digest('hex') === fingerprint,
      )
      socket.destroy()
      if (authority)
        resolve(
          `-----BEGIN CERTIFICATE-----\n${authority.raw
            .toString('base64')
            .replaceAll(/(.{64})/g, '$1\n')
            .trimEnd()}\n-----END CERTIFICATE-----\n`,
        )
      else reject(notPinned(url, fingerprint))
    })
  })
}

function chainOf(leaf: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = []
  // The root names itself as its issuer.
  for (let at: DetailedPeerCertificate | undefined = leaf; at?.raw && !chain.includes(at); at = at.issuerCertificate) chain.push(at)
  return chain
}

function notPinned(url: URL, fingerprint: string): CliError {
  return new CliError(`${url.origin} does not show the authority that the token names (SHA-256 ${fingerprint})`, {
    code: 'SKERRY_AUTHORITY_NOT_PINNED',
    exitCode: exitCodes.notAuthorised,
    fix: 'use a token that this control plane made, or name its authority with --ca-file FILE',
  })
}
