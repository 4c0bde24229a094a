import type { DataplaneFacts } from '../derive/facts.ts'
import type { VipRanges } from '../derive/vip-table.ts'
import { typeUrls } from '../envoy/resources.ts'
import type { TokenAuthority } from '../identity/token-authority.ts'
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
import { GoneMeshes } from './gone-meshes.ts'
import { Hostnames } from './hostnames.ts'
import { Insights } from './insights.ts'
import { KumaDpMembers } from './kuma-dp/members.ts'
import { ZoneMadeKeys } from './kuma-dp/zone-made-keys.ts'
import { LeaseStates } from './lease-states.ts'
import { OrphanedServices } from './orphaned-services.ts'
import { factsKey, ReadinessTracker } from './readiness-tracker.ts'
import { Reconciler } from './reconcile.ts'
import { ServiceEndpoints } from './service-endpoints.ts'
import { TrustAcknowledgements } from './trust/acknowledgements.ts'
import { countHolders } from './trust/holders.ts'
import { TrustCounts } from './trust/trust-counts.ts'
import { Vips } from './vips.ts'
import { ZoneDoubts } from './zone-doubts.ts'
import { ZoneGateways } from './zone-gateways.ts'

/** A zone control plane without network and API: what it does between its registry and the streams of its proxies. */
export interface ZoneCore {
  readonly facts: LiveFacts<string, DataplaneFacts>
  readonly readiness: ReadinessTracker
  readonly authorities: Authorities
  readonly reconciler: Reconciler
  readonly exposed: ExposedServices
  readonly hostnames: Hostnames
  readonly derived: DerivedResources
  readonly trust: TrustCounts
  readonly doubts: ZoneDoubts
  readonly acknowledgements: TrustAcknowledgements
  readonly insights: Insights
  readonly endpoints: ServiceEndpoints
  /** Close it before whatever carries its streams. */
  readonly agents: Agents
  readonly ads: AdsStreams
  /** Close it before whatever carries its streams. */
  readonly kumaDp: KumaDpMembers
  readonly zoneMadeKeys: ZoneMadeKeys
  [Symbol.asyncDispose](): Promise<void>
}

interface Options {
  /** Stays its opener's to close. */
  readonly registry: Registry
  readonly zone: string
  readonly tokens: TokenAuthority
  readonly instanceId: string
  readonly offlineAfterMs: number
  readonly deleteServicesAfterMs: number
  readonly vipRanges: VipRanges
  /** May Kuma's kuma-dp join, for which the zone makes the key? */
  readonly allowKumaDp?: boolean
  /** What the connection to global tells. Without it: there is no global. */
  readonly global?: () => { readonly connected: boolean; readonly silentZones: readonly string[] }
  readonly clock: Clock
  readonly log: Log
}

/** Resolves when every MeshIdentity that is there has its CA. */
export async function openCore({
  registry,
  zone,
  tokens,
  instanceId,
  offlineAfterMs,
  deleteServicesAfterMs,
  vipRanges,
  allowKumaDp = false,
  global,
  clock,
  log,
}: Options): Promise<ZoneCore> {
  await using opening = new AsyncDisposableStack()
  const facts = new LiveFacts<string, DataplaneFacts>()
  const readiness = new ReadinessTracker(registry, facts)
  const authorities = new Authorities({
    registry,
    zone,
    holders: (mesh, root) => countHolders(registry, facts, mesh, root),
    isHeard: () => global?.().connected ?? true,
    clock,
    log,
  })
  opening.defer(() => authorities.close())
  await authorities.settled()
  // Before all that looks at its view when the registry changes.
  const trust = new TrustCounts(clock)
  opening.defer(() => trust.close())
  const doubts = new ZoneDoubts({ registry, zone, global: global ?? (() => null), clock, log })
  opening.defer(() => doubts.close())
  const reconciler: Reconciler = new Reconciler({
    registry,
    zone,
    stateOf: readiness.stateOf,
    doubt: mesh => doubts.doubt(mesh),
    serves: mesh => gateways.serves(mesh),
    trust,
    clock,
    log,
  })
  opening.defer(() => reconciler.close())
  const gateways: ZoneGateways = new ZoneGateways({ registry, facts, zone, view: mesh => reconciler.view(mesh) })
  opening.defer(() => gateways.close())
  readiness.servedOf = (dataplane, inbound) => gateways.of(dataplane, inbound)
  const acknowledgements = new TrustAcknowledgements({
    registry,
    zone,
    counts: trust,
    view: mesh => reconciler.view(mesh),
    signedBy: mesh => authorities.signedBy(mesh),
    rotation: mesh => authorities.rotationOf(mesh),
    clock,
    log,
  })
  opening.defer(() => acknowledgements.close())
  const exposed = new ExposedServices(registry, reconciler, zone)
  // Before all that says who is known by which name when the registry changes.
  const hostnames = new Hostnames({ registry, zone })
  opening.defer(() => hostnames.close())
  const vips = new Vips({ registry, ranges: vipRanges, clock, log })
  opening.defer(() => vips.close())
  const derived = new DerivedResources({
    registry,
    zone,
    readiness,
    spiffeIdsOf: dataplane => authorities.spiffeIdsOf(dataplane),
    isExposed: service => exposed.has(service),
    hostnames,
    vips,
    log,
  })
  opening.defer(() => derived.close())
  const insights = new Insights({ registry, facts, readiness, zone, clock, log })
  opening.defer(() => insights.close())
  const endpoints = new ServiceEndpoints({ registry, readiness, zone })
  opening.defer(() => endpoints.close())
  const expiry = new Expiry({ registry, facts, readiness, offlineAfterMs, clock, log })
  opening.defer(() => expiry.close())
  const leases = new LeaseStates({ registry, facts, readiness, clock, log })
  opening.defer(() => leases.close())
  const orphans = new OrphanedServices({ registry, zone, deleteAfterMs: deleteServicesAfterMs, clock, log })
  opening.defer(() => orphans.close())
  const goneMeshes = new GoneMeshes({ registry, zone, clock, log })
  opening.defer(() => goneMeshes.close())
  const agents = new Agents({ registry, reconciler, facts, authorities, doubts, tokens, zone, instanceId, clock, log })
  opening.defer(() => agents.close())

  const onListeners = (mesh: string, name: string) => {
    for (const listener of reconciler.plan(mesh, name)?.listeners ?? []) {
      if (listener.kind === 'zone-ingress' && reconciler.hasAcknowledged(mesh, name, typeUrls.listener, listener.name))
        exposed.add(mesh, listener)
    }
  }
  const kumaDp = new KumaDpMembers({ registry, facts, zone, instanceId, isAllowed: allowKumaDp, clock, log })
  opening.defer(() => kumaDp.close())
  const zoneMadeKeys = new ZoneMadeKeys({ registry, authorities, tokens, members: kumaDp, isAllowed: allowKumaDp, clock, log })
  const ads = new AdsStreams({ registry, reconciler, facts, tokens, kumaDp, clock, log, onListeners })

  readiness.onChange = (mesh, name) => {
    reconciler.readinessChanged(mesh, name)
    derived.touchDataplane(mesh, name)
    insights.touch(factsKey(mesh, name))
    endpoints.touchDataplane(mesh, name)
  }
  gateways.onChange = ({ mesh, name }) => readiness.check(mesh, name)
  doubts.onChange = (mesh, other) => reconciler.zoneChanged(mesh, other)
  doubts.onTargets = mesh => agents.watchOthers(mesh)
  exposed.onChange = service => derived.touchService(service)
  authorities.onChange = () => {
    derived.touchAll()
    acknowledgements.touchAll()
    agents.renewOutdated()
    zoneMadeKeys.renewOutdated()
  }
  const closing = opening.move()
  return {
    facts,
    readiness,
    authorities,
    reconciler,
    exposed,
    hostnames,
    derived,
    trust,
    doubts,
    acknowledgements,
    insights,
    endpoints,
    agents,
    ads,
    kumaDp,
    zoneMadeKeys,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}
