/** Randomness as an argument. Not for secrets: those come from node:crypto where they are made. */
export interface Random {
  /** 0 <= x < 1 */
  next(): number
}

export const systemRandom: Random = { next: () => Math.random() }

/** The same seed gives the same sequence (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0
      let t = Math.imul(state ^ (state >>> 15), 1 | state)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
    },
  }
}
