import type { Change, Gone, Item, Listing } from '../adapter.ts'
import { Book, doubted, whyDoubted } from './book.ts'
import { isSameData } from './same-data.ts'
import { settle } from './settle.ts'
import { type Decision, type GuardLimits, type GuardState, isWorkload, type Known } from './state.ts'

/**
 * What may be believed of a platform's word. What is there is believed at once; that something is not there is believed
 * - when the platform says so of this very thing;
 * - when two complete listings lack it, an interval apart, and not many things vanish with it;
 * - else it is *held*: until another complete listing a minute later, or another place, agrees; until an operator lets it go; or until
 *   holding is over.
 * A listing that is not complete removes nothing. No waiting, no clock: times are arguments, monotonic ms.
 */

export interface Heard {
  readonly listing: Listing
  /** What the platform says this scope is. */
  readonly identity: string | undefined
  /** When the listing was begun. */
  readonly startedAtMs: number
  readonly nowMs: number
  /** How many there should be, from another place; null: not known. */
  readonly count: number | null
}

/** A listing's word, complete or not. */
export function onListing(state: GuardState, heard: Heard, limits: GuardLimits): Decision {
  const { listing, identity, startedAtMs, nowMs } = heard
  if (identity !== undefined && state.identity !== undefined && identity !== state.identity && !state.released) {
    state.refused = `it was ${state.identity} and now calls itself ${identity}: nothing of it is believed until an operator releases it`
    return { changed: [], removed: [] }
  }
  state.refused = null
  state.identity = identity ?? state.identity
  const book = new Book(state, nowMs)
  for (const item of listing.items) see(book, item, startedAtMs, listing.complete ? 'complete' : 'partial')
  for (const gone of listing.gone) if (listing.complete || !gone.inferred) end(book, gone, startedAtMs)
  if (listing.complete) {
    state.listings++
    const listed = new Set(listing.items.map(item => item.id))
    for (const known of state.items.values()) if (!listed.has(known.id)) doubtAbsent(book, known, startedAtMs, limits)
    if (state.released) for (const known of doubted(state)) book.remove(known, { evidence: 'operator', reason: 'an operator released it' })
    state.released = false
    settle(book, limits, { startedAtMs, listed: listing.items.length, count: heard.count })
  }
  return book.decision()
}

/** What a stream of changes says. */
export function onChanges(state: GuardState, changes: readonly Change[], nowMs: number, limits: GuardLimits): Decision {
  const book = new Book(state, nowMs)
  for (const change of changes) {
    if (change.kind === 'seen') see(book, change.item, nowMs, 'complete')
    else end(book, change.gone, nowMs)
  }
  settle(book, limits, null)
  return book.decision()
}

/** What became of things that listings lack, asked for one by one: those that are there are no longer doubted. */
export function onConfirmed(state: GuardState, answers: ReadonlyMap<string, 'there' | Gone>, askedAtMs: number, nowMs: number): Decision {
  const book = new Book(state, nowMs)
  for (const [id, answer] of answers) {
    const known = state.items.get(id)
    if (known === undefined) continue
    if (answer !== 'there') end(book, answer, askedAtMs)
    else if (known.doubt?.kind === 'absent' && known.doubt.sinceMs <= askedAtMs) known.doubt = null
  }
  return book.decision()
}

/** An operator lets go what is held; where the scope itself is refused, what its next complete listing lacks. */
export function onRelease(state: GuardState, nowMs: number): Decision {
  const book = new Book(state, nowMs)
  const held = [...doubted(state)].filter(known => known.doubt!.heldSinceMs !== null)
  state.released = state.refused !== null
  for (const known of held) book.remove(known, { evidence: 'operator', reason: `an operator released it; ${whyDoubted(known)}` })
  return book.decision()
}

/** An operator lets go everything: nobody lists the scope any more. */
export function removeAll(state: GuardState, nowMs: number): Decision {
  const book = new Book(state, nowMs)
  for (const known of state.items.values()) {
    known.doubt = null
    book.remove(known, { evidence: 'operator', reason: 'an operator released its scope' })
  }
  return book.decision()
}

/** What was found before the program started, as the registry has it, by the fingerprints of its ids: in force until listings say otherwise. */
export function restore(state: GuardState, items: readonly Item[]): void {
  for (const item of items) {
    state.items.set(item.id, { id: item.id, item, toldAtMs: Number.NEGATIVE_INFINITY, doubt: null })
    if (isWorkload(item)) state.workloads++
    state.restored.add(item.id)
  }
}

/** Ids that listings lack and that are still in force: what to ask for one by one. */
export function absentIds(state: GuardState): string[] {
  return [...doubted(state)].filter(known => known.doubt!.kind === 'absent' && !state.restored.has(known.id)).map(known => known.id)
}

export interface HeldItem {
  readonly id: string
  readonly reason: string
  readonly sinceMs: number
}

/** Removals that wait. */
export function heldItems(state: GuardState): HeldItem[] {
  return [...doubted(state)].flatMap(known =>
    known.doubt!.heldSinceMs === null ? [] : [{ id: known.id, reason: whyDoubted(known), sinceMs: known.doubt!.heldSinceMs }],
  )
}

function see(book: Book, item: Item, toldAtMs: number, source: 'complete' | 'partial'): void {
  const { state } = book
  const { id, version } = item
  const grave = state.tombstones.get(id)
  if (grave !== undefined) {
    const isNewer = grave.version !== undefined && version !== undefined ? version > grave.version : toldAtMs > grave.atMs
    if (!isNewer) return
    state.tombstones.delete(id)
  }
  const known = book.known(id)
  if (known === undefined) {
    book.put(id, item, toldAtMs)
    return
  }
  // It is there, whatever else an older word says of it.
  if (known.doubt?.kind === 'absent') known.doubt = null
  if (known.doubt?.kind === 'inferred' && known.doubt.sinceMs >= toldAtMs) return
  const before = known.item.version
  const age = version === undefined || before === undefined ? 0 : version - before
  // Of the same version the newest word counts: health and tags change without one.
  if (age < 0 || (age === 0 && toldAtMs < known.toldAtMs)) return
  if (isWorkload(known.item) && !isWorkload(item)) {
    // What makes it none may be the very part that could not be read.
    if (source === 'partial') return
    known.doubt = {
      kind: 'left-out',
      sinceMs: known.doubt?.sinceMs ?? toldAtMs,
      isDue: true,
      heldSinceMs: known.doubt?.heldSinceMs ?? null,
      item,
    }
    known.toldAtMs = toldAtMs
    return
  }
  if (known.doubt === null && isSameData(known.item, item)) {
    // What is told twice, in parts and then whole, is the same thing the second time.
    known.item = item
    known.toldAtMs = toldAtMs
  } else book.put(id, item, toldAtMs)
}

function end(book: Book, gone: Gone, toldAtMs: number): void {
  const known = book.known(gone.id)
  if (known === undefined) {
    const version = book.state.tombstones.get(gone.id)?.version
    if (version === undefined || (gone.version ?? 0) > version) book.entomb(gone.id, gone.version, gone.reason)
    return
  }
  const isOlder =
    gone.version !== undefined && known.item.version !== undefined ? gone.version < known.item.version : toldAtMs < known.toldAtMs
  if (isOlder) return
  if (gone.inferred && isWorkload(known.item))
    known.doubt = {
      kind: 'inferred',
      sinceMs: known.doubt?.sinceMs ?? toldAtMs,
      isDue: true,
      heldSinceMs: known.doubt?.heldSinceMs ?? null,
      gone,
    }
  else {
    known.doubt = null
    book.remove(known, { evidence: 'proof', reason: gone.reason }, gone.version)
  }
}

function doubtAbsent(book: Book, known: Known, startedAtMs: number, { intervalMs }: GuardLimits): void {
  // Told of after the listing was begun: the listing could not have it.
  if (known.toldAtMs > startedAtMs) return
  if (known.doubt !== null && known.doubt.kind !== 'absent') return
  if (!isWorkload(known.item)) book.remove(known, { evidence: 'absent-twice', reason: 'it is not listed' })
  else if (known.doubt === null) known.doubt = { kind: 'absent', sinceMs: startedAtMs, isDue: false, heldSinceMs: null }
  else if (startedAtMs - known.doubt.sinceMs >= intervalMs) known.doubt.isDue = true
}
