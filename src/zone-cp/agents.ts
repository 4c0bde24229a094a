import { fromBinary } from '@bufbuild/protobuf'
import { type AgentMessage, AgentMessageSchema } from '../gen/skerry/agent/v1/agent_pb.js'
import { bearerToken } from '../identity/bearer.ts'
import type { MessageStream, StreamStatus } from '../std/message-stream.ts'
import { AgentSession, type AgentsOptions, refuse } from './agent-session.ts'
import { factsKey } from './readiness-tracker.ts'

const shuttingDown: StreamStatus = { code: 'UNAVAILABLE', message: 'shutting down: connect again' }

/**
 * The zone's end of the agent streams: registers proxies, signs their certificates, and keeps the live facts that readiness rests on. Facts
 * live as long as the Dataplane or the stream, whichever is longer.
 */
export class Agents {
  readonly #options: AgentsOptions
  /** By `factsKey`: the stream that speaks for a Dataplane. */
  readonly #sessions = new Map<string, AgentSession>()
  readonly #streams = new Map<MessageStream, Promise<void>>()
  readonly #unsubscribe: () => void
  #isClosing = false

  constructor(options: AgentsOptions) {
    this.#options = options
    this.#unsubscribe = options.registry.onChange(({ changes }) => {
      for (const change of changes) {
        if (change.kind === 'delete' && change.key.kind === 'Dataplane') this.#onDeleted(factsKey(change.key.mesh, change.key.name))
      }
    })
  }

  /** Serves one stream until it ends. Never rejects. */
  accept(stream: MessageStream): Promise<void> {
    if (this.#isClosing) {
      stream.end(shuttingDown)
      return Promise.resolve()
    }
    const served = this.#serve(stream)
      .catch(error => {
        this.#options.log.error('an agent stream failed', { peer: stream.peer, error })
        stream.end({ code: 'INTERNAL', message: 'the zone failed on this stream: see its log' })
      })
      .finally(() => this.#streams.delete(stream))
    this.#streams.set(stream, served)
    return served
  }

  /** Another CA signs now: whoever has a certificate in a name that is not its own any more asks for a new one. */
  renewOutdated(): void {
    for (const session of this.#sessions.values()) session.renewIfOutdated()
  }

  /** Other zones have gateways elsewhere now: this zone's look there from now on. */
  watchOthers(mesh: string): void {
    for (const session of this.#sessions.values()) session.watchOthers(mesh)
  }

  /**
   * Ends every stream, and resolves when what they meant is written. It is this control plane that leaves, not its proxies: they count as
   * they did, so that the next process finds – and tells other zones – what is true.
   */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#unsubscribe()
    for (const stream of this.#streams.keys()) stream.end(shuttingDown)
    await Promise.all(this.#streams.values())
  }

  async #serve(stream: MessageStream): Promise<void> {
    const { log, tokens } = this.#options
    const token = bearerToken(stream.metadata)
    const verdict = await tokens.verify(token, 'dataplane')
    if (verdict.kind === 'refused') {
      const { code, reason } = verdict
      log.warn('a proxy was refused', { peer: stream.peer, code, reason })
      return refuse(stream, { kind: 'refused', code, reason, fix: 'make a token with skerry token dataplane' })
    }
    tokens.holdStream('dataplane', verdict.claims, stream)
    const session = new AgentSession(this.#options, stream, verdict.claims, this.#sessions)
    try {
      for await (const bytes of stream.messages) {
        const message = decode(bytes)
        if (message) await session.receive(message)
        else stream.end({ code: 'INVALID_ARGUMENT', message: 'the message is no AgentMessage: update the proxy' })
      }
      stream.end()
    } catch (error) {
      // A broken stream is told by its status; anything else is ours.
      if ((error as { code?: string }).code !== 'SKERRY_STREAM_CLOSED') throw error
    } finally {
      await session.end(this.#isClosing ? 'closing' : 'left')
    }
  }

  #onDeleted(id: string): void {
    const session = this.#sessions.get(id)
    if (session) session.deleted()
    else this.#options.facts.delete(id)
  }
}

function decode(bytes: Uint8Array): AgentMessage | null {
  try {
    return fromBinary(AgentMessageSchema, bytes)
  } catch {
    return null
  }
}
