import type { Item } from '../adapter.ts'
import { type Decision, type GuardState, isWorkload, type Known, type Removal, tombstoneForMs } from './state.ts'

/** What one step changes, noted as it is done. */
export class Book {
  readonly state: GuardState
  readonly nowMs: number
  readonly #changed = new Set<string>()
  readonly #removed: (Removal & { item: Item })[] = []

  constructor(state: GuardState, nowMs: number) {
    this.state = state
    this.nowMs = nowMs
    for (const [id, { atMs }] of state.tombstones) {
      // They are in the order of their times: those behind are younger.
      if (nowMs - atMs < tombstoneForMs) break
      state.tombstones.delete(id)
    }
  }

  /** What is in force under an id; one that a registry remembered gets its id by it. */
  known(id: string): Known | undefined {
    const { items, restored, fingerprint } = this.state
    const known = items.get(id)
    if (known !== undefined || restored.size === 0) return known
    const print = fingerprint(id)
    if (!restored.delete(print)) return undefined
    const remembered = items.get(print)
    if (remembered === undefined) return undefined
    items.delete(print)
    remembered.id = id
    items.set(id, remembered)
    return remembered
  }

  put(id: string, item: Item, toldAtMs: number): void {
    const { items } = this.state
    const known = items.get(id)
    if (known === undefined) items.set(id, { id, item, toldAtMs, doubt: null })
    else {
      if (isWorkload(known.item)) this.state.workloads--
      known.item = item
      known.toldAtMs = toldAtMs
      known.doubt = null
    }
    if (isWorkload(item)) this.state.workloads++
    this.#changed.add(id)
  }

  /** @param version of the word that ended it; undefined = any later word brings it back */
  remove(known: Known, { evidence, reason }: Omit<Removal, 'id'>, version?: number): void {
    const { state } = this
    const { id, item, doubt } = known
    // What is left out stays known, as what it is now: `explain` tells of it.
    const instead = doubt?.kind === 'left-out' ? doubt.item : undefined
    if (instead !== undefined) this.put(id, instead, known.toldAtMs)
    else {
      state.items.delete(id)
      state.restored.delete(id)
      if (isWorkload(item)) state.workloads--
      this.#changed.delete(id)
      this.entomb(id, version, reason)
    }
    if (isWorkload(item)) this.#removed.push({ id, evidence, reason, item })
  }

  entomb(id: string, version: number | undefined, reason: string): void {
    this.state.tombstones.delete(id)
    this.state.tombstones.set(id, { atMs: this.nowMs, version, reason })
  }

  decision(): Decision {
    return { changed: [...this.#changed], removed: this.#removed }
  }
}

export function* doubted(state: GuardState): Generator<Known> {
  for (const known of state.items.values()) if (known.doubt !== null) yield known
}

export function whyDoubted({ doubt, item }: Known): string {
  switch (doubt?.kind) {
    case 'left-out': {
      const { outcome } = doubt.item ?? item
      return outcome.kind === 'left-out' ? `it is no longer taken: ${outcome.reason}` : 'it is no longer taken'
    }
    case 'inferred':
      return doubt.gone?.reason ?? 'it seems to have ended'
    default:
      return 'listings lack it'
  }
}
