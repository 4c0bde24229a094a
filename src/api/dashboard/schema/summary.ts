import Type, { type Static } from 'typebox'
import { choice, count, flag, maybeText, maybeTime, proxyCounts, shape, text, time } from './common.ts'
import { serviceCounts } from './mesh.ts'
import { problem } from './problem.ts'

export const globalLink = shape(
  {
    url: text('address'),
    connected: flag('connected now'),
    since: maybeTime('since when it is connected, or not'),
    lastHeard: maybeTime('its last heartbeat; null = none yet'),
    reason: maybeText('why it is not connected, or what global did not accept'),
  },
  { description: 'a zone’s connection to global; the zone goes on without it' },
)
export type GlobalLinkRow = Static<typeof globalLink>

export const problemCounts = shape(
  { total: count('all'), critical: count('critical'), warning: count('warnings'), info: count('worth knowing') },
  { description: 'how many problems there are' },
)

export const summary = shape(
  {
    revision: text('what the stream’s `from` takes: everything up to here is in this answer'),
    mode: choice(['global', 'zone'] as const, 'of this control plane'),
    zone: maybeText('its name, where it is a zone’s'),
    version: text('of this control plane'),
    instance: text('its process'),
    startedAt: time('since when it runs'),
    global: Type.Unsafe<GlobalLinkRow | null>({
      anyOf: [globalLink, { type: 'null' }],
      description: 'null at global, and in a zone without global',
    }),
    problems: Type.Array(problem, { description: 'the worst 20, the worst first; all are at /dashboard/v1/problems' }),
    counts: shape(
      {
        problems: problemCounts,
        zones: shape(
          {
            total: count('zones'),
            online: count('connected'),
            silent: count('not connected'),
            expected: count('may still come back: this global has just started'),
            neverConnected: count('made, and never connected'),
            lagging: count('behind global'),
          },
          { description: 'zones' },
        ),
        meshes: count('meshes'),
        services: serviceCounts,
        workloads: count('workloads'),
        proxies: proxyCounts,
        policies: count('policies of all kinds'),
        certificates: shape(
          { due: count('not renewed in time'), expired: count('expired') },
          { description: 'certificates of proxies that need attention' },
        ),
      },
      { description: 'how many there are' },
    ),
  },
  { description: 'a control plane on one screen: problems first' },
)
export type Summary = Static<typeof summary>
