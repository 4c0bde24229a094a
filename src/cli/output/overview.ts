/** A Kuma overview of a Dataplane or Zone: the object together with its insight. */
export interface Overview {
  readonly name: string
  readonly mesh?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly dataplane?: { readonly networking?: Networking }
  readonly zone?: { readonly enabled?: boolean }
  readonly dataplaneInsight?: DataplaneInsight
  readonly zoneInsight?: ZoneInsight
}

export interface Networking {
  readonly address?: string
  readonly inbound?: readonly { readonly name?: string; readonly port: number; readonly protocol?: string; readonly servicePort?: number }[]
  readonly outbound?: readonly {
    readonly port: number
    readonly backendRef?: { readonly kind?: string; readonly name?: string; readonly labels?: Readonly<Record<string, string>> }
  }[]
  readonly listeners?: readonly { readonly type: string; readonly port: number }[]
  readonly gateway?: object
}

interface Counters {
  readonly responsesSent?: number | string
  readonly responsesAcknowledged?: number | string
  readonly responsesRejected?: number | string
}

interface Subscription {
  readonly connectTime?: string
  readonly disconnectTime?: string
  readonly status?: Readonly<Record<string, Counters | string | undefined>>
}

export interface DataplaneInsight {
  readonly subscriptions?: readonly Subscription[]
  readonly mTLS?: { readonly certificateExpirationTime?: string }
  readonly readiness?: readonly { readonly inbound: string; readonly ready: boolean; readonly reason?: string }[]
  readonly refusals?: readonly {
    readonly type: string
    readonly time?: string
    readonly reason: string
    readonly resources?: readonly string[]
  }[]
}

export interface ZoneInsight {
  readonly subscriptions?: readonly Subscription[]
}

export type OnlineState = 'Online' | 'Offline' | 'Never connected' | 'Disabled' | 'No proxy'

/** Online = one of the subscriptions is open. */
export function onlineState(overview: Overview): OnlineState {
  if (overview.zone?.enabled === false) return 'Disabled'
  if (overview.labels?.['skerry.io/proxy'] === 'none') return 'No proxy'
  const subscriptions = subscriptionsOf(overview)
  if (subscriptions.some(isOpen)) return 'Online'
  return subscriptions.length > 0 ? 'Offline' : 'Never connected'
}

/** When its present state began, RFC 3339; undefined for what never connected. */
export function stateSince(overview: Overview): string | undefined {
  const subscriptions = subscriptionsOf(overview)
  const open = subscriptions.filter(isOpen).map(({ connectTime }) => connectTime!)
  const ended = subscriptions.flatMap(({ disconnectTime }) => disconnectTime ?? [])
  return (open.length > 0 ? open : ended).sort().at(-1)
}

/** Responses by xDS type of the newest subscription. */
export function countersOf(
  overview: Overview,
): readonly { readonly type: string; readonly sent: number; readonly acknowledged: number; readonly refused: number }[] {
  const status = subscriptionsOf(overview).at(-1)?.status ?? {}
  return Object.entries(status).flatMap(([type, counters]) =>
    typeof counters !== 'object' || type === 'total'
      ? []
      : [
          {
            type,
            sent: Number(counters.responsesSent ?? 0),
            acknowledged: Number(counters.responsesAcknowledged ?? 0),
            refused: Number(counters.responsesRejected ?? 0),
          },
        ],
  )
}

function subscriptionsOf({ dataplaneInsight, zoneInsight }: Overview): readonly Subscription[] {
  return (dataplaneInsight ?? zoneInsight)?.subscriptions ?? []
}

function isOpen({ connectTime, disconnectTime }: Subscription): boolean {
  return connectTime !== undefined && !disconnectTime
}
