import type { Gone, Item } from '../adapter.ts'

/** What is believed of a scope. Only the guard's own functions change it. */
export interface GuardState {
  /** What the platform said the scope was when it was last believed. */
  identity: string | undefined
  /** By id: what is in force. */
  readonly items: Map<string, Known>
  /** How many of them are workloads. */
  workloads: number
  /** What has ended and must not come back by an older word. By id. */
  readonly tombstones: Map<string, Tombstone>
  /** Removals of the last minute that nothing but a listing speaks for. */
  recent: readonly { readonly atMs: number; readonly removals: number }[]
  /** What a registry remembered and no word has named yet. It does not have their ids: they are known by what `fingerprint` makes of them. */
  readonly restored: Set<string>
  readonly fingerprint: (id: string) => string
  /** Why listings are refused as a whole; null: they are not. */
  refused: string | null
  /** An operator let the next complete listing remove whatever it lacks. */
  released: boolean
  /** Complete listings that were believed. */
  listings: number
}

export interface Known {
  /** Until it is named: its fingerprint. */
  id: string
  item: Item
  /** When the newest word on it began to be asked for, monotonic ms. */
  toldAtMs: number
  /** What speaks for its removal. */
  doubt: Doubt | null
}

export interface Doubt {
  /** `left-out`: it is there, and is no workload any more. `inferred`: an adapter concludes that it ended. */
  readonly kind: 'absent' | 'left-out' | 'inferred'
  /** Start of the complete listing (or the time of the change) that raised it, monotonic ms. */
  readonly sinceMs: number
  /** May it be removed as far as it alone is concerned? */
  isDue: boolean
  /** Since when its removal waits for more than itself, monotonic ms; null: it does not. */
  heldSinceMs: number | null
  /** What it becomes instead, or why it is over. */
  readonly item?: Item
  readonly gone?: Gone
}

export interface Tombstone {
  readonly atMs: number
  /** Of the thing when it ended: only what is newer lives. undefined: only what was asked for later. */
  readonly version: number | undefined
  readonly reason: string
}

export type Evidence =
  /** The platform says of this very thing that it ended. */
  | 'proof'
  /** It lacked in two complete listings, an interval apart. */
  | 'absent-twice'
  /** The platform shows it as something that the source does not take. */
  | 'left-out'
  /** A mass of removals that another complete listing, or another place, agreed to. */
  | 'confirmed'
  /** A mass of removals that nothing contradicted for as long as removals are held. */
  | 'hold-over'
  | 'operator'

export interface Removal {
  readonly id: string
  readonly evidence: Evidence
  /** In words for people. */
  readonly reason: string
}

/** What follows for the registry. */
export interface Decision {
  /** Ids whose item in force is another one than before. */
  readonly changed: readonly string[]
  /** What is no longer in force, with its last item. */
  readonly removed: readonly (Removal & { readonly item: Item })[]
}

export interface GuardLimits {
  /** Between two complete listings that speak for the same removal. ms */
  readonly intervalMs: number
  /** Share of a scope that must not vanish within a minute unasked, 1–100. */
  readonly maxShrinkPercent: number
  /** After so long what is held goes, if the newest complete listing still lacks it. ms */
  readonly holdForMs: number
}

export const defaultMaxShrinkPercent = 20
export const defaultHoldForMs = 15 * 60_000
/** Fewer than this are no mass, however small the scope. */
export const smallestMass = 5
/** What vanishes within it counts together; and a mass is believed no sooner. */
export const massWindowMs = 60_000
export const tombstoneForMs = 10 * 60_000

/** @param fingerprint as the registry's names have it, of an id */
export function emptyGuard(fingerprint: (id: string) => string = id => id): GuardState {
  return {
    identity: undefined,
    items: new Map(),
    workloads: 0,
    tombstones: new Map(),
    recent: [],
    restored: new Set(),
    fingerprint,
    refused: null,
    released: false,
    listings: 0,
  }
}

export function isWorkload(item: Item): boolean {
  return item.outcome.kind === 'workload'
}
