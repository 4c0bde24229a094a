import type { Random } from '../../std/random.ts'
import type { WeightedRef } from '../compile/table.ts'

/** A cluster's name in proportion to the weights, or null when none has any. */
export function pickWeighted(clusters: readonly WeightedRef[], random: Random): string | null {
  if (clusters.length === 1) return clusters[0]!.weight > 0 ? clusters[0]!.cluster : null
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0)
  let left = random.next() * total
  for (const { cluster, weight } of clusters) {
    if (weight <= 0) continue
    left -= weight
    if (left < 0) return cluster
  }
  return null
}
