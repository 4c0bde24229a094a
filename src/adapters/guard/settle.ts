import { type Book, doubted, whyDoubted } from './book.ts'
import { type Evidence, type GuardLimits, type GuardState, type Known, massWindowMs, smallestMass } from './state.ts'

/** A complete listing, as far as it speaks for removals. */
export interface Reading {
  readonly startedAtMs: number
  /** How many things it has. */
  readonly listed: number
  /** How many there should be, from another place; null: not known. */
  readonly count: number | null
}

/** Lets those removals through that may be; holds the others. `reading` null: there is no complete listing that speaks for them now. */
export function settle(book: Book, limits: GuardLimits, reading: Reading | null): void {
  const { state, nowMs } = book
  state.recent = state.recent.filter(({ atMs }) => nowMs - atMs < massWindowMs)
  const due = [...doubted(state)].filter(known => known.doubt!.isDue)
  if (due.length === 0) return
  const isEmpty = reading?.listed === 0
  if (!isEmpty && !isMass(state, due.length, limits)) {
    // Without a listing only what the word of now speaks for goes: what is merely absent waits for the next one.
    letGo(book, reading === null ? due.filter(known => known.doubt!.kind !== 'absent') : due, known => ordinary(known))
    return
  }
  for (const known of due) known.doubt!.heldSinceMs ??= reading?.startedAtMs ?? nowMs
  if (reading === null) return
  if (reading.count !== null && reading.count <= reading.listed) {
    letGo(book, due, () => 'confirmed')
    return
  }
  const heldFor = (known: Known) => reading.startedAtMs - known.doubt!.heldSinceMs!
  const isOver = due.filter(known => heldFor(known) >= limits.holdForMs)
  letGo(book, isOver, () => 'hold-over')
  // Another place that counts more than is listed says that the listing is wrong, however often it is repeated.
  if (isEmpty || reading.count !== null) return
  const agreed = due.filter(known => heldFor(known) >= Math.max(limits.intervalMs, massWindowMs) && !isOver.includes(known))
  letGo(book, agreed, () => 'confirmed')
}

/** How many removals within a minute are a mass that must not go unasked. */
export function massOf(population: number, maxShrinkPercent: number): number {
  return Math.max(smallestMass, Math.ceil((population * maxShrinkPercent) / 100))
}

function isMass(state: GuardState, removals: number, { maxShrinkPercent }: GuardLimits): boolean {
  const before = state.recent.reduce((sum, it) => sum + it.removals, 0)
  return before + removals >= massOf(state.workloads + before, maxShrinkPercent)
}

function letGo(book: Book, known: readonly Known[], evidence: (known: Known) => Evidence): void {
  if (known.length === 0) return
  const { state, nowMs } = book
  for (const it of known) book.remove(it, { evidence: evidence(it), reason: whyDoubted(it) })
  state.recent = [...state.recent, { atMs: nowMs, removals: known.length }]
}

function ordinary({ doubt }: Known): Evidence {
  return doubt?.kind === 'left-out' ? 'left-out' : doubt?.kind === 'inferred' ? 'proof' : 'absent-twice'
}
