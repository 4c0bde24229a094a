import type { TestContext } from 'node:test'
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { encodeEndpoints } from '../../src/envoy/endpoint.ts'
import { type EnvoyResource, envoyResources, typeUrls } from '../../src/envoy/resources.ts'
import { type AgentMessage, AgentMessageSchema, ZoneMessageSchema } from '../../src/gen/skerry/agent/v1/agent_pb.js'
import type { EndpointSet, ProxyPlan } from '../../src/policy/plan.ts'
import type { DataPlane, EndpointTable, ListenerTable, RouteTable } from '../../src/proxy/compile/table.ts'
import { memoryStreamPair } from '../../src/std/memory-stream.ts'
import type { MessageStream } from '../../src/std/message-stream.ts'
import { serveDiscovery } from '../../src/xds/ads-server.ts'
import { encodeResource } from '../../src/xds/resource.ts'
import { envoyTypes } from '../../src/xds/resource-types.ts'
import { Snapshot } from '../../src/xds/snapshot.ts'

const ends = new WeakMap<TestContext, AsyncDisposableStack>()

/** As `context.after`, but what was opened last is closed first: nobody's directory goes before its user. */
export function atEnd(context: TestContext, end: () => Promise<void> | void): void {
  let stack = ends.get(context)
  if (!stack) {
    const made = new AsyncDisposableStack()
    context.after(() => made.disposeAsync())
    ends.set(context, made)
    stack = made
  }
  stack.defer(end)
}

/** Waits until something is true; fails with its description when even a slow machine would have come to it. */
export async function until(what: string, isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`not within 20 seconds: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}

/** Lets everything that is under way in memory come to its end. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
}

/** Remembers what it was told, in order. */
export class RecordingDataPlane implements DataPlane {
  /** SPIFFE IDs in whose names it answers. */
  readonly workloads = new Set<string>()
  readonly calls: string[] = []
  readonly listeners = new Map<string, ListenerTable>()
  readonly routes = new Map<string, RouteTable>()
  readonly endpoints = new Map<string, EndpointTable>()
  /** Ports that cannot be bound, with the reason. */
  readonly taken = new Map<number, string>()
  onHostWanted: (routeTable: string, host: string) => void = () => {}
  onLocalFailure: (cluster: string) => void = () => {}

  async setListener(listener: ListenerTable): Promise<void> {
    await Promise.resolve()
    const reason = this.taken.get(listener.port)
    this.calls.push(`listener ${listener.name}${reason ? ' failed' : ''}`)
    if (reason) throw new Error(reason)
    this.listeners.set(listener.name, listener)
  }
  async removeListener(name: string): Promise<void> {
    this.calls.push(`no listener ${name}`)
    this.listeners.delete(name)
  }
  setCluster(cluster: { name: string }): void {
    this.calls.push(`cluster ${cluster.name}`)
  }
  removeCluster(name: string): void {
    this.calls.push(`no cluster ${name}`)
  }
  setEndpoints(endpoints: EndpointTable): void {
    this.calls.push(`endpoints ${endpoints.cluster}`)
    this.endpoints.set(endpoints.cluster, endpoints)
  }
  setIdentity(): void {
    this.calls.push('identity')
  }

  setWorkloadIdentity(spiffeId: string, identity: unknown): void {
    if (identity === null) this.workloads.delete(spiffeId)
    else this.workloads.add(spiffeId)
  }
  setTrust(): void {
    this.calls.push('trust')
  }
  setRoutes(routes: RouteTable): void {
    this.calls.push(`routes ${routes.name}`)
    this.routes.set(routes.name, routes)
  }
  hostMissing(_routeTable: string, host: string): void {
    this.calls.push(`no host ${host}`)
  }
  async drain(): Promise<void> {
    this.calls.push('drain')
  }
  counters(): ReadonlyMap<string, number> {
    return new Map([['requests_total', 1]])
  }
  async close(): Promise<void> {
    this.calls.push('close')
  }

  /** What was told since the last time. */
  news(): string[] {
    return this.calls.splice(0)
  }
}

/** The ADS side of a zone, in memory. */
export class FakeAds {
  readonly snapshot = new Snapshot()
  readonly acknowledged: string[] = []
  readonly refused: string[] = []
  readonly asked: string[] = []
  #server: MessageStream | null = null
  connections = 0

  connect(): MessageStream {
    const { client, server } = memoryStreamPair()
    this.connections++
    this.#server = server
    void serveDiscovery(server, {
      variant: 'delta',
      types: envoyTypes,
      admit: () => ({
        kind: 'open',
        session: {
          snapshot: this.snapshot,
          onSubscribe: (typeUrl, names) => this.asked.push(...names.map(name => `${shortName(typeUrl)} ${name}`)),
          onUnsubscribe: (typeUrl, names) => this.asked.push(...names.map(name => `no ${shortName(typeUrl)} ${name}`)),
          onAcknowledged: ({ typeUrl, versions }) =>
            this.acknowledged.push(...[...versions.keys()].map(name => `${shortName(typeUrl)} ${name}`)),
          onRefused: ({ error }) => this.refused.push(error),
        },
      }),
    })
    return client
  }

  /** Everything of a plan, and these endpoints. */
  publish(plan: ProxyPlan, endpoints: Readonly<Record<string, EndpointSet>> = {}): void {
    this.publishEndpoints(endpoints)
    for (const resource of envoyResources(plan, 'skerry')) this.put(resource)
  }

  publishEndpoints(endpoints: Readonly<Record<string, EndpointSet>>): void {
    for (const [name, set] of Object.entries(endpoints)) this.put({ type: typeUrls.endpoints, name, bytes: encodeEndpoints(name, set) })
  }

  put({ type, name, bytes }: EnvoyResource): void {
    this.snapshot.set(type, encodeResource(type, name, bytes))
  }

  /** Breaks the stream. */
  cut(): void {
    this.#server?.end({ code: 'UNAVAILABLE', message: 'cut' })
  }
}

function shortName(typeUrl: string): string {
  return typeUrl.split('.').at(-1)!
}

type ZoneMessageInit = NonNullable<Extract<MessageInitShape<typeof ZoneMessageSchema>, { message?: unknown }>['message']>

/** The zone's end of one agent stream. */
export class FakeZone {
  readonly received: NonNullable<AgentMessage['message']>[] = []
  readonly streams: MessageStream[] = []
  /** What to do with each message. */
  onMessage: (message: AgentMessage['message'], zone: FakeZone) => void = () => {}

  connect(): MessageStream {
    const { client, server } = memoryStreamPair()
    this.streams.push(server)
    void this.#read(server)
    return client
  }

  send(message: ZoneMessageInit): void {
    this.streams.at(-1)!.send(toBinary(ZoneMessageSchema, create(ZoneMessageSchema, { message })))
  }

  register(spiffeId = ''): void {
    this.send({ case: 'registered', value: { mesh: 'default', name: 'web-1', zone: 'azure-1', spiffeId } })
  }

  cut(): void {
    this.streams.at(-1)!.end({ code: 'UNAVAILABLE', message: 'cut' })
  }

  /** The kinds of messages so far. */
  get kinds(): string[] {
    return this.received.map(message => message.case ?? '')
  }

  last<K extends NonNullable<AgentMessage['message']['case']>>(
    kind: K,
  ): Extract<AgentMessage['message'], { case: K }>['value'] | undefined {
    return this.received.findLast(message => message.case === kind)?.value as never
  }

  async #read(stream: MessageStream): Promise<void> {
    try {
      for await (const bytes of stream.messages) {
        const { message } = fromBinary(AgentMessageSchema, bytes)
        this.received.push(message)
        this.onMessage(message, this)
      }
      stream.end()
    } catch {
      // The agent broke it off.
    }
  }
}
