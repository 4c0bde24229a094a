import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { rootCertificates } from 'node:tls'
import { create, toBinary } from '@bufbuild/protobuf'
import { identitySecret, publicRootsSecret } from '../../envoy/tls.ts'
import { SecretSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { type Clock, sleep } from '../../std/clock.ts'
import { GrpcServer, serveStreams } from '../../std/grpc-server.ts'
import type { Log } from '../../std/log.ts'
import type { MessageStream } from '../../std/message-stream.ts'
import { DELTA_ADS_PATH, serveDiscovery } from '../../xds/ads-server.ts'
import { encodeResource } from '../../xds/resource.ts'
import { envoyTypes, SDS } from '../../xds/resource-types.ts'
import { Snapshot } from '../../xds/snapshot.ts'
import type { HeldIdentity } from '../certificates.ts'
import { relay } from '../relay.ts'
import type { KeptConfiguration } from './kept-configuration.ts'

const SOTW_SDS_PATH = '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets'

/** How long an Envoy that has nothing waits for its zone, if there is something else that it could have. ms */
const patienceMs = 1000

export interface AgentServerOptions {
  /** Path of the unix socket, in a directory that only this user can enter. */
  readonly socket: string
  /** Opens an ADS stream to the zone, as soon as it knows the proxy. */
  readonly connect: (signal: AbortSignal) => Promise<MessageStream>
  /** What an Envoy had accepted in an earlier life, and what this one accepts. */
  readonly kept: KeptConfiguration
  readonly clock: Clock
  /** Envoy took or refused something: what it does may be another now. */
  readonly onAnswer: () => void
  /** In whose names its Envoy has to answer, by SPIFFE ID; all of them each time. */
  readonly onWanted: (spiffeIds: ReadonlySet<string>) => void
  readonly log: Log
}

/**
 * What an Envoy finds behind its static cluster: its certificate with the key, which has never left this machine, by SDS; and its line to the
 * zone, with the token and the CA as they are now – in its own bootstrap both would be those of its start.
 */
export class AgentServer {
  readonly #options: AgentServerOptions
  readonly #grpc = new GrpcServer()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #secrets = new Snapshot()
  readonly #lines = new Set<MessageStream>()
  #isWanted = false
  /** By SPIFFE ID of a workload: streams that ask for it. */
  readonly #wanted = new Map<string, number>()
  #delivered = ''
  #refusal = ''
  #isFrozen = false
  /** Has this Envoy accepted nothing yet? */
  #isFresh = true
  #isTelling = false

  constructor(options: AgentServerOptions) {
    this.#options = options
    serveStreams(this.#grpc, SOTW_SDS_PATH, stream => void this.#serveSecrets(stream))
    serveStreams(this.#grpc, DELTA_ADS_PATH, stream => void this.#carry(stream))
    this.#server = createServer(socket => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      this.#grpc.inject(socket)
    })
  }

  /** For what an Envoy calls outside the mesh: those that Node trusts. */
  #offerPublicRoots(): void {
    const trustedCa = { specifier: { case: 'inlineString' as const, value: rootCertificates.join('\n') } }
    const secret = create(SecretSchema, { name: publicRootsSecret, type: { case: 'validationContext', value: { trustedCa } } })
    this.#secrets.set(SDS, encodeResource(SDS, publicRootsSecret, toBinary(SecretSchema, secret)))
  }

  async listen(): Promise<void> {
    this.#offerPublicRoots()
    const { socket } = this.#options
    await rm(socket, { force: true })
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(socket, resolve)
    })
    await chmod(socket, 0o600)
  }

  /** Why its Envoy has no certificate although it wants one; '' = it has accepted one, or (a zone gateway) needs none. */
  get notDelivered(): string {
    if (this.#refusal !== '') return `Envoy refused its certificate: ${this.#refusal}`
    return this.#isWanted && this.#delivered === '' ? 'Envoy has no certificate yet' : ''
  }

  /** @param name of the secret: `identity`, or the SPIFFE ID of a workload in whose name a zone gateway answers */
  setIdentity({ chainPem, keyPem }: HeldIdentity, name = identitySecret): void {
    const inline = (inlineString: string) => ({ specifier: { case: 'inlineString' as const, value: inlineString } })
    const secret = create(SecretSchema, {
      name,
      type: { case: 'tlsCertificate', value: { certificateChain: inline(chainPem), privateKey: inline(keyPem) } },
    })
    this.#secrets.set(SDS, encodeResource(SDS, name, toBinary(SecretSchema, secret)))
  }

  /** A workload's certificate is no longer needed. */
  dropIdentity(name: string): void {
    this.#secrets.remove(SDS, name)
  }

  /** Another Envoy comes: what the one before had accepted says nothing. */
  forget(): void {
    this.#isFresh = true
    this.#isWanted = false
    this.#delivered = ''
    this.#refusal = ''
  }

  /** No more configuration from the zone. */
  freeze(): void {
    this.#isFrozen = true
    for (const line of this.#lines) line.end({ code: 'UNAVAILABLE', message: 'this proxy stops' })
  }

  async close(): Promise<void> {
    this.#grpc.close()
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #carry(stream: MessageStream): Promise<void> {
    if (this.#isFrozen) return stream.end({ code: 'UNAVAILABLE', message: 'this proxy stops' })
    this.#lines.add(stream)
    await this.#carryFrom(stream)
    this.#lines.delete(stream)
  }

  /** From the zone; or, for an Envoy that has nothing while there is no zone, from the disk until there is one. */
  async #carryFrom(stream: MessageStream): Promise<void> {
    const { connect, kept, clock, onAnswer, log } = this.#options
    const gone = new AbortController()
    void stream.closed.then(() => gone.abort())
    const zone = connect(gone.signal)
    const isAway = this.#isFresh && !kept.isEmpty && (await isMissing(zone, sleep(clock, patienceMs, gone.signal)))
    if (!isAway || gone.signal.aborted) {
      const reading = kept.reader(this.#isFresh, () => {
        this.#isFresh = false
      })
      const onSent = (message: Uint8Array) => {
        reading.onSent?.(message)
        onAnswer()
      }
      return relay(stream, () => zone, { ...reading, onSent })
    }
    log.warn('the zone is away: Envoy gets the configuration that it had last')
    this.#isFresh = false
    void this.#returned(zone, gone.signal).then(() => stream.end({ code: 'UNAVAILABLE', message: 'the zone is back' }))
    await kept.serve(stream)
  }

  /** Resolves when the zone can be reached; its stream is of no use here, where another one is under way. */
  async #returned(first: Promise<MessageStream>, gone: AbortSignal): Promise<void> {
    const { connect, clock } = this.#options
    for (let zone = first; !gone.aborted; zone = connect(gone)) {
      const line = await zone.catch(() => null)
      line?.end({ code: 'CANCELLED', message: 'only to see whether there is a zone' })
      if (line) return
      await sleep(clock, patienceMs, gone)
    }
  }

  #serveSecrets(stream: MessageStream): Promise<void> {
    const { onAnswer, log } = this.#options
    // Of each secret Envoy asks on a stream of its own.
    const asked = new Set<string>()
    return serveDiscovery(stream, {
      variant: 'sotw',
      types: envoyTypes,
      log,
      admit: () => ({
        kind: 'open',
        session: {
          snapshot: this.#secrets,
          onSubscribe: (_type, names) => {
            for (const name of names) this.#want(name, asked)
          },
          onUnsubscribe: (_type, names) => {
            for (const name of names) this.#leave(name, asked)
          },
          onClose: () => {
            for (const name of [...asked]) this.#leave(name, asked)
          },
          onAcknowledged: ({ versions }) => {
            const delivered = versions.get(identitySecret)
            if (delivered !== undefined) {
              this.#delivered = delivered
              this.#refusal = ''
            }
            onAnswer()
          },
          onRefused: ({ error }) => {
            this.#refusal = error
            log.error('Envoy refused its certificate', { reason: error })
            onAnswer()
          },
        },
      }),
    })
  }

  #want(name: string, asked: Set<string>): void {
    if (name === identitySecret) this.#isWanted = true
    if (!name.startsWith('spiffe://') || asked.has(name)) return
    asked.add(name)
    this.#wanted.set(name, (this.#wanted.get(name) ?? 0) + 1)
    this.#tellWanted()
  }

  #leave(name: string, asked: Set<string>): void {
    if (!asked.delete(name)) return
    const left = this.#wanted.get(name)! - 1
    if (left > 0) this.#wanted.set(name, left)
    else this.#wanted.delete(name)
    this.#tellWanted()
  }

  /** Of many that come at once one word is said. An Envoy that ended comes back, and must not find its certificates gone. */
  #tellWanted(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    setImmediate(() => {
      this.#isTelling = false
      if (this.#wanted.size > 0 || this.#lines.size > 0) this.#options.onWanted(new Set(this.#wanted.keys()))
    })
  }
}

/** Has the zone not answered by then, or not at all? */
function isMissing(zone: Promise<MessageStream>, waited: Promise<void>): Promise<boolean> {
  return Promise.race([
    zone.then(
      () => false,
      () => true,
    ),
    waited.then(() => true),
  ])
}
