import type { Static } from 'typebox'
import { choice, count, maybeCount, maybeText, pageOf, shape, subject, text, time } from './common.ts'

export const eventTypes = [
  'zone.connected',
  'zone.silent',
  'zone.deleted',
  'global.connected',
  'global.silent',
  'proxy.connected',
  'proxy.disconnected',
  'proxy.removed',
  'proxy.refused',
  'proxy.accepted',
  'instance.ready',
  'instance.not-ready',
  'instance.removed',
  'certificate.renewed',
  'service.available',
  'service.degraded',
  'service.unavailable',
  'resource.created',
  'resource.changed',
  'resource.deleted',
  'problem.reported',
] as const
export type EventType = (typeof eventTypes)[number]

export const event = shape(
  {
    id: count('grows by one with every event of this process'),
    time: time('when this control plane learned of it'),
    type: choice(eventTypes, 'what happened'),
    subject,
    message: text('in words'),
    by: maybeText('who wrote a resource: `user ann`, `zone aws-1`, `global`; null where nobody did'),
    revision: maybeCount('the registry’s revision with it; null for what is no resource'),
    link: text('path of this API that shows what it is about'),
  },
  { description: 'something that happened' },
)
export type DashboardEvent = Static<typeof event>
export const eventPage = pageOf(event, 'events, the newest first; kept in memory, the last 2,000 of this process')
