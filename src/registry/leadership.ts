import type { Revision } from '../model/resource.ts'

/**
 * Who, of several processes on one store, does what only one may do at a time. A leader that was paused or cut off learns late that it
 * no longer leads; what keeps it from doing harm is the fence, which the store compares in the same step as it writes.
 */
export interface Leadership {
  /** Resolves when this process leads as `role`, with a term; rejects with the signal's reason when it aborts first. One term a process
   *  and role: a second call waits for the first one's end. */
  lead(role: string, signal: AbortSignal): Promise<Term>
}

export interface Term {
  /** Hand it to every commit that only the leader may make. */
  readonly fence: Fence
  /** Resolves when the term is over, whether resigned or lost. Never rejects. */
  readonly ended: Promise<void>
  /** Another may lead when it resolves. Idempotent. */
  resign(): Promise<void>
}

/** Names one term of leadership. A later term of the same role has a higher number. */
export interface Fence {
  readonly role: string
  readonly term: Revision
}
