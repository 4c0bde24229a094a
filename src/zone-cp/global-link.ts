import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { certificatesOf, fingerprintOf } from '../identity/fingerprint.ts'
import { fetchCa } from '../identity/first-contact.ts'
import { peekToken } from '../identity/token-claims.ts'
import type { Registry } from '../registry/registry.ts'
import { Backoff } from '../std/backoff.ts'
import type { Clock } from '../std/clock.ts'
import { connectStream, GrpcChannel } from '../std/grpc-channel.ts'
import type { Log } from '../std/log.ts'
import { systemRandom } from '../std/random.ts'
import { version } from '../std/version.ts'
import { type ReverseMethods, reverseCallPath, serveReverseCalls } from '../sync/reverse-call.ts'
import { type GlobalFacts, ZoneSide } from '../sync/zone-side.ts'

interface Options {
  readonly zone: string
  /** `https://HOST:PORT` or `HOST:PORT` */
  readonly url: string
  readonly tokenFile: string | undefined
  readonly caFile: string | undefined
  readonly dataDir: string
  readonly registry: Registry
  readonly instanceId: string
  /** Proxies of this zone, for people at global. */
  readonly describe: () => unknown
  /** Told at every change of the connection, heartbeats included. */
  readonly onFacts?: (facts: GlobalFacts & { readonly url: string }) => void
  /** What global may ask this zone. */
  readonly methods: ReverseMethods
  readonly clock: Clock
  readonly log: Log
}

/** What is wrong with how a zone was told to reach its global: nothing that waiting would mend. */
export class GlobalLinkError extends Error {
  override name = 'GlobalLinkError'
  readonly code: 'SKERRY_ZONE_TOKEN_MISSING' | 'SKERRY_ZONE_TOKEN_OTHER_ZONE'
  constructor(code: GlobalLinkError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The zone's connection to global. Global may be away, at the start as well: the zone works without it. */
export class GlobalLink {
  readonly #options: Options
  readonly #address: string
  readonly #side: ZoneSide
  readonly #closing = new AbortController()
  readonly #answering: Promise<void>
  #channel: GrpcChannel | null = null

  /** @throws GlobalLinkError when there is no token, or it is another zone's */
  static async start(options: Options): Promise<GlobalLink> {
    const token = await readToken(options)
    const claimed = peekToken(token)?.claims.zone
    if (claimed !== undefined && claimed !== options.zone) {
      throw new GlobalLinkError(
        'SKERRY_ZONE_TOKEN_OTHER_ZONE',
        `the zone token is for zone ${JSON.stringify(claimed)}, this is zone ${JSON.stringify(options.zone)}: make one with \`skerry token zone ${options.zone}\``,
      )
    }
    return new GlobalLink(options)
  }

  private constructor(options: Options) {
    this.#options = options
    this.#address = options.url.replace(/^https:\/\//, '').replace(/\/$/, '')
    const { zone, registry, instanceId, clock, log, describe } = options
    this.#side = new ZoneSide({
      zone,
      registry,
      instance: instanceId,
      version,
      clock,
      random: systemRandom,
      log,
      describe,
      connect: async (path, metadata) => connectStream(await this.#open(), path, metadata),
      credentials: async () => ({ authorization: `Bearer ${await readToken(options)}` }),
      onFacts: facts => options.onFacts?.({ ...facts, url: options.url }),
    })
    this.#side.start()
    const backoff = new Backoff({ baseMs: 100, maxMs: 2000, random: systemRandom })
    const connect = async () =>
      connectStream(
        await this.#open(),
        reverseCallPath,
        { authorization: `Bearer ${await readToken(options)}` },
        { signal: this.#closing.signal },
      )
    this.#answering = serveReverseCalls({ methods: options.methods, connect, backoff, clock, log }, this.#closing.signal)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#answering
    await this.#side.close()
    this.#channel?.close()
  }

  async #open(): Promise<GrpcChannel> {
    this.#channel ??= new GrpcChannel(this.#address, { tls: { rootCaPem: await this.#globalCa(), serverName: 'skerry-cp' } })
    return this.#channel
  }

  /** From the file the user named; else the one whose fingerprint the token carries, fetched once and then kept. */
  async #globalCa(): Promise<string> {
    const { caFile, dataDir } = this.#options
    if (caFile) return readFile(caFile, 'utf8')
    const fingerprint = peekToken(await readToken(this.#options))?.ca
    if (fingerprint === undefined)
      throw new GlobalLinkError(
        'SKERRY_ZONE_TOKEN_MISSING',
        'the zone token names no CA: give --global-ca-file, or make a token with `skerry token zone`',
      )
    const kept = join(dataDir, 'global-ca.pem')
    const known = await readFile(kept, 'utf8').catch(() => null)
    if (known && certificatesOf(known).some(certificate => fingerprintOf(certificate) === fingerprint)) return known
    const pem = await fetchCa(this.#address, fingerprint)
    await writeFile(kept, pem)
    return pem
  }
}

async function readToken({ tokenFile, zone }: Options): Promise<string> {
  const fix = `make one at global with \`skerry token zone ${zone}\` and give it with --zone-token-file`
  if (!tokenFile) throw new GlobalLinkError('SKERRY_ZONE_TOKEN_MISSING', `a zone needs a token to join its global: ${fix}`)
  try {
    return (await readFile(tokenFile, 'utf8')).trim()
  } catch (cause) {
    throw new GlobalLinkError('SKERRY_ZONE_TOKEN_MISSING', `the zone token cannot be read from ${tokenFile}: ${fix}`, { cause })
  }
}
