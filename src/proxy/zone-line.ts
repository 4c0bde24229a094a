import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { certificatesOf, fingerprintOf } from '../identity/fingerprint.ts'
import type { UnverifiedToken } from '../identity/token-claims.ts'
import { peekToken } from '../identity/token-claims.ts'
import { GrpcChannel } from '../std/grpc-channel.ts'
import type { MessageStream } from '../std/message-stream.ts'
import { writeDurably } from './durable-file.ts'
import { EXIT_USAGE, ProxyError } from './proxy-error.ts'

/** The name in every control plane's certificate, whatever address it is reached by. */
const serverName = 'skerry-cp'

export interface ZoneLineOptions {
  /** HOST:PORT */
  readonly address: string
  readonly token: string | undefined
  readonly tokenFile: string | undefined
  readonly caFile: string | undefined
  /** Where the CA is kept once it is known. */
  readonly directory: string
  readonly fetchCa: (address: string, fingerprint: string, signal?: AbortSignal) => Promise<string>
}

/**
 * The connection to the zone: one channel, verified with the CA that the user or the token names. Token and CA are read anew for every
 * stream, so that both can be replaced while the proxy runs.
 */
export class ZoneLine {
  readonly #options: ZoneLineOptions
  #channel: { readonly caPem: string; readonly channel: GrpcChannel } | null = null
  #known: { readonly fingerprint: string; readonly pem: Promise<string> } | null = null
  #isClosed = false

  constructor(options: ZoneLineOptions) {
    this.#options = options
  }

  /** `metadata`: what to say besides the token. */
  async open(path: string, signal: AbortSignal, metadata: Readonly<Record<string, string>> = {}): Promise<MessageStream> {
    const token = await readToken(this.#options)
    const caPem = await this.#ca(token)
    signal.throwIfAborted()
    if (this.#isClosed) throw new Error('the connection is closed')
    if (this.#channel?.caPem !== caPem) {
      this.#channel?.channel.close()
      this.#channel = { caPem, channel: new GrpcChannel(this.#options.address, { tls: { rootCaPem: caPem, serverName } }) }
    }
    return this.#channel.channel.open(path, { ...metadata, authorization: `Bearer ${token}` })
  }

  close(): void {
    this.#isClosed = true
    this.#channel?.channel.close()
  }

  async #ca(token: string): Promise<string> {
    const { caFile } = this.#options
    if (caFile !== undefined) return readFile(caFile, 'utf8')
    const fingerprint = peekToken(token)?.ca ?? ''
    if (this.#known?.fingerprint !== fingerprint) {
      const known = { fingerprint, pem: this.#findCa(fingerprint) }
      this.#known = known
      // Tried again with the next stream.
      known.pem.catch(() => {
        if (this.#known === known) this.#known = null
      })
    }
    return this.#known!.pem
  }

  /** From the disk if it is the one; else from the zone, which cannot pass off another. */
  async #findCa(fingerprint: string): Promise<string> {
    const file = join(this.#options.directory, 'ca.pem')
    const saved = await readFile(file, 'utf8').catch(() => '')
    if (isCa(saved, fingerprint)) return saved
    const pem = await this.#options.fetchCa(this.#options.address, fingerprint)
    await writeDurably(file, pem)
    return pem
  }
}

/** The token as it stands in the variable or the file. */
export async function readToken({ token, tokenFile }: Pick<ZoneLineOptions, 'token' | 'tokenFile'>): Promise<string> {
  if (tokenFile === undefined) return (token ?? '').trim()
  try {
    return (await readFile(tokenFile, 'utf8')).trim()
  } catch (cause) {
    const fix = 'make one with skerry token dataplane, and give its place with --token-file'
    throw new ProxyError('SKERRY_TOKEN_UNREADABLE', `the token cannot be read: ${(cause as Error).message}`, fix, {
      cause,
      exitCode: EXIT_USAGE,
    })
  }
}

/** What the token says, or why it cannot be one for a proxy: found before anything is dialled. */
export function checkToken(token: string, caFile: string | undefined): UnverifiedToken | undefined {
  const peeked = peekToken(token)
  const make = 'make one with skerry token dataplane'
  if (peeked === undefined && caFile === undefined) {
    throw new ProxyError('SKERRY_TOKEN_MALFORMED', 'the token is not one of Skerry', make, { exitCode: EXIT_USAGE })
  }
  if (peeked !== undefined && peeked.type !== 'dataplane') {
    throw new ProxyError('SKERRY_TOKEN_WRONG_TYPE', `this is a ${peeked.type} token, and a proxy needs a dataplane token`, make, {
      exitCode: EXIT_USAGE,
    })
  }
  return peeked
}

function isCa(pem: string, fingerprint: string): boolean {
  try {
    return certificatesOf(pem).some(certificate => fingerprintOf(certificate) === fingerprint)
  } catch {
    return false
  }
}
