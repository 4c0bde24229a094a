import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { AgentMessageSchema } from '../src/gen/skerry/agent/v1/agent_pb.js'
import { Backoff } from '../src/std/backoff.ts'
import { systemClock } from '../src/std/clock.ts'
import { connectStream, GrpcChannel } from '../src/std/grpc-channel.ts'
import type { MessageStream } from '../src/std/message-stream.ts'
import { systemRandom } from '../src/std/random.ts'
import { AdsClient } from '../src/xds/ads-client.ts'
import { DELTA_ADS_PATH } from '../src/xds/ads-server.ts'
import { CDS, EDS, LDS } from '../src/xds/resource-types.ts'

/** Child process of `bench/xds.ts`: many sidecars, each with a TLS connection of its own, agent stream and delta ADS. */
export interface FleetConfig {
  /** `HOST:PORT` of the port for proxies. */
  readonly address: string
  readonly rootCaPem: string
  /** Metadata of every stream. */
  readonly authorization: string
  readonly serverName: string
  readonly sidecars: readonly FleetSidecar[]
  /** Without: the control plane knows the Dataplanes by other ways. */
  readonly hasAgents: boolean
}

export interface FleetSidecar {
  readonly name: string
  /** As it is put. */
  readonly dataplane: unknown
  /** Clusters whose endpoints it must have before it is configured. */
  readonly clusters: readonly string[]
}

export type FleetRequest =
  /** Answered by `arrived` when so many updates of a type came since; of one cluster, or of any. */
  | { readonly kind: 'expect'; readonly typeUrl: string; readonly name: string | null; readonly count: number }
  /** Answered by `seen`: what came since the last time it was asked. */
  | { readonly kind: 'seen' }
  /** All say that they listen, and that their applications answer. */
  | { readonly kind: 'listen' }
  /** Answered by `versions`. */
  | { readonly kind: 'versions' }

export type FleetReport =
  | { readonly kind: 'configured'; readonly at: string }
  /** First and last, and the one in the middle: `process.hrtime` in ns as text. */
  | { readonly kind: 'arrived'; readonly first: string; readonly median: string; readonly last: string }
  | { readonly kind: 'seen'; readonly resources: number; readonly disconnects: number; readonly connected: number; readonly lastAt: string }
  /** Clusters of which not every sidecar has the same version. */
  | { readonly kind: 'versions'; readonly differing: number }

const config = await new Promise<FleetConfig>(resolve => process.once('message', resolve as (message: unknown) => void))
const report = (message: FleetReport) => process.send!(message)
const now = () => String(process.hrtime.bigint())

let configured = 0
let expected: Extract<FleetRequest, { kind: 'expect' }> | null = null
let times: string[] = []
let resources = 0
let disconnects = 0
let connected = 0
let lastAt = now()
const clients: AdsClient[] = []
const agents: Agent[] = []

process.on('disconnect', () => process.exit())
process.on('message', (message: FleetRequest) => {
  switch (message.kind) {
    case 'expect':
      expected = message
      times = []
      return
    case 'seen':
      report({ kind: 'seen', resources, disconnects, connected, lastAt })
      resources = 0
      disconnects = 0
      return
    case 'listen':
      for (const agent of agents) agent.listens()
      return
    case 'versions': {
      const versions = new Map<string, Set<string>>()
      for (const client of clients)
        for (const [name, version] of client.held(EDS)) versions.set(name, (versions.get(name) ?? new Set()).add(version))
      report({ kind: 'versions', differing: [...versions.values()].filter(({ size }) => size > 1).length })
    }
  }
})

function start({ name, dataplane, clusters }: FleetSidecar): void {
  const channel = new GrpcChannel(config.address, { tls: { rootCaPem: config.rootCaPem, serverName: config.serverName } })
  const metadata = { authorization: config.authorization }
  if (config.hasAgents) agents.push(new Agent(channel, metadata, name, dataplane))
  const wanted = new Set(clusters)
  const missing = new Set(clusters)
  let isUp = false
  const client = new AdsClient({
    node: { id: `default.${name}` },
    connect: signal => connectStream(channel, DELTA_ADS_PATH, metadata, { signal }),
    onState({ kind }) {
      if (kind === 'connected' && !isUp) connected++
      if (kind === 'disconnected') {
        disconnects++
        if (isUp) connected--
      }
      isUp = kind === 'connected'
    },
    onUpdate({ typeUrl, added }) {
      resources += added.length
      if (added.length > 0) lastAt = now()
      if (typeUrl === CDS) {
        const known = added.map(resource => resource.name).filter(cluster => wanted.has(cluster))
        if (known.length > 0) client.subscribe(EDS, known)
      }
      for (const resource of added) {
        if (typeUrl === EDS && missing.delete(resource.name)) {
          if (missing.size === 0 && ++configured === config.sidecars.length) report({ kind: 'configured', at: now() })
        } else arrived(typeUrl, resource.name)
      }
      return null
    },
    clock: systemClock,
    backoff: new Backoff({ baseMs: 100, maxMs: 1000, random: systemRandom }),
  })
  clients.push(client)
  client.subscribe(CDS, '*')
  client.subscribe(LDS, '*')
  client.start()
}

/** As an agent does: says who it is, then that it listens and that its application answers; whenever the stream ends, another is opened. */
class Agent {
  readonly #hello: Uint8Array
  #stream: MessageStream | null = null
  #isListening = false

  constructor(channel: GrpcChannel, metadata: Record<string, string>, name: string, dataplane: unknown) {
    const hello = {
      dataplane: JSON.stringify(dataplane),
      instanceId: name,
      version: 'bench',
      engine: 'bench',
      certificateNotAfterMs: BigInt(Date.now() + 3_600_000),
    }
    this.#hello = encode({ case: 'hello', value: hello })
    void this.#run(channel, metadata)
  }

  listens(): void {
    if (this.#isListening) return
    this.#isListening = true
    this.#tell()
  }

  async #run(channel: GrpcChannel, metadata: Record<string, string>): Promise<void> {
    for (;;) {
      this.#stream = connectStream(channel, '/skerry.agent.v1.Agent/Connect', metadata)
      this.#stream.send(this.#hello)
      if (this.#isListening) this.#tell()
      try {
        for await (const _ of this.#stream.messages);
      } catch {
        // Opened again.
      }
      await new Promise(resolve => setTimeout(resolve, 100 + Math.random() * 200))
    }
  }

  #tell(): void {
    this.#stream?.send(encode({ case: 'bound', value: { listeners: ['self_inbound_dp_main'] } }))
    this.#stream?.send(encode({ case: 'health', value: { inbounds: [{ name: 'main', ready: true }] } }))
  }
}

function encode(message: MessageInitShape<typeof AgentMessageSchema>['message'] & object): Uint8Array {
  return toBinary(AgentMessageSchema, create(AgentMessageSchema, { message }))
}

function arrived(typeUrl: string, name: string): void {
  if (expected === null || typeUrl !== expected.typeUrl || (expected.name !== null && name !== expected.name)) return
  times.push(now())
  if (times.length !== expected.count) return
  expected = null
  report({ kind: 'arrived', first: times[0]!, median: times[Math.floor(times.length / 2)]!, last: times.at(-1)! })
}

for (const sidecar of config.sidecars) start(sidecar)
