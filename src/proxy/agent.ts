import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  type AgentMessage,
  AgentMessageSchema,
  type Refused,
  type Registered,
  type ZoneMessage,
  ZoneMessageSchema,
} from '../gen/skerry/agent/v1/agent_pb.js'
import type { Backoff } from '../std/backoff.ts'
import { type Clock, sleep, type Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream, StreamStatus } from '../std/message-stream.ts'
import type { InboundState } from './application-health.ts'
import { Certificates, type HeldIdentity } from './certificates.ts'
import type { BoundListeners } from './control/listeners.ts'
import { EXIT_NOT_AUTHORISED, ProxyError } from './proxy-error.ts'
import { WorkloadCertificates } from './workload-certificates.ts'
import type { Reach } from './zone-reach.ts'

export const AGENT_PATH = '/skerry.agent.v1.Agent/Connect'

export interface AgentOptions {
  readonly connect: (signal: AbortSignal) => MessageStream | Promise<MessageStream>
  /** The Dataplane, JSON in its wire shape. */
  readonly dataplane: string
  /** New with every process. */
  readonly instanceId: string
  readonly version: string
  /** `skerry`, or `envoy <version>`. */
  readonly engine: string
  readonly clock: Clock
  readonly backoff: Backoff
  readonly log: Log
  /** Absent: it needs no certificate, and asks for none. */
  readonly onIdentity?: (identity: HeldIdentity) => void
  /** To a zone gateway: the certificate of a workload in whose name it answers; null = it does no more. */
  readonly onWorkloadIdentity?: (spiffeId: string, identity: HeldIdentity | null) => void
  readonly counters: () => ReadonlyMap<string, number>
  /** To a zone gateway: other zones' gateways, `host:port`, to see whether they can be reached; all of them each time. */
  readonly onWatch?: (addresses: readonly string[]) => void
  /** How often the zone hears something at least. ms */
  readonly renewEveryMs?: number
  /** The zone will not have this proxy, and trying again does not help. */
  readonly onRefused: (error: ProxyError) => void
}

const countersEveryMs = 10_000

/** Refusals that pass by themselves: the zone does not know the mesh yet, or clocks differ a little. */
const passing: ReadonlySet<string> = new Set(['SKERRY_MESH_UNKNOWN', 'SKERRY_TOKEN_NOT_YET_VALID', 'SKERRY_ZONE_STARTING'])
/** Even a proxy that has served under this name must stop: another process has it now. */
const final: ReadonlySet<string> = new Set(['SKERRY_REPLACED'])

type Message = NonNullable<Exclude<MessageInitShape<typeof AgentMessageSchema>, AgentMessage>['message']>

/**
 * The proxy's line to its zone for all that is not configuration: registers it, gets its certificate, and tells what the zone cannot
 * know. The open stream is the registration. What was told last is told again on every new stream.
 */
export class Agent {
  readonly #options: AgentOptions
  readonly #certificates: Certificates
  readonly #workloads: WorkloadCertificates
  readonly #abort = new AbortController()
  #running: Promise<void> | undefined
  #stream: MessageStream | null = null
  #health: readonly InboundState[] | null = null
  #bound: BoundListeners | null = null
  #reaches: readonly Reach[] = []
  #registered: Registered | null = null
  #hasEverRegistered = false
  readonly #waitForRegistration = new Set<() => void>()
  #draining: { readonly done: () => void } | null = null

  constructor(options: AgentOptions) {
    this.#options = options
    this.#certificates = new Certificates({
      clock: options.clock,
      log: options.log,
      onIdentity: identity => options.onIdentity?.(identity),
      request: csr => this.#send({ case: 'certificateRequest', value: { csr } }),
    })
    this.#workloads = new WorkloadCertificates({
      clock: options.clock,
      log: options.log,
      onIdentity: (spiffeId, identity) => options.onWorkloadIdentity?.(spiffeId, identity),
      request: (spiffeId, csr) => this.#send({ case: 'certificateRequest', value: { csr, spiffeId } }),
    })
  }

  /** A certificate from an earlier life. Before `start`. */
  restore(identity: HeldIdentity): void {
    this.#certificates.restore(identity)
  }

  /** Those of workloads. Before `start`. */
  restoreWorkloads(identities: ReadonlyMap<string, HeldIdentity>): void {
    this.#workloads.restore(identities)
  }

  /** In whose names a zone gateway has to answer, by SPIFFE ID; all of them each time. */
  answerFor(spiffeIds: ReadonlySet<string>): void {
    this.#workloads.want(spiffeIds)
  }

  get identity(): HeldIdentity | null {
    return this.#certificates.current
  }

  get isRegistered(): boolean {
    return this.#registered !== null
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Resolves when the zone has this proxy on an open stream, or when the signal is aborted. */
  async registered(signal: AbortSignal): Promise<void> {
    while (this.#registered === null && !signal.aborted) {
      await new Promise<void>(resolve => {
        const wake = () => {
          signal.removeEventListener('abort', wake)
          this.#waitForRegistration.delete(wake)
          resolve()
        }
        this.#waitForRegistration.add(wake)
        signal.addEventListener('abort', wake, { once: true })
      })
    }
  }

  reportHealth(states: readonly InboundState[]): void {
    this.#health = states
    this.#send({ case: 'health', value: { inbounds: states.map(state => ({ ...state })) } })
  }

  reportBound(bound: BoundListeners): void {
    this.#bound = bound
    this.#send({ case: 'bound', value: { listeners: [...bound.listeners], failures: bound.failures.map(failure => ({ ...failure })) } })
  }

  reportReaches(reaches: readonly Reach[]): void {
    this.#reaches = reaches
    this.#send({ case: 'reached', value: { addresses: reaches.map(reach => ({ ...reach })) } })
  }

  /** Asks the zone to take this proxy out of rotation. Resolves when callers know, or after `timeoutMs`; at once without a zone. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.#stream === null || this.#registered === null) return
    await new Promise<void>(resolve => {
      const timer = this.#options.clock.setTimeout(resolve, timeoutMs)
      this.#draining = {
        done: () => {
          timer.cancel()
          resolve()
        },
      }
      this.#send({ case: 'draining', value: {} })
    })
  }

  async close(): Promise<void> {
    this.#abort.abort()
    this.#certificates.close()
    this.#workloads.close()
    // Cancelled, not ended: a zone that hangs must not hold up the proxy's end.
    this.#stream?.end({ code: 'CANCELLED', message: 'the proxy stops' })
    await this.#running
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort
    const { backoff, clock, log } = this.#options
    while (!signal.aborted) {
      const status = await this.#connectOnce(signal)
      this.#stream = null
      this.#registered = null
      // Nobody is left to wait for.
      this.#draining?.done()
      if (signal.aborted) return
      const retryInMs = backoff.nextMs()
      log.warn('no connection to the zone', { status: status.code, reason: status.message, retryInMs: Math.round(retryInMs) })
      await sleep(clock, retryInMs, signal)
    }
  }

  async #connectOnce(signal: AbortSignal): Promise<StreamStatus> {
    let stream: MessageStream
    try {
      stream = await this.#options.connect(signal)
    } catch (error) {
      return { code: 'UNAVAILABLE', message: (error as Error).message }
    }
    if (signal.aborted) stream.end({ code: 'CANCELLED', message: 'no longer wanted' })
    this.#stream = stream
    this.#introduce()
    const counters = this.#sendCounters()
    try {
      for await (const bytes of stream.messages) this.#receive(fromBinary(ZoneMessageSchema, bytes))
      stream.end()
    } catch (error) {
      if ((error as { code?: string }).code !== 'SKERRY_STREAM_CLOSED') stream.end({ code: 'INTERNAL', message: (error as Error).message })
    }
    counters.cancel()
    const status = await stream.closed
    // A stream of ours that was lost ends with the one after it; only another process's can end the one in use.
    if (status.code === 'ABORTED' && !signal.aborted) this.#onReplaced(status.message)
    return status
  }

  /** Everything at once: the zone reads in order, and a round trip is what a workload waits for. */
  #introduce(): void {
    const { dataplane, instanceId, version, engine } = this.#options
    const certificateNotAfterMs = BigInt(this.#certificates.current?.notAfterMs ?? 0)
    this.#send({ case: 'hello', value: { dataplane, instanceId, version, engine, certificateNotAfterMs } })
    if (this.#options.onIdentity) this.#certificates.connected()
    this.#workloads.connected()
    if (this.#health) this.reportHealth(this.#health)
    if (this.#bound) this.reportBound(this.#bound)
    if (this.#reaches.length > 0) this.reportReaches(this.#reaches)
    if (this.#draining) this.#send({ case: 'draining', value: {} })
  }

  #receive({ message }: ZoneMessage): void {
    switch (message.case) {
      case 'registered':
        this.#onRegistered(message.value)
        break
      case 'certificate':
        if (message.value.spiffeId === '') this.#certificates.receive(message.value)
        else this.#workloads.receive(message.value)
        break
      case 'renew':
        if (this.#options.onIdentity) this.#certificates.renew()
        this.#workloads.renew()
        break
      case 'certificateRefused':
        this.#workloads.refused(message.value)
        break
      case 'drained':
        this.#draining?.done()
        break
      case 'watch':
        this.#options.onWatch?.(message.value.addresses)
        break
      case 'refused':
        this.#onRefused(message.value)
        break
      default:
      // A newer zone may say what this proxy does not know; none of it is needed to serve.
    }
  }

  #onRegistered(registered: Registered): void {
    this.#registered = registered
    this.#hasEverRegistered = true
    this.#options.backoff.reset()
    this.#options.log.info('registered', {
      mesh: registered.mesh,
      dataplane: registered.name,
      zone: registered.zone,
      spiffeId: registered.spiffeId,
    })
    if (this.#options.onIdentity) this.#certificates.registered(registered.spiffeId)
    for (const wake of this.#waitForRegistration) wake()
  }

  /** A proxy that serves goes on serving: a token that ended is no reason to cut off its callers. */
  #onRefused({ code, message, fix }: Refused): void {
    const isFatal = final.has(code) || (!passing.has(code) && !this.#hasEverRegistered)
    if (isFatal) {
      this.#options.onRefused(new ProxyError(code, `the zone refuses this proxy: ${message}`, fix, { exitCode: EXIT_NOT_AUTHORISED }))
      this.#abort.abort()
    } else this.#options.log.error('the zone refuses this proxy', { code, reason: message, fix })
  }

  #onReplaced(reason: string): void {
    const fix = 'give each proxy a --name, or a --data directory, of its own'
    this.#options.onRefused(new ProxyError('SKERRY_REPLACED', `another proxy has registered under this name (${reason})`, fix))
    this.#abort.abort()
  }

  #sendCounters(): Timer {
    let timer: Timer
    const next = () => {
      timer = this.#options.clock.setTimeout(() => {
        this.#send({ case: 'counters', value: { values: Object.fromEntries(this.#options.counters()) } })
        next()
      }, this.#options.renewEveryMs ?? countersEveryMs)
    }
    next()
    return { cancel: () => timer.cancel() }
  }

  #send(message: Message): void {
    this.#stream?.send(toBinary(AgentMessageSchema, create(AgentMessageSchema, { message })))
  }
}
