import type { DiscoverySourceSpec, DiscoverySourceType } from '../model/kinds/discovery-source.ts'
import type { SecretReference } from '../model/schema.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { Random } from '../std/random.ts'

/**
 * A kind of place where workloads are found. A folder each, of two files: one lists (it asks the platform), one translates (pure).
 * An adapter says what it saw and how sure it is of that; what becomes of it, and above all what may be removed, `run-adapter` decides.
 */
export interface Adapter {
  readonly type: DiscoverySourceType
  /** From one whole listing to the next where the source says nothing. ms */
  readonly intervalMs: number
  /** Loads what it needs of the platform's own library. Throws SourceConfigError for what cannot be used as it is written. */
  open(source: Source, deps: AdapterDeps): Promise<OpenAdapter>
}

export interface Source {
  readonly mesh: string
  readonly name: string
  readonly spec: DiscoverySourceSpec
}

export interface AdapterDeps {
  /** What a source refers to: a key, a token, a kubeconfig. Throws SourceConfigError when it is not there. */
  readonly secret: (reference: SecretReference) => Promise<Uint8Array>
  readonly budget: CallBudget
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** What a platform lets an account do in a second, shared by all sources that use that account. */
export interface CallBudget {
  /** Waits until a call may be made. Rejects when the signal is aborted. */
  take(limit: CallLimit, signal: AbortSignal): Promise<void>
  /** The platform refused a call as one too many: nobody calls this limit before `retryAfterMs` is over. */
  throttled(limit: CallLimit, retryAfterMs?: number): void
}

export interface CallLimit {
  /** What the platform counts together: account, region and API, as `aws/123456789012/eu-central-1/ecs-cluster-resource-read`. */
  readonly key: string
  /** Our share of what the platform allows. */
  readonly perSecond: number
  readonly burst: number
}

export interface OpenAdapter extends AsyncDisposable {
  /** What is listed as one, as far as it can be told now. A scope that is missing from an incomplete answer goes on as it was. */
  scopes(signal: AbortSignal): Promise<ScopeListing>
  /**
   * Everything in a scope. What could be read is in the listing even when something could not (`complete: false`); throws SourceCallError
   * when nothing could.
   */
  list(scope: Scope, signal: AbortSignal): Promise<Listing>
  /**
   * Tells what changes after a listing with this cursor, until the signal is aborted. Throws ListAgainError when the cursor is no longer
   * known, SourceCallError when the platform cannot be reached; both lead to another listing.
   */
  follow?(scope: Scope, cursor: unknown, tell: (changes: readonly Change[]) => void, signal: AbortSignal): Promise<void>
  /** Asks for single things by their ids: a proof for each that is gone, where a listing merely lacks it. What is not in the answer is not known. */
  confirm?(scope: Scope, ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, 'there' | Gone>>
  /** How many there should be, from another place than the listing; null = not known. It keeps things from being removed and adds none. */
  count?(scope: Scope, signal: AbortSignal): Promise<number | null>
}

export interface ScopeListing {
  readonly complete: boolean
  /** Why some may be missing, in words for people. */
  readonly missing: readonly string[]
  readonly scopes: readonly Scope[]
}

/** What is listed as one: an account's clusters in a region, a Kubernetes cluster, a subscription, a file. */
export interface Scope {
  /** Stable: `aws/123456789012/eu-central-1/ecs/prod`. */
  readonly id: string
  /** What the platform itself says this is (the uid of `kube-system`, an account id): when it changes under the same id, nothing is removed. */
  readonly identity?: string
  /** Where its platform has it out of service, and says so (a stopped cluster): what was found stays, and nothing is asked. */
  readonly suspended?: string
  readonly locality: Locality
}

/** In the platform's own spelling. */
export interface Locality {
  readonly cloud?: string
  readonly account?: string
  readonly region?: string
  /** Availability zone. */
  readonly zone?: string
  readonly cluster?: string
}

export interface Listing {
  readonly complete: boolean
  /** Why some may be missing, in words for people. */
  readonly missing: readonly string[]
  readonly items: readonly Item[]
  /** What is known to have ended, by more than its absence. */
  readonly gone: readonly Gone[]
  /** Where `follow` goes on. */
  readonly cursor?: unknown
  readonly pages: number
}

export type Change = { readonly kind: 'seen'; readonly item: Item } | { readonly kind: 'gone'; readonly gone: Gone }

/** One thing of the platform, and what it comes to. */
export interface Item {
  /** The platform's own name for it, stable, unique in its scope. */
  readonly id: string
  /** Grows with every change of this thing; what is older than what is known is let fall. Absent: the newest word counts. */
  readonly version?: number
  readonly outcome: { readonly kind: 'workload'; readonly workload: FoundWorkload } | { readonly kind: 'left-out'; readonly reason: string }
  /** What `explain` shows of the thing itself: a few facts, no secrets. */
  readonly facts: Readonly<Record<string, string>>
}

export interface Gone {
  readonly id: string
  readonly version?: number
  /** As `stopped: SpotInterruption`. */
  readonly reason: string
  /** The adapter concludes it and the platform does not say it of this very thing: in masses it is held like what is merely absent. */
  readonly inferred?: true
}

/** What a translation makes of a thing: an instance of a service, in our own words. */
export interface FoundWorkload {
  /** The service that it is an instance of: a DNS label, of which the Dataplane's `kuma.io/workload` is made. */
  readonly workload: string
  /** The platform's namespace, where it has one. */
  readonly namespace?: string
  /** An IP address or a host name. */
  readonly address: string
  readonly ports: readonly FoundPort[]
  readonly state: 'starting' | 'ready' | 'unhealthy' | 'draining'
  /** Why it is in a state other than `ready`. */
  readonly reason?: string
  /** Valid as labels of a resource. */
  readonly labels: Readonly<Record<string, string>>
  readonly locality: Locality
  /** 0–65535; 0 = it gets no requests. Any other counts as 1 today: instances of a service have the same share. Absent = 1. */
  readonly weight?: number
  /** It has a proxy of its own, which registers it: what is found only adds labels and locality to that. */
  readonly hasSidecar?: boolean
  /** It is called by invoking it and not by connecting to an address. */
  readonly lambda?: FoundLambda
}

export interface FoundPort {
  readonly name: string
  readonly port: number
  readonly protocol: 'tcp' | 'http' | 'http2' | 'grpc'
}

export interface FoundLambda {
  /** With its qualifier: `arn:aws:lambda:eu-central-1:123456789012:function:checkout:live`. */
  readonly arn: string
  /** Instead of the usual address of the service. */
  readonly endpoint?: string
  /** The role that the caller takes on first. */
  readonly roleArn?: string
  /** `http-2.0`: API Gateway's payload format 2.0; `passthrough`: the body as it is. */
  readonly payload: 'http-2.0' | 'passthrough'
}

/** The source cannot be used as it is written, or what it refers to is not there. */
export class SourceConfigError extends Error {
  override name = 'SourceConfigError'
  readonly code = 'SKERRY_SOURCE_CONFIG'
  /** The field of the source, as `aws.accounts[0].roleArn`. */
  readonly field: string

  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`)
    this.field = field
  }
}

/** The platform did not answer, or not with what was asked for. */
export class SourceCallError extends Error {
  override name = 'SourceCallError'
  readonly code = 'SKERRY_SOURCE_CALL'
  /** `denied` needs a person; the others pass. */
  readonly what: 'unreachable' | 'throttled' | 'denied' | 'refused' | 'garbled'
  /** The platform asks not to be called before that. */
  readonly retryAfterMs: number | undefined

  constructor(what: SourceCallError['what'], message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, { cause: options.cause })
    this.what = what
    this.retryAfterMs = options.retryAfterMs
  }
}

/** What is followed can no longer be followed from where it was: list again. */
export class ListAgainError extends Error {
  override name = 'ListAgainError'
  readonly code = 'SKERRY_LIST_AGAIN'
}
