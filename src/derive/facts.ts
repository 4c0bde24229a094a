import type { Revision } from '../model/resource.ts'

/**
 * What is true of a proxy or zone now, known to the control plane that it is connected to. Never stored (`registry/live.ts`): whoever
 * changes a fact puts a new object in its place. Times are Unix milliseconds.
 */
export interface DataplaneFacts {
  /** Streams of the proxy (its agent's, or for a foreign proxy its ADS stream), oldest first; the last one is open while it has no end.
   *  Whoever appends drops the oldest ones. */
  readonly connections: readonly Connection[]
  /** New with every process of the proxy. */
  readonly instanceId: string
  /** Of the proxy. */
  readonly version: string
  /** `skerry`, `envoy 1.36.2`, `kuma-dp 3.0.1`. */
  readonly engine: string
  /** null = it holds none. */
  readonly certificate: CertificateFacts | null
  /** Of a zone gateway: fingerprints of the roots that signed what it holds for workloads without a proxy. Absent = it holds nothing. */
  readonly workloadRoots?: ReadonlySet<string>
  /** When the token that its agent's stream was opened with ends: the stream goes on, and cannot be opened again. Absent = not known. */
  readonly tokenNotAfterMs?: number
  /** The newest revision of its listeners that the proxy has acknowledged; null = none yet. */
  readonly acknowledged: Revision | null
  /** It has accepted bundles to verify its peers with, or listens already, for which it needs them. */
  readonly trusts: boolean
  /** Names of the listeners that accept connections now. */
  readonly bound: ReadonlySet<string>
  /** Name of a listener that could not be bound → why. */
  readonly bindFailures: ReadonlyMap<string, string>
  /** Name of an inbound → whether its application answers. Missing = not asked yet. */
  readonly applications: ReadonlyMap<string, ApplicationHealth>
  /** It wants to stop, and must get no new request. */
  readonly draining: boolean
  /** By xDS type, e.g. `cds`. */
  readonly exchanges: Readonly<Partial<Record<XdsType, Exchange>>>
  /** What it refused and has not accepted since. */
  readonly refusals: readonly Refusal[]
}

export interface Connection {
  readonly id: string
  /** The control plane's instance that holds the stream. */
  readonly controlPlaneId: string
  readonly connectedAtMs: number
  /** null = open. */
  readonly disconnectedAtMs: number | null
}

export interface CertificateFacts {
  readonly issuedAtMs: number
  readonly notAfterMs: number
  /** KRI of the MeshIdentity. */
  readonly issuer: string
  /** SHA-256 fingerprint of the root that signed it; '' = an earlier process of the control plane gave it out, and did not say. */
  readonly root: string
  /** How many it got, this one included. */
  readonly issued: number
}

export interface ApplicationHealth {
  readonly ready: boolean
  /** Why not, for people. */
  readonly reason: string
}

export type XdsType = 'cds' | 'eds' | 'lds' | 'rds' | 'sds' | 'vhds'

/** Messages of one type between a control plane and who is subscribed to it. */
export interface Exchange {
  readonly sent: number
  readonly acknowledged: number
  readonly rejected: number
  readonly lastUpdateMs: number
}

export interface Refusal {
  readonly type: string
  readonly atMs: number
  readonly reason: string
  /** Names of the resources that it is about: of listeners, clusters, routes as the proxy's plan has them. Absent = not known. */
  readonly resources?: readonly string[]
  /** The number of the stream that it was said on; 0 or absent = one that is over. */
  readonly stream?: number
}

/** Of a proxy of which nothing is known but that it exists. */
export const unknownDataplane: DataplaneFacts = Object.freeze({
  connections: [],
  instanceId: '',
  version: '',
  engine: '',
  certificate: null,
  acknowledged: null,
  trusts: false,
  bound: new Set<string>(),
  bindFailures: new Map<string, string>(),
  applications: new Map<string, ApplicationHealth>(),
  draining: false,
  exchanges: {},
  refusals: [],
})

/** What global knows of a zone. */
export interface ZoneFacts {
  readonly connections: readonly Connection[]
  /** New with every process of the zone's control plane. */
  readonly zoneInstanceId: string
  readonly version: string
  /** By kind, both directions together. */
  readonly exchanges: ReadonlyMap<string, Exchange>
  /** The last sign of life; null = none yet. */
  readonly lastBeatMs: number | null
  /** Kinds of which both sides do not hold the same. */
  readonly behind: readonly string[]
  readonly proxies: { readonly connected: number; readonly ready: number; readonly total: number } | null
}

export const unknownZone: ZoneFacts = Object.freeze({
  connections: [],
  zoneInstanceId: '',
  version: '',
  exchanges: new Map<string, Exchange>(),
  lastBeatMs: null,
  behind: [],
  proxies: null,
})

export function isConnected(facts: { readonly connections: readonly Connection[] }): boolean {
  return facts.connections.at(-1)?.disconnectedAtMs === null
}
