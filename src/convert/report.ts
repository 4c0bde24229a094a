/** What became of a field: `kept` = it says the same there, perhaps in another place or as a default; `approximated` = something like it;
 *  `dropped` = nothing says it any more. From good to bad. */
export const outcomes = ['kept', 'approximated', 'dropped'] as const
export type Outcome = (typeof outcomes)[number]

/** What became of one leaf (a scalar, or an empty list or object) of an object. */
export interface FieldReport {
  /** Kuma's path form, from the top of the object: `spec.to[0].targetRef.kind`, `tags["kuma.io/service"]`. */
  readonly field: string
  readonly outcome: Outcome
  /** How, or why. Always there but for what is kept as it was. */
  readonly note?: string
}

/** What became of one object: each of its leaves exactly once, in the order in which they stand. */
export interface ObjectReport {
  readonly type: string
  /** '' for kinds of global scope. */
  readonly mesh: string
  readonly name: string
  readonly fields: readonly FieldReport[]
}
