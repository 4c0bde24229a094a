/** What the API tells of discovery, in words of JSON. Times are RFC 3339. */

export interface DiscoveryScope {
  readonly scope: string
  readonly state: 'Connecting' | 'Synced' | 'Stale' | 'Failing' | 'Held' | 'Suspended'
  /** Why it is in a state other than Synced; ''. */
  readonly reason: string
  /** Its last complete listing; null = none yet. */
  readonly lastSync: string | null
  readonly lastError: { readonly what: string; readonly message: string; readonly at: string } | null
  readonly workloads: number
  readonly endpoints: number
  readonly leftOut: number
  readonly held: readonly { readonly id: string; readonly reason: string; readonly since: string }[]
  /** Of its last listing. */
  readonly pages: number
  readonly calls: number
  readonly tookMs: number
  readonly follows: boolean
}

export interface DiscoverySourceView {
  readonly zone: string
  readonly mesh: string
  readonly name: string
  readonly type: string
  readonly enabled: boolean
  /** Why the source as a whole cannot be asked; '' = it can. */
  readonly error: string
  /** What else is wrong, in words for people. */
  readonly problems: readonly string[]
  readonly scopes: readonly DiscoveryScope[]
}

/** How much of what a platform allows is used. */
export interface BudgetView {
  readonly key: string
  readonly perSecond: number
  readonly taken: number
  readonly throttled: number
  readonly waiting: number
  readonly restsForMs: number
}

export interface DiscoveryList {
  readonly sources: readonly DiscoverySourceView[]
  readonly budgets: readonly (BudgetView & { readonly zone: string })[]
}

/** A thing of a platform, and what it comes to. */
export interface FoundThing {
  readonly zone: string
  readonly scope: string
  readonly id: string
  readonly facts: Readonly<Record<string, string>>
  readonly outcome: 'dataplane' | 'joined' | 'awaited' | 'shadowed' | 'left-out' | 'ended' | 'name-taken'
  /** In words for people. */
  readonly reason: string
  readonly workload?: string
  readonly state?: string
  readonly address?: string
  readonly ports?: readonly { readonly name: string; readonly port: number; readonly protocol: string }[]
  readonly labels?: Readonly<Record<string, string>>
  /** The Dataplane that it is. */
  readonly dataplane?: string
}

export interface SourceTest {
  readonly zone: string
  readonly source: string
  /** Why nothing could be listed at all; '' = something could. */
  readonly error: string
  readonly fix: string
  readonly scopes: readonly {
    readonly scope: string
    readonly complete: boolean
    readonly missing: readonly string[]
    readonly error: string
    readonly pages: number
    readonly calls: number
    readonly tookMs: number
    readonly things: readonly FoundThing[]
  }[]
}

export interface Released {
  readonly zone: string
  readonly source: string
  /** Workloads that were removed at once. */
  readonly removed: number
}

export interface DiscoveryQuery {
  readonly mesh: string
  readonly source: string
}

/** What a zone's discovery answers. `undefined` = there is no such source in the zone. */
export interface DiscoveryApi {
  list(): DiscoveryList
  /** Lists the source once and changes nothing. */
  test(query: DiscoveryQuery, signal: AbortSignal): Promise<SourceTest | undefined>
  /** Things whose id or name holds this text. */
  explain(query: DiscoveryQuery & { readonly id: string }): readonly FoundThing[] | undefined
  /** Lets held removals go. @param scope absent = in all scopes */
  release(query: DiscoveryQuery & { readonly scope?: string }): Released | undefined
}

/** As it is asked of a zone, also by global. */
export type DiscoveryCall =
  | { readonly what: 'list' }
  | ({ readonly what: 'test'; readonly withinMs: number } & DiscoveryQuery)
  | ({ readonly what: 'explain'; readonly id: string } & DiscoveryQuery)
  | ({ readonly what: 'release'; readonly scope?: string } & DiscoveryQuery)

/** A zone's answer; null = it has no such source. */
export async function answerDiscovery(api: DiscoveryApi, call: DiscoveryCall): Promise<unknown> {
  switch (call.what) {
    case 'list':
      return api.list()
    case 'test':
      return (await api.test(call, AbortSignal.timeout(call.withinMs))) ?? null
    case 'explain':
      return api.explain(call) ?? null
    case 'release':
      return api.release(call) ?? null
  }
}

/** The zones whose discovery can be asked here: in a zone itself, at global all of them. */
export interface DiscoveryZones {
  names(): readonly string[]
  /** How long a zone may take for a test before nobody waits for it any more. */
  readonly testWithinMs: number
  ask(zone: string, call: DiscoveryCall): Promise<unknown>
}
