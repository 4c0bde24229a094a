import type { DataplaneFacts, XdsType } from '../derive/facts.ts'
import { clientKindOf } from '../envoy/client-kind.ts'
import { typeUrls } from '../envoy/resources.ts'
import { virtualHostName } from '../envoy/route.ts'
import { admitDataplane } from '../identity/admit-dataplane.ts'
import { bearerToken } from '../identity/bearer.ts'
import type { TokenAuthority } from '../identity/token-authority.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import { workloadLabel } from '../model/labels.ts'
import type { LiveFacts } from '../registry/live.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream, StatusCode } from '../std/message-stream.ts'
import { type Admission, type StreamOpening, serveDiscovery } from '../xds/ads-server.ts'
import { envoyTypes } from '../xds/resource-types.ts'
import type { Acknowledged, Refused } from '../xds/subscription.ts'
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
  /** A zone gateway runs a listener's newest version. */
  readonly onListeners: (mesh: string, name: string) => void
}

/** How long a proxy's ADS stream waits for its agent to register the Dataplane. */
const registrationWaitMs = 10_000
const hostPrefix = virtualHostName('http_proxy', '')

/** Serves configuration to proxies. A Dataplane is one process: a stream of another one ends that of the one before. */
export class AdsStreams {
  readonly #options: Options
  readonly #streams = new Map<string, { readonly instance: string; readonly stream: MessageStream }>()

  constructor(options: Options) {
    this.#options = options
  }

  /** Serves one stream until it ends. Never rejects. */
  async serve(stream: MessageStream): Promise<void> {
    let key = ''
    try {
      await this.#serve(stream, opened => {
        key = opened
      })
    } catch (error) {
      this.#options.log.error('a configuration stream failed', { peer: stream.peer, error })
      stream.end({ code: 'INTERNAL', message: 'the zone failed on this stream: see its log' })
    } finally {
      if (this.#streams.get(key)?.stream === stream) this.#streams.delete(key)
    }
  }

  async #serve(stream: MessageStream, onOpen: (key: string) => void): Promise<void> {
    await serveDiscovery(stream, {
      variant: 'delta',
      types: envoyTypes,
      log: this.#options.log,
      admit: async opening => {
        const admission = await admit(opening, stream, this.#options)
        if (admission.kind === 'open') {
          onOpen(opening.node.id)
          this.#replace(opening.node.id, instanceOf(opening), stream)
        }
        return admission
      },
    })
  }

  #replace(key: string, instance: string, stream: MessageStream): void {
    const earlier = this.#streams.get(key)
    this.#streams.set(key, { instance, stream })
    if (earlier && earlier.instance !== instance)
      earlier.stream.end({ code: 'ABORTED', message: 'another process has registered under this name' })
  }
}

function instanceOf({ node }: StreamOpening): string {
  const instance = node.metadata?.['skerry.instance']
  return typeof instance === 'string' ? instance : ''
}

/** Only who holds the Dataplane's token may have its configuration. */
async function admit({ node, metadata }: StreamOpening, stream: MessageStream, options: Options): Promise<Admission> {
  const token = bearerToken(metadata)
  const verdict = await options.tokens.verify(token, 'dataplane')
  if (verdict.kind === 'refused') return refused('UNAUTHENTICATED', `${verdict.code}: ${verdict.reason}`)
  const dot = node.id.indexOf('.')
  const [mesh, name] = [node.id.slice(0, dot), node.id.slice(dot + 1)]
  if (dot <= 0 || name === '') return refused('INVALID_ARGUMENT', `node.id is ${JSON.stringify(node.id)}, and must be <mesh>.<Dataplane>`)
  const dataplane = await registered(options, mesh, name, stream.closed)
  if (!dataplane) return refused('NOT_FOUND', `no Dataplane ${name} is registered in mesh ${mesh}: the proxy's agent registers it`)
  const admission = admitDataplane(verdict.claims, { mesh, name, workload: dataplane.labels[workloadLabel], labels: dataplane.labels })
  if (admission.kind === 'refused') return refused('PERMISSION_DENIED', `${admission.code}: ${admission.reason}`)
  options.tokens.holdStream('dataplane', verdict.claims, stream)
  return { kind: 'open', session: session(options.reconciler.open(mesh, name, clientKindOf(node.userAgentName)), options) }
}

function session(proxy: PlannedProxy, options: Options): Extract<Admission, { kind: 'open' }>['session'] {
  const hosts = new Set<string>()
  const wants = (type: string, names: readonly string[]) => type === typeUrls.virtualHost && names.some(name => name.startsWith(hostPrefix))
  return {
    snapshot: proxy.snapshot,
    onSubscribe(type, names) {
      if (!wants(type, names)) return
      for (const name of names) if (name.startsWith(hostPrefix)) hosts.add(name.slice(hostPrefix.length))
      proxy.setHosts(new Set(hosts))
    },
    onUnsubscribe(type, names) {
      if (!wants(type, names)) return
      for (const name of names) hosts.delete(name.slice(hostPrefix.length))
      proxy.setHosts(new Set(hosts))
    },
    onClaimed({ typeUrl, versions }) {
      // Only what is still its: whatever else it names is of no use, and need not be kept.
      proxy.acknowledged(typeUrl, new Map([...versions].filter(([name]) => proxy.snapshot.get(typeUrl, name) !== undefined)))
      if (typeUrl === typeUrls.listener) options.onListeners(proxy.mesh, proxy.name)
    },
    onAcknowledged(acknowledged) {
      proxy.acknowledged(acknowledged.typeUrl, acknowledged.versions)
      record(options, proxy, acknowledged)
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
      record(options, proxy, refusal)
    },
    onClose: () => proxy.close(),
  }
}

/** Facts change when they mean something: the first acceptance of listeners or bundles, a refusal, the end of one. */
function record({ facts, clock }: Options, proxy: PlannedProxy, answer: Acknowledged | Refused): void {
  const type = shortName(answer.typeUrl)
  facts.update(factsKey(proxy.mesh, proxy.name), current => {
    if (!current || !type) return current
    const refusals = refusalsAfter(current.refusals, type, answer, clock.now())
    const isTaken = answer.kind === 'acknowledged' && answer.versions.size > 0
    const acknowledged = type === 'lds' && isTaken ? (current.acknowledged ?? 1) : current.acknowledged
    const trusts = current.trusts || (type === 'sds' && isTaken)
    const before = current.exchanges[type] ?? { sent: 0, acknowledged: 0, rejected: 0, lastUpdateMs: 0 }
    const exchange = {
      sent: before.sent + 1,
      acknowledged: before.acknowledged + (answer.kind === 'acknowledged' ? 1 : 0),
      rejected: before.rejected + (answer.kind === 'refused' ? 1 : 0),
      lastUpdateMs: clock.now(),
    }
    return { ...current, refusals, acknowledged, trusts, exchanges: { ...current.exchanges, [type]: exchange } }
  })
}

/** The same array where nothing changed, so that an acknowledgement of what is well is no news. */
function refusalsAfter(before: DataplaneFacts['refusals'], type: XdsType, answer: Acknowledged | Refused, atMs: number) {
  if (answer.kind === 'acknowledged' && !before.some(refusal => refusal.type === type)) return before
  const others = before.filter(refusal => refusal.type !== type)
  return answer.kind === 'refused' ? [...others, { type, atMs, reason: answer.error }] : others
}

function shortName(typeUrl: string): XdsType | undefined {
  switch (typeUrl) {
    case typeUrls.listener:
      return 'lds'
    case typeUrls.cluster:
      return 'cds'
    case typeUrls.endpoints:
      return 'eds'
    case typeUrls.routes:
      return 'rds'
    case typeUrls.virtualHost:
      return 'vhds'
    case typeUrls.secret:
      return 'sds'
    default:
      return undefined
  }
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
