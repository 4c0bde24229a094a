import Type, { type Static } from 'typebox'
import { closed } from '../schema.ts'

/** Counters of one xDS or sync type. Kuma writes 64-bit numbers of protobuf as strings; both are read. */
const count = Type.Optional(Type.Union([Type.Integer(), Type.String({ pattern: '^[0-9]+$' })]))
export const responseCounters = closed({ responsesSent: count, responsesAcknowledged: count, responsesRejected: count })

export const text = Type.Optional(Type.String())

/** A subscription is one stream of a proxy or zone: open while it has no `disconnectTime`. */
export type SubscriptionTimes = { readonly connectTime?: string; readonly disconnectTime?: string }

export function isOpen(subscription: SubscriptionTimes): boolean {
  return subscription.connectTime !== undefined && subscription.disconnectTime === undefined
}

export type ResponseCounters = Static<typeof responseCounters>
