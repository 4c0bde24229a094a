/**
 * Share of traffic for each priority, 0–1; sums to 1 unless nothing is healthy at all. `healthy[p]` is 0–1. A priority whose health times
 * the overprovisioning factor is 1 or more takes all that the ones before it left.
 * https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/priority
 */
export function priorityShares(healthy: readonly number[], overprovisioning: number): number[] {
  const able = healthy.map(health => Math.min(1, health * overprovisioning))
  const total = Math.min(
    1,
    able.reduce((sum, value) => sum + value, 0),
  )
  if (total === 0) return able
  let left = 1
  return able.map(value => {
    const share = Math.min(left, value / total)
    left -= share
    // What floating point leaves over is no traffic.
    if (left < 1e-9) left = 0
    return share
  })
}

/** Priorities in which health is ignored, because so few hosts are left everywhere that they would be overrun. `healthy` is 0–1, unramped. */
export function panicking(healthy: readonly number[], overprovisioning: number, panicPercent: number): boolean[] {
  const available = healthy.reduce((sum, health) => sum + Math.min(1, health * overprovisioning), 0)
  return healthy.map(health => available < 1 && health * 100 < panicPercent)
}

/** Index by share, with `point` in [0, 1). -1 when all shares are 0. */
export function pickByShare(shares: readonly number[], point: number): number {
  let left = point * shares.reduce((sum, share) => sum + share, 0)
  let last = -1
  for (let i = 0; i < shares.length; i++) {
    if (shares[i]! <= 0) continue
    last = i
    left -= shares[i]!
    if (left < 0) return i
  }
  return last
}
