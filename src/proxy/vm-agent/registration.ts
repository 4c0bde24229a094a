import { randomUUID } from 'node:crypto'
import { proxyLabel, workloadLabel } from '../../model/labels.ts'
import { Backoff } from '../../std/backoff.ts'
import type { Clock } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'
import type { MessageStream } from '../../std/message-stream.ts'
import type { Random } from '../../std/random.ts'
import { version } from '../../std/version.ts'
import { Agent } from '../agent.ts'
import { ApplicationHealth, type InboundState } from '../application-health.ts'
import { probeOf } from '../health-check.ts'
import type { RunProbe } from '../probe.ts'
import type { ProxyError } from '../proxy-error.ts'
import type { RegisteredService } from './services.ts'

export interface RegistrationOptions {
  readonly service: RegisteredService
  readonly mesh: string
  /** Of the Dataplane. */
  readonly name: string
  /** Where the zone gateway reaches the machine. */
  readonly address: string
  readonly connect: (signal: AbortSignal) => MessageStream | Promise<MessageStream>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly onRefused: (error: ProxyError) => void
  readonly probe?: RunProbe
}

const loopback = '127.0.0.1'
const reconnect = { baseMs: 100, maxMs: 5000 }
/** A third of what the zone waits for. */
const renewEveryMs = 5000
/** How long callers may take to learn that the service stops. */
const drainedWithinMs = 3000

/** One service of this machine: it is registered while this runs, and in rotation while its checks are good. The open stream is the lease. */
export class Registration {
  readonly #agent: Agent
  readonly #health: ApplicationHealth
  readonly #service: RegisteredService
  #isDraining = false

  constructor({ service, mesh, name, address, connect, clock, random, log, onRefused, probe }: RegistrationOptions) {
    this.#service = service
    this.#agent = new Agent({
      connect,
      dataplane: JSON.stringify(agentlessDataplane(service, { mesh, name, address })),
      instanceId: randomUUID(),
      version,
      engine: 'none',
      clock,
      backoff: new Backoff({ ...reconnect, random }),
      log,
      counters: () => new Map(),
      // Not all at once, where a thousand machines were started together.
      renewEveryMs: renewEveryMs * (0.8 + 0.2 * random.next()),
      onRefused,
    })
    this.#health = new ApplicationHealth({
      inbounds: service.ports.map(port => ({
        name: port.name,
        probe: probeOf(service.check, loopback, port.port),
        timing: service.timing,
      })),
      clock,
      random,
      onChange: states => this.#agent.reportHealth(states),
      ...(probe ? { run: probe } : {}),
    })
  }

  start(): void {
    this.#health.start()
    this.#agent.start()
  }

  get states(): readonly InboundState[] {
    return this.#health.states
  }

  /** Why callers are not sent here, as far as this machine knows; '' = they are. */
  get notReady(): string {
    if (this.#isDraining) return 'draining'
    if (!this.#agent.isRegistered) return 'not registered with the zone'
    return this.#health.states
      .filter(state => !state.ready)
      .map(state => `${this.#service.name} ${state.name}: ${state.reason}`)
      .join('; ')
  }

  /** Out of rotation: resolves when callers know, or a while later. */
  async drain(): Promise<void> {
    this.#isDraining = true
    await this.#agent.drain(drainedWithinMs)
  }

  /** The zone hears that it is over; after `drain` it forgets the service at once, else it waits for it to come back. */
  async close(): Promise<void> {
    this.#health.close()
    await this.#agent.close()
  }
}

/** In its wire shape. The zone validates it. */
export function agentlessDataplane(
  { name: workload, ports, check, labels }: RegisteredService,
  { mesh, name, address }: { readonly mesh: string; readonly name: string; readonly address: string },
): object {
  return {
    type: 'Dataplane',
    mesh,
    name,
    labels: { ...labels, [workloadLabel]: workload, [proxyLabel]: 'none' },
    networking: {
      address,
      inbound: ports.map(({ name, port, protocol }) => ({
        port,
        name,
        protocol,
        ...(check.kind === 'none' ? { serviceProbe: { disabled: true } } : {}),
      })),
    },
  }
}
