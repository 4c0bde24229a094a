import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { create, toBinary } from '@bufbuild/protobuf'
import { identitySecret } from '../../envoy/tls.ts'
import { SecretSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { GrpcServer, serveStreams } from '../../std/grpc-server.ts'
import type { Log } from '../../std/log.ts'
import type { MessageStream } from '../../std/message-stream.ts'
import { DELTA_ADS_PATH, serveDiscovery } from '../../xds/ads-server.ts'
import { encodeResource } from '../../xds/resource.ts'
import { envoyTypes, SDS } from '../../xds/resource-types.ts'
import { Snapshot } from '../../xds/snapshot.ts'
import type { HeldIdentity } from '../certificates.ts'
import { relay } from './relay.ts'

const SOTW_SDS_PATH = '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets'

export interface AgentServerOptions {
  /** Path of the unix socket, in a directory that only this user can enter. */
  readonly socket: string
  /** Opens an ADS stream to the zone, as soon as it knows the proxy. */
  readonly connect: (signal: AbortSignal) => Promise<MessageStream>
  /** Envoy took or refused something: what it does may be another now. */
  readonly onAnswer: () => void
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
  #delivered = ''
  #refusal = ''
  #isFrozen = false

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

  async listen(): Promise<void> {
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

  setIdentity({ chainPem, keyPem }: HeldIdentity): void {
    const inline = (inlineString: string) => ({ specifier: { case: 'inlineString' as const, value: inlineString } })
    const secret = create(SecretSchema, {
      name: identitySecret,
      type: { case: 'tlsCertificate', value: { certificateChain: inline(chainPem), privateKey: inline(keyPem) } },
    })
    this.#secrets.set(SDS, encodeResource(SDS, identitySecret, toBinary(SecretSchema, secret)))
  }

  /** Another Envoy comes: what the one before had accepted says nothing. */
  forget(): void {
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
    await relay(stream, this.#options.connect, this.#options.onAnswer)
    this.#lines.delete(stream)
  }

  #serveSecrets(stream: MessageStream): Promise<void> {
    const { onAnswer, log } = this.#options
    return serveDiscovery(stream, {
      variant: 'sotw',
      types: envoyTypes,
      log,
      admit: () => ({
        kind: 'open',
        session: {
          snapshot: this.#secrets,
          onSubscribe: () => {
            this.#isWanted = true
          },
          onAcknowledged: ({ versions }) => {
            this.#delivered = versions.get(identitySecret) ?? this.#delivered
            this.#refusal = ''
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
}
