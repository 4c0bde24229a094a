import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { defaultMesh } from '../derive/default-mesh.ts'
import { typeUrls } from '../envoy/resources.ts'
import { AgentMessageSchema, type HelloSchema, type ZoneMessage, ZoneMessageSchema } from '../gen/skerry/agent/v1/agent_pb.js'
import { makeCsr } from '../identity/csr.ts'
import { makeKeyPair } from '../identity/keys.ts'
import { TokenAuthority } from '../identity/token-authority.ts'
import type { DataplaneClaims } from '../identity/token-claims.ts'
import { issueToken, makeTokenKeys } from '../identity/tokens.ts'
import { computedLabels } from '../model/compute-labels.ts'
import { type Dataplane, type DataplaneSpec, isZoneIngress } from '../model/kinds/dataplane.ts'
import type { Resource, ResourceDraft } from '../model/resource.ts'
import { MemoryStore, type memoryDisk } from '../registry/memory-store.ts'
import { Registry, type RegistryChange } from '../registry/registry.ts'
import { ManualClock } from '../std/clock.ts'
import { type Log, silentLog } from '../std/log.ts'
import { memoryStreamPair } from '../std/memory-stream.ts'
import type { MessageStream, StreamStatus } from '../std/message-stream.ts'
import { DeltaClient, type ResourceUpdate } from '../xds/delta-client.ts'
import type { AdsStreams } from './ads.ts'
import type { Agents } from './agents.ts'
import { openCore } from './core.ts'
import { factsKey } from './readiness-tracker.ts'
import { defaultVipCidrs, type VipCidrs, vipRanges } from './vips.ts'

const keys = makeTokenKeys('f'.repeat(64), { dataplane: makeKeyPair(), zone: makeKeyPair(), user: makeKeyPair() })
const zone = 'east'

interface TestZoneOptions {
  /** Continues on what an earlier one left. */
  readonly disk?: ReturnType<typeof memoryDisk>
  readonly clock?: ManualClock
  readonly log?: Log
  /** Without mesh, identity and permission. */
  readonly bare?: boolean
  readonly offlineAfterMs?: number
  readonly vipCidrs?: VipCidrs
  /** What the connection to global tells. */
  readonly global?: { connected: boolean; silentZones: string[] }
}

/** A zone control plane without a network, on a clock that moves by hand: zone `east`, mesh `default`. */
export async function aZone({
  disk,
  clock = new ManualClock(),
  log = silentLog,
  bare = false,
  offlineAfterMs = 600_000,
  vipCidrs = defaultVipCidrs,
  global,
}: TestZoneOptions = {}) {
  const registry = await Registry.open(new MemoryStore(disk), { clock, log })
  if (!bare && registry.revision === 0)
    await registry.commit(defaultMesh({ mode: 'zone', zone }).map<RegistryChange>(draft => ({ kind: 'put', draft })))
  const tokens = new TokenAuthority({ keys, clock })
  const core = await openCore({
    registry,
    zone,
    tokens,
    instanceId: 'cp-1',
    offlineAfterMs,
    deleteServicesAfterMs: 3_600_000,
    vipRanges: vipRanges(vipCidrs),
    ...(global ? { global: () => global } : {}),
    clock,
    log,
  })
  const { facts, readiness, agents, ads } = core
  return {
    zone,
    clock,
    registry,
    ...core,
    tokens,
    /** As the API writes it in this zone. */
    async put(...drafts: ResourceDraft[]) {
      const labelled = drafts.map(draft => ({ ...draft, labels: { ...draft.labels, ...computedLabels(draft, { mode: 'zone', zone }) } }))
      await registry.commit(labelled.map(draft => ({ kind: 'put', draft })))
    },
    async remove(kind: string, name: string) {
      await registry.commit([{ kind: 'delete', key: { kind, mesh: kind === 'Mesh' ? '' : 'default', name } }])
    },
    get<R extends Resource>(kind: string, name: string): R | undefined {
      return registry.get<R>({ kind, mesh: 'default', name })
    },
    factsOf: (name: string) => facts.get(factsKey('default', name)),
    proxyState: (name: string) => {
      const dataplane = registry.get<Dataplane>({ kind: 'Dataplane', mesh: 'default', name })
      return dataplane && readiness.of(dataplane).inbounds.get('main')?.state
    },
    /** Time goes by, and what is made on other threads keeps up with it. */
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 1000) {
        await core.authorities.settled()
        await clock.run(Math.min(1000, left))
        await core.acknowledgements.settled()
      }
      await core.authorities.settled()
    },
    agent: (options: TestAgentOptions) => TestAgent.connect(agents, clock, options),
    proxy: (options: TestProxyOptions) => TestProxy.connect(ads, clock, options),
    async [Symbol.asyncDispose]() {
      await core[Symbol.asyncDispose]()
      await registry.close()
    },
  }
}

export type TestZone = Awaited<ReturnType<typeof aZone>>

/** Lets what is under way go on until this holds; cryptography runs on other threads, so turns alone do not say when. */
export async function until(holds: () => boolean, what: string = holds.toString()): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`in vain: ${what}`)
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** Lets everything that needs no time come to its end. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** The Dataplane of a sidecar with one HTTP inbound `main`, in its wire shape. */
export function aDataplane(
  name: string,
  { mesh = 'default', workload = 'web', networking }: { mesh?: string; workload?: string; networking?: object } = {},
) {
  return {
    type: 'Dataplane',
    mesh,
    name,
    labels: { 'kuma.io/workload': workload },
    networking: networking ?? {
      address: '10.0.0.1',
      inbound: [{ name: 'main', port: 8080, servicePort: 80, protocol: 'http' }],
    },
  }
}

/** The same as a draft, as a user writes it through the API. */
export function aDraft(name: string, options: Parameters<typeof aDataplane>[1] = {}): ResourceDraft {
  const { mesh, labels, networking } = aDataplane(name, options)
  return { kind: 'Dataplane', mesh, name, labels, spec: { networking } as DataplaneSpec }
}

export const zoneIngress = { address: '10.0.0.9', listeners: [{ type: 'ZoneIngress', address: '10.0.0.9', port: 10001, name: 'ingress' }] }

/** What the token of a zone gateway says. */
export const gatewayClaims = { mesh: 'default', type: 'ingress' } as const

interface TestAgentOptions {
  readonly dataplane?: object | string
  readonly claims?: DataplaneClaims
  readonly token?: string
  readonly instanceId?: string
  readonly certificateNotAfterMs?: number
  readonly silent?: boolean
}

function isGateway(dataplane: object | string | undefined): boolean {
  const { networking } = (dataplane ?? {}) as Partial<DataplaneSpec>
  return networking !== undefined && isZoneIngress({ networking })
}

/** The proxy's end of an agent stream, speaking the protocol by hand. */
export class TestAgent {
  readonly received: ZoneMessage['message'][] = []
  readonly stream: MessageStream
  readonly served: Promise<unknown>
  /** How the stream ended, when it has. */
  status: StreamStatus | null = null

  static async connect(agents: Agents, clock: ManualClock, options: TestAgentOptions): Promise<TestAgent> {
    const { claims = isGateway(options.dataplane) ? gatewayClaims : { mesh: 'default' } } = options
    const token = options.token ?? (await issueToken(keys, { type: 'dataplane', claims, ttlMs: 3_600_000 }, clock))
    const { client, server } = memoryStreamPair({ metadata: { authorization: `Bearer ${token}` } })
    return new TestAgent(client, agents.accept(server), options)
  }

  /** @param served resolves when the zone is done with the stream */
  constructor(stream: MessageStream, served: Promise<unknown>, options: TestAgentOptions) {
    const { dataplane = aDataplane('web-1'), instanceId = 'process-1', certificateNotAfterMs = 0 } = options
    this.stream = stream
    this.served = served
    void this.#read()
    void stream.closed.then(status => {
      this.status = status
    })
    const text = typeof dataplane === 'string' ? dataplane : JSON.stringify(dataplane)
    if (!options.silent) this.hello({ dataplane: text, instanceId, certificateNotAfterMs: BigInt(certificateNotAfterMs) })
  }

  hello(hello: MessageInitShape<typeof HelloSchema>): void {
    this.send({ case: 'hello', value: { version: '1.0.0', engine: 'skerry', ...hello } as never })
  }

  send(message: MessageInitShape<typeof AgentMessageSchema>['message']): void {
    this.stream.send(toBinary(AgentMessageSchema, create(AgentMessageSchema, { message })))
  }

  askForCertificate(): void {
    this.send({ case: 'certificateRequest', value: { csr: makeCsr(makeKeyPair()) } })
  }

  bound(...listeners: string[]): void {
    this.send({ case: 'bound', value: { listeners } })
  }

  health(ready: boolean): void {
    this.send({ case: 'health', value: { inbounds: [{ name: 'main', ready, reason: ready ? '' : 'no answer' }] } })
  }

  /** Everything that a healthy sidecar tells. */
  tellAll(): void {
    this.askForCertificate()
    this.health(true)
    this.bound('self_inbound_dp_main')
  }

  drain(): void {
    this.send({ case: 'draining', value: {} })
  }

  /** The first message of this sort, as soon as it is there. */
  async next<C extends NonNullable<ZoneMessage['message']['case']>>(
    name: C,
  ): Promise<Extract<ZoneMessage['message'], { case: C }>['value']> {
    await until(() => this.received.some(message => message.case === name), `the zone says ${name}`)
    return this.received.find(message => message.case === name)!.value as never
  }

  /** Breaks off, without a word; resolves when the zone has noticed. */
  async breakOff(): Promise<void> {
    this.stream.end({ code: 'UNAVAILABLE', message: 'the connection was lost' })
    await this.served
  }

  async #read(): Promise<void> {
    try {
      for await (const bytes of this.stream.messages) this.received.push(fromBinary(ZoneMessageSchema, bytes).message)
    } catch {
      // `status` says how it ended.
    }
  }
}

interface TestProxyOptions {
  readonly name: string
  readonly mesh?: string
  readonly instanceId?: string
  /** What it calls itself; by default nothing. */
  readonly userAgentName?: string
  readonly claims?: DataplaneClaims
  readonly token?: string
  /** Why it refuses resources of a type; null = it takes them. */
  readonly refuse?: (update: ResourceUpdate) => string | null
  /** What it holds from an earlier life. */
  readonly holding?: TestProxy
}

/** The proxy's end of an ADS stream. */
export class TestProxy {
  readonly client: DeltaClient
  readonly stream: MessageStream
  readonly served: Promise<unknown>
  readonly updates: ResourceUpdate[] = []
  status: StreamStatus | null = null

  static async connect(ads: AdsStreams, clock: ManualClock, options: TestProxyOptions): Promise<TestProxy> {
    const { mesh = 'default', claims = { mesh } } = options
    const token = options.token ?? (await issueToken(keys, { type: 'dataplane', claims, ttlMs: 3_600_000 }, clock))
    const { client, server } = memoryStreamPair({ metadata: { authorization: `Bearer ${token}` } })
    return new TestProxy(client, ads.serve(server, 'delta'), options)
  }

  /** @param served resolves when the zone is done with the stream */
  constructor(
    stream: MessageStream,
    served: Promise<unknown>,
    { name, mesh = 'default', instanceId = 'process-1', userAgentName = '', refuse, holding }: TestProxyOptions,
  ) {
    this.stream = stream
    this.served = served
    this.client = new DeltaClient({
      node: { id: `${mesh}.${name}`, userAgentName, metadata: { 'skerry.instance': instanceId } },
      onUpdate: update => {
        this.updates.push(update)
        for (const { name: cluster } of update.added) if (update.typeUrl === typeUrls.cluster) this.subscribe(typeUrls.endpoints, cluster)
        return refuse?.(update) ?? null
      },
    })
    for (const type of [typeUrls.cluster, typeUrls.listener, typeUrls.endpoints, typeUrls.secret]) {
      if (holding) this.client.hold(type, holding.client.held(type))
      if (type === typeUrls.cluster || type === typeUrls.listener) this.client.subscribe(type, '*')
      else if (holding) this.client.subscribe(type, holding.client.held(type).keys())
    }
    void this.client.run(stream).then(status => {
      this.status = status
    })
  }

  subscribe(type: string, ...names: string[]): void {
    this.client.subscribe(type, names)
  }

  /** Names that it holds of a type. */
  held(type: string): string[] {
    return [...this.client.held(type).keys()]
  }

  /** Names that were answered with nothing. */
  missing(type: string): string[] {
    return this.updates
      .filter(update => update.typeUrl === type)
      .flatMap(update => update.added.filter(({ value }) => value === undefined).map(({ name }) => name))
  }

  async close(): Promise<void> {
    this.stream.end({ code: 'CANCELLED', message: 'the proxy stops' })
    await this.served
  }
}
