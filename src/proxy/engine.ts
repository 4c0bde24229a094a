import type { HeldIdentity } from './certificates.ts'
import type { BoundListeners } from './control/listeners.ts'

/** What carries the requests: the built-in proxy, or an Envoy beside this process. Configured by the zone over xDS, and by nobody else. */
export interface Engine {
  /** As the zone hears it: `skerry`, or `envoy <version>`. */
  readonly name: string
  /** What accepts connections now, and what could not be made to. */
  readonly bound: BoundListeners
  /** Why it would not serve although everything is bound; '' = it would. */
  readonly trouble: string
  /** Puts a certificate in force; connections that are open keep theirs. */
  setIdentity(identity: HeldIdentity): void
  /** … or that of a workload, by SPIFFE ID; null = it is no longer needed. Absent: it is never a zone gateway. */
  setWorkloadIdentity?(spiffeId: string, identity: HeldIdentity | null): void
  /** Serves what was accepted in an earlier life, if it can. Before `start`. */
  restore(): Promise<void>
  /** Takes configuration from the zone, and stays connected to it. */
  start(): void
  /** What the zone is told of, by name with labels → value since start. */
  counters(): ReadonlyMap<string, number>
  /** Everything that is counted, in the Prometheus text format. */
  stats(): string | Promise<string>
  /** What it does, for people; printed as JSON. */
  config(): object | Promise<object>
  /** Takes no more configuration; what is in force stays. */
  freeze(): Promise<void>
  /** No new connections; resolves when what is under way has ended, or after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>
  close(): Promise<void>
}
