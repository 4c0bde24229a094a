import type { HostConfig } from '../compile/table.ts'
import type { HostPool } from './channel.ts'
import { Ejection } from './ejection.ts'

/** Share of its weight that a host begins with. */
const FIRST_SHARE = 0.05

/** One address of a cluster. Lives through endpoint updates that keep its address and port: its record and connections stay. */
export class Host {
  readonly key: string
  readonly address: string
  readonly port: number
  readonly ejection = new Ejection()
  /** Another one when the version of HTTP that its cluster speaks changes. */
  pool: HostPool
  config: HostConfig
  /** Requests and tunnels under way. */
  active = 0
  /** Round-robin's account, see `balancer.ts`. */
  credit = 0
  /** When its slow start began, ms of the monotonic clock; -Infinity = never. */
  rampFromMs = Number.NEGATIVE_INFINITY
  /** No longer among the cluster's endpoints: ends what it has. */
  isRemoved = false

  constructor(config: HostConfig, makePool: (host: Host) => HostPool) {
    this.key = hostKey(config)
    this.address = config.address
    this.port = config.port
    this.config = config
    this.pool = makePool(this)
  }

  get isUsable(): boolean {
    return this.config.state === 'healthy' && !this.ejection.isEjected
  }

  /** 0–1: how much of its weight it takes by now. */
  ramp(now: number, slowStartMs: number): number {
    const elapsed = now - this.rampFromMs
    return elapsed >= slowStartMs ? 1 : Math.max(FIRST_SHARE, elapsed / slowStartMs)
  }
}

export function hostKey(host: { readonly address: string; readonly port: number }): string {
  return `${host.address}|${host.port}`
}
