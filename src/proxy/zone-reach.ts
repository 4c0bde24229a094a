import type { Clock, Timer } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import type { RunProbe } from './probe.ts'

/** Between two tries of one address, ms, give or take a quarter: gateways that started together do not knock together. */
const everyMs = 2_000
const timeoutMs = 1_500
/** Addresses that are looked at; the rest of a longer list is not. */
const addressLimit = 256

export interface Reach {
  /** `host:port` */
  readonly address: string
  readonly reachable: boolean
  /** Why not, for people. */
  readonly reason: string
}

interface Options {
  readonly probe: RunProbe
  readonly clock: Clock
  readonly random: Random
  /** All addresses that were tried, when one of them can be reached that could not, or the other way round. */
  readonly onChange: (reaches: readonly Reach[]) => void
}

/** Tries again and again whether other zones' gateways can be reached from here, where this zone's requests to them come from. */
export class ZoneReach {
  readonly #options: Options
  readonly #watched = new Map<string, { timer: Timer | null; reach: Reach | null }>()
  #isClosed = false

  constructor(options: Options) {
    this.#options = options
  }

  /** Every address that is known so far. */
  get reaches(): readonly Reach[] {
    return [...this.#watched.values()].flatMap(({ reach }) => (reach ? [reach] : []))
  }

  /** These, `host:port`, and no others. */
  watch(addresses: readonly string[]): void {
    const wanted = new Set(addresses.slice(0, addressLimit))
    for (const [address, watched] of this.#watched) {
      if (wanted.has(address)) continue
      watched.timer?.cancel()
      this.#watched.delete(address)
    }
    for (const address of wanted) if (!this.#watched.has(address) && !this.#isClosed) this.#begin(address)
  }

  close(): void {
    this.#isClosed = true
    this.watch([])
  }

  #begin(address: string): void {
    const watched: { timer: Timer | null; reach: Reach | null } = { timer: null, reach: null }
    this.#watched.set(address, watched)
    const [host, port] = parts(address)
    const look = async () => {
      const result = await this.#options.probe({ kind: 'tcp', host, port }, timeoutMs)
      if (this.#watched.get(address) !== watched) return
      const before = watched.reach
      watched.reach = { address, reachable: result.kind === 'up', reason: result.kind === 'up' ? '' : result.reason }
      if (before?.reachable !== watched.reach.reachable) this.#options.onChange(this.reaches)
      watched.timer = this.#options.clock.setTimeout(() => void look(), everyMs * (0.75 + this.#options.random.next() / 2))
    }
    void look()
  }
}

/** An IPv6 address may stand in brackets. */
function parts(address: string): [host: string, port: number] {
  const colon = address.lastIndexOf(':')
  return [address.slice(0, colon).replace(/^\[|\]$/g, ''), Number(address.slice(colon + 1))]
}
