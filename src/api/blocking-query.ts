import { parseDurationMs } from '../model/duration.ts'
import type { Violation } from '../model/kind.ts'
import type { Revision } from '../model/resource.ts'
import { invalidResource } from './problem.ts'

/** How long a blocking read waits when it does not say, and at most. */
const DEFAULT_WAIT_MS = 5 * 60_000
const MAX_WAIT_MS = 10 * 60_000

/** What makes a read a blocking one: `?index=REV&wait=30s`. */
export interface BlockingQuery {
  /** `X-Skerry-Index` of the answer that the reader has. */
  readonly index: Revision
  /** 0–600,000. */
  readonly waitMs: number
}

/**
 * Reads `index` and `wait` (a duration, 10 min at most: a longer one counts as that). undefined = it does not block: without an index, with
 * index 0 (what a reader has that has nothing yet), and with `wait=0`. Throws ApiError for what is neither a number nor a duration.
 */
export function readBlockingQuery(query: unknown): BlockingQuery | undefined {
  const { index, wait } = (query ?? {}) as Readonly<Record<string, unknown>>
  if (index === undefined) return undefined
  const violations: Violation[] = []
  if (typeof index !== 'string' || !/^\d{1,15}$/.test(index)) {
    violations.push({ field: 'index', reason: 'must be a whole number: the X-Skerry-Index of the answer before' })
  }
  const waitMs = wait === undefined ? DEFAULT_WAIT_MS : typeof wait === 'string' ? parseDurationMs(wait) : null
  if (waitMs === null || waitMs < 0) violations.push({ field: 'wait', reason: 'must be a duration such as 30s or 5m, at most 10m' })
  if (violations.length > 0) throw invalidResource(violations, 'Could not retrieve resources')
  if (Number(index) === 0 || waitMs === 0) return undefined
  return { index: Number(index), waitMs: Math.min(waitMs!, MAX_WAIT_MS) }
}
