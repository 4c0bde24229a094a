import Type, { type Static } from 'typebox'
import { choice, count, flag, maybeCount, maybeText, maybeTime, pageOf, proxyCounts, shape, text } from './common.ts'

export const zoneStates = ['online', 'silent', 'expected', 'never-connected'] as const
export const trustStates = ['valid', 'due', 'expired'] as const
export const sourceStates = ['ok', 'failing', 'held'] as const

export const rotation = shape({
  root: text('SHA-256 of the root certificate'),
  state: text('`staged`, `trusted` (waits until every zone believes it), `issuing` or `retiring`'),
  waitingFor: Type.Array(Type.String(), { description: 'zones of which not every proxy believes it yet' }),
})

export const trust = shape(
  {
    mesh: text('mesh'),
    trustDomain: text('trust domain that the zone vouches for'),
    roots: count('certificates in its bundle; more than one while it rotates'),
    notAfter: maybeTime('when the last of them ends; null = it cannot be read'),
    state: choice(trustStates, 'due = the last root ends within 30 days'),
    rotation: Type.Array(rotation, { description: 'its roots, while one takes over from another; empty = it does not rotate' }),
    behind: Type.Array(Type.String(), {
      description: 'proxies of the zone that have not taken the newest bundles of all zones in time: nobody waits for them',
    }),
  },
  { description: 'what other zones know this zone’s workloads by' },
)
export type Trust = Static<typeof trust>

export const source = shape(
  {
    name: text('name of the DiscoverySource or of one of its scopes'),
    type: text('platform, e.g. `ecs`'),
    state: choice(sourceStates, 'held = it would remove more than the guard lets pass, and waits for a person'),
    objects: count('workloads that it found'),
    held: count('removals that are held back'),
    error: maybeText('why it fails'),
  },
  { description: 'where the zone finds workloads by itself' },
)
export type Source = Static<typeof source>

export const zone = shape(
  {
    name: text('name'),
    kri: text('resource identifier'),
    enabled: flag('false: its resources stop going to other zones'),
    state: choice(zoneStates, 'expected = this global is so young that the zone may still come back'),
    since: maybeTime('since when it is in this state'),
    lastHeard: maybeTime('its last heartbeat; null = none yet'),
    reason: maybeText('why it is silent, or what it did not accept from global'),
    version: maybeText('version of its control plane'),
    instance: maybeText('process of its control plane'),
    lag: shape(
      {
        kinds: Type.Array(Type.String(), { description: 'kinds of which it does not yet hold all that it is owed' }),
        revisions: count('revisions of global that it is behind'),
        since: maybeTime('since when it is behind'),
        ms: count('how long it was behind when it was last heard'),
      },
      { description: 'how far it is behind global' },
    ),
    proxies: proxyCounts,
    services: shape(
      { total: count('services that have instances there'), available: count('of these: with a healthy instance') },
      { description: 'services' },
    ),
    workloads: count('workloads that have instances there'),
    resources: Type.Record(Type.String(), Type.Integer(), { description: 'kind → how many global has from this zone' }),
    trust: Type.Array(trust, { description: 'one for each mesh and trust domain' }),
    sources: Type.Array(source, { description: 'discovery' }),
    refused: Type.Array(shape({ name: text('kind and name'), reason: text('why') }), {
      description: 'what global did not accept from it, at most 20',
    }),
    refusedTotal: count('how many that are'),
    problems: count('problems of this zone and of what is in it'),
    revision: maybeCount('revision of its registry at its last heartbeat'),
  },
  { description: 'a zone, as this control plane knows it' },
)
export type ZoneRow = Static<typeof zone>

export const zonePage = pageOf(zone, 'zones')
