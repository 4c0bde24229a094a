import type { Resource, ResourceDraft } from '../model/resource.ts'
import { MemoryStore, memoryDisk } from '../registry/memory-store.ts'
import { Registry, type RegistryChange } from '../registry/registry.ts'
import { ManualClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { memoryStreamPair } from '../std/memory-stream.ts'
import { type MessageStream, StreamError, type StreamStatus } from '../std/message-stream.ts'
import { seededRandom } from '../std/random.ts'
import { GlobalSide } from './global-side.ts'
import type { ZoneLink } from './zone-link.ts'
import { type GlobalFacts, ZoneSide } from './zone-side.ts'

const cutStatus: StreamStatus = { code: 'UNAVAILABLE', message: 'the link was cut' }

export interface Traffic {
  /** Path → messages and bytes that global sent on it. */
  readonly down: Map<string, { messages: number; bytes: number }>
  /** … and that zones sent. */
  readonly up: Map<string, { messages: number; bytes: number }>
}

/** One global and its zones in one process, on a clock that moves by hand. */
export class TestMesh {
  readonly clock = new ManualClock()
  readonly traffic: Traffic = { down: new Map(), up: new Map() }
  readonly zones = new Map<string, TestZone>()
  /** What global says of zones in its heartbeats. */
  silentZones: string[] = []
  readonly #globalDisk = memoryDisk()
  #starts = 0
  #global: { readonly registry: Registry; readonly side: GlobalSide; readonly facts: Map<string, ZoneLink> } | undefined

  static async start(...zones: string[]): Promise<TestMesh> {
    const mesh = new TestMesh()
    await mesh.startGlobal()
    for (const zone of zones) await mesh.addZone(zone)
    await mesh.settle()
    return mesh
  }

  async startGlobal(): Promise<void> {
    const { clock } = this
    const registry = await Registry.open(new MemoryStore(this.#globalDisk), { clock, log: silentLog })
    const facts = new Map<string, ZoneLink>()
    const side = new GlobalSide({
      registry,
      authenticate: metadata => {
        const [, zone, expiresAt] = /^Bearer ([^;]+);?(\d*)$/.exec(metadata.get('authorization') ?? '') ?? []
        if (!zone) return { kind: 'refused', reason: 'no token' }
        return expiresAt ? { kind: 'zone', zone, expiresAt: Number(expiresAt) } : { kind: 'zone', zone }
      },
      instance: `global-${++this.#starts}`,
      version: '1',
      onFacts: known => facts.set(known.zone, known),
      silentZones: () => this.silentZones,
      clock,
      log: silentLog,
    })
    this.#global = { registry, side, facts }
  }

  async stopGlobal(): Promise<void> {
    const global = this.#global
    this.#global = undefined
    await global?.side.close()
    await global?.registry.close()
  }

  get global() {
    if (!this.#global) throw new Error('global is down')
    return this.#global
  }

  /** @param from the zone that its token names, when it is another one's */
  async addZone(name: string, key = name, tokenZone = name): Promise<TestZone> {
    const zone = await TestZone.start(this, name, `${name}-${++this.#starts}`, tokenZone)
    this.zones.set(key, zone)
    return zone
  }

  zone(name: string): TestZone {
    return this.zones.get(name)!
  }

  /** Opens a stream to global as whoever the metadata say: `Bearer <zone>` or `Bearer <zone>;<Unix ms at which it expires>`. */
  dial(path: string, metadata: Readonly<Record<string, string>>, cut: AbortSignal = new AbortController().signal): MessageStream {
    const handler = this.#global?.side.handlers[path]
    if (!handler || cut.aborted) throw new StreamError({ code: 'UNAVAILABLE', message: 'global cannot be reached' })
    const { client, server } = memoryStreamPair({ metadata })
    handler(throughLink(server, cut, count(this.traffic.down, path)))
    return throughLink(client, cut, count(this.traffic.up, path))
  }

  /** Long enough for every reconnect and heartbeat that is due. */
  async settle(ms = 6_000): Promise<void> {
    await this.clock.run(ms)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const zone of this.zones.values()) await zone.stop()
    await this.stopGlobal()
  }
}

export class TestZone {
  readonly name: string
  readonly registry: Registry
  readonly side: ZoneSide
  facts: GlobalFacts | undefined
  #link = new AbortController()
  #isDown = false

  static async start(mesh: TestMesh, name: string, instance: string, tokenZone: string): Promise<TestZone> {
    const registry = await Registry.open(new MemoryStore(), { clock: mesh.clock, log: silentLog })
    const zone = new TestZone(mesh, name, instance, tokenZone, registry)
    zone.side.start()
    return zone
  }

  private constructor(mesh: TestMesh, name: string, instance: string, tokenZone: string, registry: Registry) {
    this.name = name
    this.registry = registry
    this.side = new ZoneSide({
      zone: name,
      registry,
      connect: (path, metadata) => {
        if (this.#isDown) throw new StreamError(cutStatus)
        return mesh.dial(path, metadata, this.#link.signal)
      },
      credentials: () => ({ authorization: `Bearer ${tokenZone}` }),
      instance,
      version: '1',
      describe: () => ({ proxies: 0 }),
      onFacts: facts => {
        this.facts = facts
      },
      clock: mesh.clock,
      random: seededRandom(1),
      log: silentLog,
    })
  }

  /** Breaks what is open, losing what is under way; new streams are possible at once, or not before `heal`. */
  cut(for_: 'an instant' | 'until healed' = 'an instant'): void {
    this.#isDown = for_ === 'until healed'
    this.#link.abort()
    this.#link = new AbortController()
  }

  heal(): void {
    this.#isDown = false
  }

  async stop(): Promise<void> {
    await this.side.close()
    await this.registry.close()
  }
}

export function aDraft(kind: string, name: string, fields: Partial<ResourceDraft> = {}): ResourceDraft {
  return { kind, mesh: kind === 'Mesh' || kind === 'Zone' ? '' : 'default', name, labels: {}, spec: {}, ...fields }
}

export function put(registry: Registry, ...drafts: ResourceDraft[]): Promise<unknown> {
  return registry.commit(drafts.map((draft): RegistryChange => ({ kind: 'put', draft })))
}

export function remove(registry: Registry, ...drafts: ResourceDraft[]): Promise<unknown> {
  return registry.commit(drafts.map((draft): RegistryChange => ({ kind: 'delete', key: draft })))
}

/** `zone/display-name` of what is stored of a kind, `/name` for what is of no zone. */
export function namesOf(registry: Registry, kind: string): string[] {
  return registry.list(kind).map(labelled).sort()
}

function labelled({ labels, name }: Resource): string {
  return `${labels['kuma.io/zone'] ?? ''}/${labels['kuma.io/display-name'] ?? name}`
}

function count(table: Traffic['down'], path: string): (message: Uint8Array) => void {
  return message => {
    const before = table.get(path) ?? { messages: 0, bytes: 0 }
    table.set(path, { messages: before.messages + 1, bytes: before.bytes + message.length })
  }
}

/** One end of a stream over a link that can be cut: then what was sent and not yet read is lost. */
function throughLink(stream: MessageStream, cut: AbortSignal, onSend: (message: Uint8Array) => void): MessageStream {
  cut.addEventListener('abort', () => stream.end(cutStatus), { once: true })
  async function* messages(): AsyncGenerator<Uint8Array, void, void> {
    for await (const message of stream.messages) {
      if (cut.aborted) throw new StreamError(cutStatus)
      yield message
    }
  }
  return {
    metadata: stream.metadata,
    peer: stream.peer,
    messages: messages(),
    send: message => {
      onSend(message)
      return stream.send(message)
    },
    drained: () => stream.drained(),
    end: status => stream.end(status),
    closed: stream.closed,
  }
}
