import type { Random } from '../../std/random.ts'
import type { ClusterTable } from '../compile/table.ts'
import type { Host } from './host.ts'

/** Hosts of one priority that may be chosen. */
export interface Level {
  readonly hosts: readonly Host[]
  /** Configured weight × slow start; null = all alike. */
  readonly weights: readonly number[] | null
}

/** Where round-robin stands in one priority; survives changes of its hosts. */
export interface Cursor {
  at: number
}

export function pickHost(level: Level, balancer: ClusterTable['balancer'], cursor: Cursor, random: Random): Host {
  const { hosts } = level
  if (hosts.length === 1) return hosts[0]!
  switch (balancer.kind) {
    case 'round-robin':
      if (level.weights !== null) return smoothRoundRobin(hosts, level.weights)
      cursor.at = (cursor.at + 1) % hosts.length
      return hosts[cursor.at]!
    case 'least-request':
      return leastRequest(level, Math.max(2, balancer.choices), random)
    case 'random':
      return hosts[randomIndex(level, random)]!
  }
}

/** In proportion to the weights, and spread evenly: nginx's algorithm. */
function smoothRoundRobin(hosts: readonly Host[], weights: readonly number[]): Host {
  let total = 0
  let best = hosts[0]!
  for (let i = 0; i < hosts.length; i++) {
    const host = hosts[i]!
    total += weights[i]!
    host.credit += weights[i]!
    if (host.credit > best.credit) best = host
  }
  best.credit -= total
  return best
}

/** The least busy of a few taken at random: https://www.eecs.harvard.edu/~michaelm/postscripts/handbook2001.pdf */
function leastRequest(level: Level, choices: number, random: Random): Host {
  let best: Host | null = null
  let bestLoad = Number.POSITIVE_INFINITY
  for (let i = 0; i < choices; i++) {
    const index = Math.floor(random.next() * level.hosts.length)
    const host = level.hosts[index]!
    const load = (host.active + 1) / (level.weights?.[index] ?? 1)
    if (load < bestLoad) [best, bestLoad] = [host, load]
  }
  return best!
}

function randomIndex(level: Level, random: Random): number {
  const { hosts, weights } = level
  if (weights === null) return Math.floor(random.next() * hosts.length)
  let left = random.next() * weights.reduce((sum, weight) => sum + weight, 0)
  for (let i = 0; i < hosts.length; i++) {
    left -= weights[i]!
    if (left < 0) return i
  }
  return hosts.length - 1
}
