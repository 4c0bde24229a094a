import type { AuditEntry } from './entry.ts'

/** Which entries are asked for. */
export interface AuditQuery {
  /** In order from this sequence on; without it the newest come first. */
  readonly from?: number
  /** Newest first, below this sequence. */
  readonly before?: number
  readonly limit: number
  /** Name of who did it. */
  readonly who?: string
  readonly verb?: string
  readonly area?: string
  readonly kind?: string
  readonly mesh?: string
  readonly name?: string
  readonly decision?: string
  /** Not before this time, RFC 3339. */
  readonly since?: string
}

export interface AuditPage {
  readonly items: readonly AuditEntry[]
  /** Where to go on (`from` or `before`, as asked); null = there is no more. */
  readonly next: number | null
}

/** Does the line hold what is asked for? `undefined` when it does not. */
export function matchLine(line: string, query: AuditQuery): AuditEntry | undefined {
  // Reading all of a line costs more than looking for a word in it.
  for (const word of [query.who, query.verb, query.area, query.kind, query.mesh, query.name, query.decision]) {
    if (word !== undefined && !line.includes(JSON.stringify(word))) return undefined
  }
  const entry = JSON.parse(line) as AuditEntry
  return matches(entry, query) ? entry : undefined
}

function matches(entry: AuditEntry, { who, verb, area, kind, mesh, name, decision, since }: AuditQuery): boolean {
  const is = (wanted: string | undefined, given: string | undefined) => wanted === undefined || wanted === given
  const isAbout = (one: { readonly verb: string; readonly kind?: string; readonly mesh?: string; readonly name?: string }) =>
    is(verb, one.verb) && is(kind, one.kind) && is(mesh, one.mesh) && is(name, one.name)
  return (
    is(who, entry.who?.name) &&
    is(area, entry.area) &&
    is(decision, entry.decision) &&
    (since === undefined || Date.parse(entry.time) >= Date.parse(since)) &&
    (isAbout(entry) || (entry.changes ?? []).some(isAbout))
  )
}

export function sequenceOf(line: string): number {
  return Number(/^\{"sequence":(\d+)/.exec(line)?.[1] ?? 0)
}
