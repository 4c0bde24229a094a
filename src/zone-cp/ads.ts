import type { DataplaneFacts } from '../derive/facts.ts'
import { companionAgent, type DataPlaneKind, dataPlaneOf, engineOf, learnsHosts } from '../envoy/client-kind.ts'
import { serverAddress } from '../envoy/grpc/names.ts'
import { typeUrls } from '../envoy/resources.ts'
import { virtualHostName } from '../envoy/route.ts'
import { admitDataplane } from '../identity/admit-dataplane.ts'
import { bearerToken } from '../identity/bearer.ts'
import type { TokenAuthority } from '../identity/token-authority.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { LiveFacts } from '../registry/live.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream, StatusCode } from '../std/message-stream.ts'
import { type Admission, type StreamOpening, type StreamSession, serveDiscovery } from '../xds/ads-server.ts'
import type { Variant } from '../xds/discovery-request.ts'
import { envoyTypes, grpcTypes } from '../xds/resource-types.ts'
import type { Acknowledged, Refused } from '../xds/subscription.ts'
import { factsAfter, factsAfterStream, shortName } from './ads-facts.ts'
import { isKumaDp, type KumaDpMembers, type Member } from './kuma-dp/members.ts'
import type { PlannedProxy } from './planned-proxy.ts'
import { factsKey } from './readiness-tracker.ts'
import type { Reconciler } from './reconcile.ts'

interface Options {
  readonly registry: Registry
  readonly reconciler: Reconciler
  readonly facts: LiveFacts<string, DataplaneFacts>
  readonly tokens: TokenAuthority
  readonly clock: Clock
  readonly log: Log
  /** Those that have no agent to speak for them. */
  readonly kumaDp: KumaDpMembers
  /** A zone gateway runs a listener's newest version. */
  readonly onListeners: (mesh: string, name: string) => void
}

/** How long a proxy's ADS stream waits for its agent to register the Dataplane. */
const registrationWaitMs = 10_000
/** Metadata of a stream that is carried for somebody else: the process that carries it. */
export const instanceHeader = 'skerry-instance'
const hostPrefix = virtualHostName('http_proxy', '')

/** Serves configuration to proxies. A Dataplane is one process: a stream of another one ends those of the one before. */
export class AdsStreams {
  readonly #options: Options
  #opened = 0
  readonly #streams = new Map<string, { readonly instance: string; readonly streams: Set<MessageStream> }>()

  constructor(options: Options) {
    this.#options = options
  }

  /** Serves one stream until it ends. Never rejects. */
  async serve(stream: MessageStream, variant: Variant): Promise<void> {
    const left: { leave?: () => void } = {}
    try {
      await serveDiscovery(stream, {
        variant,
        types: envoyTypes,
        log: this.#options.log,
        admit: async opening => {
          const admission = await admit(opening, stream, ++this.#opened, this.#options)
          if (admission.kind === 'open') left.leave = this.#enter(opening.node.id, instanceOf(opening), stream)
          return admission
        },
      })
    } catch (error) {
      this.#options.log.error('a configuration stream failed', { peer: stream.peer, error })
      stream.end({ code: 'INTERNAL', message: 'the zone failed on this stream: see its log' })
    } finally {
      left.leave?.()
    }
  }

  /** A gRPC application has several streams, all by way of one process beside it. */
  #enter(key: string, instance: string, stream: MessageStream): () => void {
    let entry = this.#streams.get(key)
    if (entry?.instance !== instance) {
      for (const earlier of entry?.streams ?? [])
        earlier.end({ code: 'ABORTED', message: 'another process has registered under this name' })
      entry = { instance, streams: new Set() }
      this.#streams.set(key, entry)
    }
    const { streams } = entry
    streams.add(stream)
    return () => {
      streams.delete(stream)
      if (streams.size === 0 && this.#streams.get(key)?.streams === streams) this.#streams.delete(key)
    }
  }
}

/** Said by whoever carries the stream, or by the client itself. */
function instanceOf({ node, metadata }: StreamOpening): string {
  const instance = metadata.get(instanceHeader) ?? node.metadata?.['skerry.instance']
  return typeof instance === 'string' ? instance : ''
}

/** Only who holds the Dataplane's token may have its configuration. */
async function admit({ node, metadata }: StreamOpening, stream: MessageStream, number: number, options: Options): Promise<Admission> {
  const token = bearerToken(metadata)
  const verdict = await options.tokens.verify(token, 'dataplane')
  if (verdict.kind === 'refused') return refused('UNAUTHENTICATED', `${verdict.code}: ${verdict.reason}`)
  const dot = node.id.indexOf('.')
  const [mesh, name] = [node.id.slice(0, dot), node.id.slice(dot + 1)]
  if (dot <= 0 || name === '') return refused('INVALID_ARGUMENT', `node.id is ${JSON.stringify(node.id)}, and must be <mesh>.<Dataplane>`)
  const joined = isKumaDp(node) ? await options.kumaDp.join(mesh, name, node, verdict.claims) : null
  if (joined?.kind === 'refused') return refused('PERMISSION_DENIED', `${joined.code}: ${joined.reason}`)
  if (joined) void stream.closed.then(() => joined.member.left())
  const dataplane = await registered(options, mesh, name, stream.closed)
  if (!dataplane) return refused('NOT_FOUND', `no Dataplane ${name} is registered in mesh ${mesh}: the proxy's agent registers it`)
  const admission = admitDataplane(verdict.claims, dataplane)
  if (admission.kind === 'refused') return refused('PERMISSION_DENIED', `${admission.code}: ${admission.reason}`)
  options.tokens.holdStream('dataplane', verdict.claims, stream)
  const client = dataPlaneOf(node.userAgentName)
  const scope = node.userAgentName === companionAgent ? 'trust' : 'all'
  const wishes = { scope, learnsHosts: learnsHosts(engineOf(node)) } as const
  return {
    kind: 'open',
    session: session(options.reconciler.open(mesh, name, client, wishes), { client, stream: number, member: joined?.member }, options),
  }
}

interface Served {
  readonly client: DataPlaneKind
  /** A number that no other stream of this control plane has. */
  readonly stream: number
  /** Of a kuma-dp: who tells what an agent would. */
  readonly member: Member | undefined
}

function session(proxy: PlannedProxy, { client, stream, member }: Served, options: Options): StreamSession {
  const asked = new Set<string>()
  const ask = (change: (name: string) => void) => (type: string, names: readonly string[]) => {
    const wanted = names.flatMap(name => askedName(client, type, name))
    if (wanted.length === 0) return
    for (const name of wanted) change(name)
    proxy.setAsked(new Set(asked))
  }
  const record = (answer: Acknowledged | Refused) =>
    options.facts.update(
      factsKey(proxy.mesh, proxy.name),
      current =>
        current &&
        factsAfter(current, answer, {
          stream,
          nowMs: options.clock.now(),
          takesCallers: listener => client !== 'grpc' || serverAddress(listener) !== null || !takesCallers(proxy),
          isOffered: (type, name) => typeof proxy.snapshot.get(type, name) === 'object',
        }),
    )
  return {
    snapshot: proxy.snapshot,
    ...(client === 'grpc' ? { types: grpcTypes } : {}),
    onSubscribe: ask(name => asked.add(name)),
    onUnsubscribe: ask(name => asked.delete(name)),
    onClaimed({ typeUrl, versions }) {
      // Only what is still its: whatever else it names is of no use, and need not be kept.
      const held = new Map([...versions].filter(([name]) => proxy.snapshot.get(typeUrl, name) !== undefined))
      proxy.acknowledged(typeUrl, held)
      member?.accepted(typeUrl, held.keys())
      if (typeUrl === typeUrls.listener) options.onListeners(proxy.mesh, proxy.name)
    },
    onAcknowledged(acknowledged) {
      proxy.acknowledged(acknowledged.typeUrl, acknowledged.versions)
      record(acknowledged)
      member?.accepted(acknowledged.typeUrl, acknowledged.versions.keys())
      if (acknowledged.typeUrl === typeUrls.listener) options.onListeners(proxy.mesh, proxy.name)
    },
    onRefused(refusal) {
      options.log.warn('a proxy refused its configuration', {
        mesh: proxy.mesh,
        proxy: proxy.name,
        type: shortName(refusal.typeUrl),
        resources: [...refusal.versions.keys()],
        reason: refusal.error,
      })
      record(refusal)
    },
    onClose() {
      proxy.close()
      options.facts.update(factsKey(proxy.mesh, proxy.name), current => current && factsAfterStream(current, stream))
    },
  }
}

/** What a subscription asks for by name that is made on demand: hosts of an HTTP proxy port, and all that gRPC wants. */
function askedName(client: DataPlaneKind, type: string, name: string): string[] {
  if (client === 'grpc') return type === typeUrls.listener ? [name] : []
  return type === typeUrls.virtualHost && name.startsWith(hostPrefix) ? [name.slice(hostPrefix.length)] : []
}

function takesCallers({ plan }: PlannedProxy): boolean {
  return plan?.listeners.some(listener => listener.kind === 'inbound') ?? false
}

/** The Dataplane, as soon as it is there; undefined when it does not come, or nobody waits for it any more. */
function registered({ registry, clock }: Options, mesh: string, name: string, closed: Promise<unknown>): Promise<Dataplane | undefined> {
  const key = { kind: 'Dataplane', mesh, name }
  const known = registry.get<Dataplane>(key)
  if (known) return Promise.resolve(known)
  return new Promise(resolve => {
    const finish = () => {
      unsubscribe()
      timer.cancel()
      resolve(registry.get<Dataplane>(key))
    }
    const unsubscribe = registry.onChange(() => {
      if (registry.get(key)) finish()
    })
    const timer = clock.setTimeout(finish, registrationWaitMs)
    void closed.then(finish)
  })
}

function refused(code: StatusCode, message: string): Admission {
  return { kind: 'refused', status: { code, message } }
}
