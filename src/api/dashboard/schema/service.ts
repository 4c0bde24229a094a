import Type, { type Static } from 'typebox'
import { choice, count, flag, maybeCount, maybeText, pageOf, shape, text, time } from './common.ts'

export const serviceStates = ['available', 'degraded', 'unavailable', 'empty', 'unknown'] as const
export const memberStates = ['available', 'unavailable', 'empty', 'unknown'] as const

export const member = shape(
  {
    zone: text('zone; empty when the service says none'),
    service: text('name of the MeshService there'),
    kri: text('resource identifier of the MeshService'),
    healthy: count('instances that are ready'),
    total: count('all of its instances'),
    state: choice(memberStates, 'unknown = the zone is silent, and the numbers are what it told last'),
    published: flag('callers of other zones may go there: it has a healthy instance, and a zone gateway has taken its route'),
    tier: maybeCount('0 = first choice; null = callers do not go there. Seen from the zone `from`'),
  },
  { description: 'a service in one zone' },
)
export type Member = Static<typeof member>

export const failover = shape(
  {
    from: maybeText('the caller’s zone for which `tier` is told; null = callers of any zone, each of which tries its own zone first'),
    policy: maybeText('MeshLoadBalancingStrategy that decides; null = built-in: own zone first, then all others alike'),
    perCaller: flag('other policies change it for some callers'),
  },
  { description: 'by whose word callers go from zone to zone' },
)

export const servicePort = shape({ name: text('name'), port: count('number'), protocol: text('application protocol') })

export const service = shape(
  {
    mesh: text('mesh'),
    name: text('name, as people gave it'),
    kri: text('resource identifier: of the MeshMultiZoneService if there is one, else of a MeshService of this name'),
    kind: choice(['MeshMultiZoneService', 'MeshService'] as const, 'MeshMultiZoneService = callers fail over between its zones'),
    state: choice(
      serviceStates,
      'degraded = a zone with instances has no healthy one, another has; empty = no instance is registered; unknown = all of its zones are silent',
    ),
    since: time('since when it is in this state, as far as this control plane knows'),
    healthy: count('instances that are ready, in zones that are not silent'),
    total: count('all of its instances, in zones that are not silent'),
    zones: Type.Array(member, { description: 'in the order in which callers try them' }),
    failover,
    ports: Type.Array(servicePort, { description: 'what callers ask for' }),
    hostnames: Type.Array(Type.String(), { description: 'names under which callers in its own zone reach it' }),
    owner: maybeText('label `skerry.io/owner`, `owner` or `team`'),
  },
  { description: 'a service, over all zones' },
)
export type ServiceRow = Static<typeof service>

/** A row without what depends on who looks at it. */
export type StoredService = Omit<ServiceRow, 'failover' | 'zones'> & { readonly zones: readonly Omit<Member, 'tier'>[] }

export const servicePage = pageOf(service, 'services')

export const tiers = shape({
  from: text('the caller’s zone'),
  policy: maybeText('MeshLoadBalancingStrategy that decides; null = built-in'),
  tiers: Type.Array(Type.Array(Type.String()), { description: 'zones, first choice first; those of a tier share the load' }),
})
export type Tiers = Static<typeof tiers>
