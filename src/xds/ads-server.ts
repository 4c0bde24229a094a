import type { Node } from '../gen/envoy/config/core/v3/base_pb.js'
import { type Log, silentLog } from '../std/log.ts'
import type { MessageStream, StreamStatus } from '../std/message-stream.ts'
import { type DiscoveryRequest, readRequest, type Variant } from './discovery-request.ts'
import { DiscoveryState } from './discovery-state.ts'
import type { ResourceTypes } from './resource-types.ts'
import type { Snapshot } from './snapshot.ts'
import type { Acknowledged, Claimed, Refused, RequestEvent } from './subscription.ts'

export const DELTA_ADS_PATH = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources'
export const SOTW_ADS_PATH = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources'

/** Who opened a stream, as it says in its first message, and what came with it. */
export interface StreamOpening {
  readonly node: Node
  readonly variant: Variant
  readonly metadata: ReadonlyMap<string, string>
  readonly peer: string
}

/** What a client gets while its stream is open. Every callback runs before the stream goes on: changes made in it reach the client at once. */
export interface StreamSession {
  /** Complete for the types that may be asked for by wildcard: what is not in it is taken away from a client that returns. */
  readonly snapshot: Snapshot
  /** How this client means the types; by default as the server's options say. */
  readonly types?: ResourceTypes
  /** `*` = all. For resources that are made on demand: give them to the snapshot, or say `setMissing`. */
  onSubscribe?(typeUrl: string, names: readonly string[]): void
  onUnsubscribe?(typeUrl: string, names: readonly string[]): void
  /** A client that was here before says what it holds: called once for each type, before its subscriptions. */
  onClaimed?(claimed: Claimed): void
  onAcknowledged?(acknowledged: Acknowledged): void
  onRefused?(refused: Refused): void
  /** The stream is over. Called once. */
  onClose?(status: StreamStatus): void
}

export type Admission =
  | { readonly kind: 'open'; readonly session: StreamSession }
  | { readonly kind: 'refused'; readonly status: StreamStatus }

export interface DiscoveryServerOptions {
  readonly variant: Variant
  readonly types: ResourceTypes
  /** Decides who may come in. Asked once, with the first message. */
  readonly admit: (opening: StreamOpening) => Admission | Promise<Admission>
  readonly log?: Log
  readonly maxResponseBytes?: number
}

/**
 * Serves one client until its stream ends; whoever dialled. The first change goes out at once; what comes while the client has not answered
 * yet, or does not keep up, is put together. No timers.
 */
export async function serveDiscovery(stream: MessageStream, options: DiscoveryServerOptions): Promise<void> {
  const log = (options.log ?? silentLog).child({ peer: stream.peer })
  let client: ServedClient | undefined
  try {
    for await (const bytes of stream.messages) {
      const read = tryRead(options.variant, bytes)
      if (read.kind === 'bad') {
        stream.end({ code: 'INVALID_ARGUMENT', message: read.reason })
        break
      }
      if (client === undefined) {
        const admission = await admit(stream, read.node, options)
        if (admission.kind === 'refused') {
          log.info('discovery stream refused', { node: read.node?.id, reason: admission.status.message })
          stream.end(admission.status)
          break
        }
        client = new ServedClient(stream, admission.session, read.node!.id, options)
        log.debug('discovery stream opened', { node: client.nodeId })
      } else if (read.node && read.node.id !== client.nodeId) {
        stream.end({ code: 'INVALID_ARGUMENT', message: `this stream is ${client.nodeId}'s: ${read.node.id} must open its own` })
        break
      }
      client.onRequest(read.request)
    }
    stream.end()
  } catch (error) {
    // A broken stream is told by its status; anything else is ours.
    if ((error as { code?: string }).code !== 'SKERRY_STREAM_CLOSED') {
      log.error('discovery stream failed', { error })
      stream.end({ code: 'INTERNAL', message: 'the server failed on this stream: see its log' })
    }
  }
  const status = await stream.closed
  client?.close(status)
  if (client) log.debug('discovery stream closed', { node: client.nodeId, status: status.code })
}

class ServedClient {
  readonly nodeId: string
  readonly #stream: MessageStream
  readonly #session: StreamSession
  readonly #log: Log
  readonly #state: DiscoveryState
  readonly #unwatch: () => void
  #scheduled = false
  #blocked = false
  #closed = false

  constructor(stream: MessageStream, session: StreamSession, nodeId: string, options: DiscoveryServerOptions) {
    this.nodeId = nodeId
    this.#stream = stream
    this.#session = session
    this.#log = options.log ?? silentLog
    this.#state = new DiscoveryState(options.variant, session.types ?? options.types, options.maxResponseBytes)
    this.#unwatch = session.snapshot.watch((typeUrl, name) => {
      this.#state.changed(typeUrl, name)
      this.#schedule()
    })
  }

  onRequest(request: DiscoveryRequest): void {
    for (const event of this.#state.onRequest(request)) this.#tell(event)
    this.#flush()
  }

  close(status: StreamStatus): void {
    if (this.#closed) return
    this.#closed = true
    this.#unwatch()
    this.#session.onClose?.(status)
  }

  /** After whatever else changes in the same go. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      try {
        this.#flush()
      } catch (error) {
        // Thrown here it would end the process, and every other client with it.
        this.#log.error('discovery stream failed', { node: this.nodeId, error })
        this.#stream.end({ code: 'INTERNAL', message: 'the server failed on this stream: see its log' })
      }
    })
  }

  #flush(): void {
    if (this.#blocked || this.#closed) return
    for (let response = this.#state.next(this.#session.snapshot); response; response = this.#state.next(this.#session.snapshot)) {
      if (this.#stream.send(response.bytes)) continue
      this.#blocked = true
      void this.#stream.drained().then(() => {
        this.#blocked = false
        this.#flush()
      })
      return
    }
  }

  #tell(event: RequestEvent): void {
    switch (event.kind) {
      case 'subscribed':
        this.#session.onSubscribe?.(event.typeUrl, event.names)
        break
      case 'unsubscribed':
        this.#session.onUnsubscribe?.(event.typeUrl, event.names)
        break
      case 'claimed':
        this.#session.onClaimed?.(event)
        break
      case 'acknowledged':
        this.#session.onAcknowledged?.(event)
        break
      case 'refused':
        this.#session.onRefused?.(event)
        break
    }
  }
}

type Read =
  | { readonly kind: 'ok'; readonly request: DiscoveryRequest; readonly node: Node | undefined }
  | { readonly kind: 'bad'; readonly reason: string }

function tryRead(variant: Variant, bytes: Uint8Array): Read {
  try {
    const { request, node } = readRequest(variant, bytes)
    return request.typeUrl === '' ? { kind: 'bad', reason: 'the request has no type_url' } : { kind: 'ok', request, node }
  } catch {
    return { kind: 'bad', reason: `the message is no ${variant === 'delta' ? 'DeltaDiscoveryRequest' : 'DiscoveryRequest'}` }
  }
}

async function admit(stream: MessageStream, node: Node | undefined, options: DiscoveryServerOptions): Promise<Admission> {
  if (node === undefined || node.id === '')
    return { kind: 'refused', status: { code: 'INVALID_ARGUMENT', message: 'the first message must have a node with an id' } }
  return await options.admit({ node, variant: options.variant, metadata: stream.metadata, peer: stream.peer })
}
