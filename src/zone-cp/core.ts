import type { DataplaneFacts } from '../derive/facts.ts'
import { typeUrls } from '../envoy/resources.ts'
import type { TokenKeys } from '../identity/tokens.ts'
import { LiveFacts } from '../registry/live.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { AdsStreams } from './ads.ts'
import { Agents } from './agents.ts'
import { Authorities } from './authorities.ts'
import { DerivedResources } from './derived.ts'
import { Expiry } from './expiry.ts'
import { ExposedServices } from './exposed-services.ts'
import { Insights } from './insights.ts'
import { factsKey, ReadinessTracker } from './readiness-tracker.ts'
import { Reconciler } from './reconcile.ts'

/** A zone control plane without network and API: what it does between its registry and the streams of its proxies. */
export interface ZoneCore {
  readonly facts: LiveFacts<string, DataplaneFacts>
  readonly readiness: ReadinessTracker
  readonly authorities: Authorities
  readonly reconciler: Reconciler
  readonly exposed: ExposedServices
  readonly derived: DerivedResources
  readonly insights: Insights
  /** Close it before whatever carries its streams. */
  readonly agents: Agents
  readonly ads: AdsStreams
  [Symbol.asyncDispose](): Promise<void>
}

interface Options {
  /** Stays its opener's to close. */
  readonly registry: Registry
  readonly zone: string
  readonly tokens: TokenKeys
  readonly instanceId: string
  readonly offlineAfterMs: number
  readonly clock: Clock
  readonly log: Log
}

/** Resolves when every MeshIdentity that is there has its CA. */
export async function openCore({ registry, zone, tokens, instanceId, offlineAfterMs, clock, log }: Options): Promise<ZoneCore> {
  await using opening = new AsyncDisposableStack()
  const facts = new LiveFacts<string, DataplaneFacts>()
  const readiness = new ReadinessTracker(registry, facts)
  const authorities = new Authorities({ registry, zone, clock, log })
  opening.defer(() => authorities.close())
  await authorities.settled()
  // Before all that looks at its view when the registry changes.
  const reconciler = new Reconciler({ registry, zone, stateOf: readiness.stateOf, clock, log })
  opening.defer(() => reconciler.close())
  const exposed = new ExposedServices(registry, reconciler, zone)
  const derived = new DerivedResources({
    registry,
    zone,
    readiness,
    spiffeIdOf: dataplane => authorities.spiffeIdOf(dataplane),
    isExposed: service => exposed.has(service),
    log,
  })
  opening.defer(() => derived.close())
  const insights = new Insights({ registry, facts, readiness, zone, clock, log })
  opening.defer(() => insights.close())
  const expiry = new Expiry({ registry, facts, readiness, offlineAfterMs, clock, log })
  opening.defer(() => expiry.close())
  const agents = new Agents({ registry, reconciler, facts, authorities, tokens, zone, instanceId, clock, log })
  opening.defer(() => agents.close())

  const onListeners = (mesh: string, name: string) => {
    for (const listener of reconciler.plan(mesh, name)?.listeners ?? []) {
      if (listener.kind === 'zone-ingress' && reconciler.hasAcknowledged(mesh, name, typeUrls.listener, listener.name))
        exposed.add(mesh, listener)
    }
  }
  const ads = new AdsStreams({ registry, reconciler, facts, tokens, clock, log, onListeners })

  readiness.onChange = (mesh, name) => {
    reconciler.readinessChanged(mesh, name)
    derived.touchDataplane(mesh, name)
    insights.touch(factsKey(mesh, name))
  }
  exposed.onChange = service => derived.touchService(service)
  authorities.onChange = () => {
    derived.touchAll()
    agents.renewOutdated()
  }
  const closing = opening.move()
  return {
    facts,
    readiness,
    authorities,
    reconciler,
    exposed,
    derived,
    insights,
    agents,
    ads,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}
