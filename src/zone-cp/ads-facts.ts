import type { DataplaneFacts, Refusal, XdsType } from '../derive/facts.ts'
import { typeUrls } from '../envoy/resources.ts'
import type { Acknowledged, Refused } from '../xds/subscription.ts'

/** What an answer on an ADS stream makes of the facts of its proxy. */
export interface AnswerFacts {
  /** A number for each stream: what one of them accepts says nothing of what another refuses. */
  readonly stream: number
  readonly nowMs: number
  /** Is a listener that was accepted one that takes callers? */
  readonly takesCallers: (listener: string) => boolean
  /** Is a resource still offered on this stream? */
  readonly isOffered: (typeUrl: string, name: string) => boolean
}

/** Facts change when they mean something: the first acceptance of listeners or bundles, a refusal, the end of one. */
export function factsAfter(current: DataplaneFacts, answer: Acknowledged | Refused, options: AnswerFacts): DataplaneFacts {
  const type = shortName(answer.typeUrl)
  if (!type) return current
  const refusals = refusalsAfter(current.refusals, type, answer, options)
  const isTaken = answer.kind === 'acknowledged' && answer.versions.size > 0
  const listens = type === 'lds' && isTaken && [...answer.versions.keys()].some(options.takesCallers)
  const before = current.exchanges[type] ?? { sent: 0, acknowledged: 0, rejected: 0, lastUpdateMs: 0 }
  const exchange = {
    sent: before.sent + 1,
    acknowledged: before.acknowledged + (answer.kind === 'acknowledged' ? 1 : 0),
    rejected: before.rejected + (answer.kind === 'refused' ? 1 : 0),
    lastUpdateMs: options.nowMs,
  }
  return {
    ...current,
    refusals,
    acknowledged: listens ? (current.acknowledged ?? 1) : current.acknowledged,
    trusts: current.trusts || (type === 'sds' && isTaken),
    exchanges: { ...current.exchanges, [type]: exchange },
  }
}

/** A stream is over: what was refused on it stays as what is known last, until another stream accepts something of that type. */
export function factsAfterStream(current: DataplaneFacts, stream: number): DataplaneFacts {
  if (!current.refusals.some(refusal => refusal.stream === stream)) return current
  return { ...current, refusals: current.refusals.map(refusal => (refusal.stream === stream ? { ...refusal, stream: 0 } : refusal)) }
}

/** The same array where nothing changed, so that an acknowledgement of what is well is no news. */
function refusalsAfter(
  before: readonly Refusal[],
  type: XdsType,
  answer: Acknowledged | Refused,
  { stream, nowMs, isOffered }: AnswerFacts,
): readonly Refusal[] {
  const isMine = (refusal: Refusal) => refusal.type === type && (refusal.stream === stream || (refusal.stream ?? 0) === 0)
  if (answer.kind === 'acknowledged' && !before.some(isMine)) return before
  const others = before.filter(refusal => !isMine(refusal))
  if (answer.kind === 'refused') return [...others, { type, atMs: nowMs, reason: answer.error, resources: blamed(answer), stream }]
  const isStill = (name: string) => !answer.versions.has(name) && isOffered(answer.typeUrl, name)
  const left = before.filter(isMine).flatMap(refusal => {
    // Of an earlier stream: this one was told everything anew.
    const resources = refusal.stream === stream ? (refusal.resources ?? []).filter(isStill) : []
    return resources.length > 0 ? [{ ...refusal, resources }] : []
  })
  return [...others, ...left]
}

/** The resources that a refusal speaks of; a client that names none may mean any that came together. */
function blamed({ versions, removed, error }: Refused): string[] {
  const sent = [...versions.keys(), ...removed]
  const named = sent.filter(name => error.includes(name))
  return (named.length > 0 ? named : sent).sort()
}

const shortNames: Readonly<Record<string, XdsType>> = {
  [typeUrls.listener]: 'lds',
  [typeUrls.cluster]: 'cds',
  [typeUrls.endpoints]: 'eds',
  [typeUrls.routes]: 'rds',
  [typeUrls.virtualHost]: 'vhds',
  [typeUrls.secret]: 'sds',
}

/** undefined = a type that nothing is told of. */
export function shortName(typeUrl: string): XdsType | undefined {
  return shortNames[typeUrl]
}
