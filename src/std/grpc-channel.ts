import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { type ChannelCredentials, Client, connectivityState, credentials, Metadata } from '@grpc/grpc-js'
import { GrpcStream, statusCode } from './grpc-stream.ts'
import type { MessageStream } from './message-stream.ts'

export interface GrpcChannelOptions {
  /** Left out: plaintext, which only tests and unix sockets want. */
  readonly tls?: {
    /** Roots that may have signed the server's certificate, PEM. */
    readonly rootCaPem: string
    /** The name that the server's certificate must carry, when it is not the host that is dialled. */
    readonly serverName?: string
    /** The client's own certificate, for servers that ask for one. */
    readonly certPem?: string
    readonly keyPem?: string
  }
  /** While there are calls, a silent connection is asked for a sign of life after this long … */
  readonly keepaliveMs?: number
  /** … and broken when none came for this long. */
  readonly keepaliveTimeoutMs?: number
  readonly maxReceiveBytes?: number
  /** How long a connection may take to be made, with TLS. A packet that is dropped tells nobody, and the system itself tries for minutes. */
  readonly connectTimeoutMs?: number
}

/** `failing`: the last attempt failed, the next is waiting or under way. */
export type ChannelState = 'idle' | 'connecting' | 'ready' | 'failing' | 'closed'

/** One connection to a gRPC server, made when first used and again when needed. */
export class GrpcChannel {
  readonly address: string
  readonly #options: GrpcChannelOptions
  readonly #streams = new Set<GrpcStream>()
  #client: Client
  #connectTimer: NodeJS.Timeout | undefined
  #closed = false

  /** @param address `host:port`, `[::1]:port` or `unix:/path` */
  constructor(address: string, options: GrpcChannelOptions = {}) {
    this.address = address
    this.#options = options
    this.#client = makeClient(address, options)
  }

  get state(): ChannelState {
    return this.#closed ? 'closed' : stateNames[this.#client.getChannel().getConnectivityState(false)]
  }

  /** Fails at once, UNAVAILABLE, while the server cannot be reached. */
  open(path: string, metadata: Readonly<Record<string, string>> = {}): MessageStream {
    const headers = new Metadata()
    for (const [name, value] of Object.entries(metadata)) headers.set(name, value)
    const call = this.#client.makeBidiStreamRequest<Buffer, Buffer>(path, identity, identity, headers, {})
    const received = new Map<string, string>()
    const stream = new GrpcStream(call, {
      peer: this.address,
      metadata: received,
      end(status) {
        if (status.code === 'OK') call.end()
        else call.cancel()
      },
    })
    call.on('metadata', (answer: Metadata) => {
      for (const [name, value] of Object.entries(answer.getMap())) received.set(name, String(value))
    })
    // What went wrong comes with the status, which always follows.
    call.on('error', () => {})
    call.on('status', status => {
      this.#streams.delete(stream)
      stream.finish({ code: statusCode(status.code), message: status.details })
    })
    this.#streams.add(stream)
    if (this.state !== 'ready') this.#limitConnecting()
    return stream
  }

  /** Cancels what is open. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#connectTimer)
    for (const stream of this.#streams) stream.end({ code: 'CANCELLED', message: 'the channel was closed' })
    this.#client.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** grpc-js waits for a connection as long as the system does: what hangs is thrown away with its client. */
  #limitConnecting(): void {
    if (this.#connectTimer || this.#closed) return
    const timeoutMs = this.#options.connectTimeoutMs ?? 5000
    this.#connectTimer = setTimeout(() => {
      this.#connectTimer = undefined
      if (this.state !== 'connecting') return
      const hanging = this.#client
      this.#client = makeClient(this.address, this.#options)
      for (const stream of this.#streams) {
        stream.finish({ code: 'UNAVAILABLE', message: `no connection to ${this.address} within ${timeoutMs} ms` })
        stream.abandon()
      }
      hanging.close()
    }, timeoutMs)
    this.#connectTimer.unref()
  }
}

/** Opens a call of `path` (`/package.Service/Method`) with these request headers. */
export function connectStream(
  channel: GrpcChannel,
  path: string,
  metadata: Readonly<Record<string, string>> = {},
  options: { readonly signal?: AbortSignal } = {},
): MessageStream {
  const stream = channel.open(path, metadata)
  const abort = () => stream.end({ code: 'CANCELLED', message: 'no longer wanted' })
  if (options.signal?.aborted) abort()
  else if (options.signal) {
    options.signal.addEventListener('abort', abort, { once: true })
    void stream.closed.then(() => options.signal?.removeEventListener('abort', abort))
  }
  return stream
}

const stateNames: Record<connectivityState, ChannelState> = {
  [connectivityState.IDLE]: 'idle',
  [connectivityState.CONNECTING]: 'connecting',
  [connectivityState.READY]: 'ready',
  [connectivityState.TRANSIENT_FAILURE]: 'failing',
  [connectivityState.SHUTDOWN]: 'closed',
}

function makeClient(address: string, options: GrpcChannelOptions): Client {
  const { host, serverName } = target(address, options)
  return new Client(address, options.tls ? secure(host, options) : credentials.createInsecure(), {
    ...(serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName }),
    'grpc.keepalive_time_ms': options.keepaliveMs ?? 10_000,
    'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs ?? 5_000,
    'grpc.max_receive_message_length': options.maxReceiveBytes ?? 16 * 1024 * 1024,
    'grpc.max_send_message_length': -1,
    // Whoever dials has its own back-off with jitter: the channel's must not add to it.
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 500,
    'grpc.dns_min_time_between_resolutions_ms': 1000,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.client_idle_timeout_ms': 0x7fffffff,
    'grpc-node.flow_control_window': 1024 * 1024,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
  })
}

function target(address: string, options: GrpcChannelOptions): { host: string; serverName: string | undefined } {
  const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  // An IP address may not stand in SNI (RFC 6066, 3): grpc-js would put it there, and Node warns.
  const serverName = options.tls?.serverName ?? (isIP(host) ? 'skerry' : undefined)
  return { host, serverName: options.tls ? serverName : undefined }
}

function secure(host: string, options: GrpcChannelOptions): ChannelCredentials {
  const { rootCaPem, serverName, certPem, keyPem } = options.tls!
  return credentials.createSsl(
    Buffer.from(rootCaPem),
    keyPem === undefined ? null : Buffer.from(keyPem),
    certPem === undefined ? null : Buffer.from(certPem),
    { checkServerIdentity: (_sni, certificate) => checkServerIdentity(serverName ?? host, certificate) },
  )
}

function identity(bytes: Buffer): Buffer {
  return bytes
}
