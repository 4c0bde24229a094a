import type { Clock, Timer } from '../../std/clock.ts'

const WAIT_MS = 2_000
/** Requests that may wait at a time, and hosts that may be asked for in all: the application beside us must not make us hold everything. */
const MAX_WAITING = 1_000
const MAX_HOSTS = 10_000

export type HostVerdict = 'known' | 'missing' | 'late' | 'too-many'

interface Wanted {
  isMissing: boolean
  readonly waiting: Set<(verdict: HostVerdict) => void>
}

/** Hosts that requests asked for by name and that were not in the routes yet. Each is asked for once; requests wait a bounded time. */
export class HostsWanted {
  readonly #clock: Clock
  readonly #ask: (routeTable: string, host: string) => void
  readonly #tables = new Map<string, Map<string, Wanted>>()
  #waiting = 0

  constructor(clock: Clock, ask: (routeTable: string, host: string) => void) {
    this.#clock = clock
    this.#ask = ask
  }

  /** Calls back once, perhaps at once. Answers with how to stop waiting. */
  wait(routeTable: string, host: string, callback: (verdict: HostVerdict) => void): () => void {
    let hosts = this.#tables.get(routeTable)
    if (!hosts) {
      hosts = new Map()
      this.#tables.set(routeTable, hosts)
    }
    let wanted = hosts.get(host)
    const isNew = wanted === undefined
    if (wanted === undefined) {
      if (hosts.size >= MAX_HOSTS) return now(callback, 'too-many')
      wanted = { isMissing: false, waiting: new Set() }
      hosts.set(host, wanted)
    }
    if (wanted.isMissing) return now(callback, 'missing')
    if (this.#waiting >= MAX_WAITING) return now(callback, 'too-many')
    const { waiting } = wanted
    let timer: Timer | null = null
    const settle = (verdict: HostVerdict) => {
      stop()
      callback(verdict)
    }
    const stop = () => {
      timer?.cancel()
      if (waiting.delete(settle)) this.#waiting--
    }
    timer = this.#clock.setTimeout(() => settle('late'), WAIT_MS)
    waiting.add(settle)
    this.#waiting++
    if (isNew) this.#ask(routeTable, host)
    return stop
  }

  /** New routes are in force. */
  arrived(routeTable: string, isKnown: (host: string) => boolean): void {
    for (const [host, wanted] of this.#tables.get(routeTable) ?? []) {
      if (!isKnown(host)) continue
      wanted.isMissing = false
      for (const settle of [...wanted.waiting]) settle('known')
    }
  }

  missing(routeTable: string, host: string): void {
    const wanted = this.#tables.get(routeTable)?.get(host)
    if (!wanted) return
    wanted.isMissing = true
    for (const settle of [...wanted.waiting]) settle('missing')
  }

  close(): void {
    for (const hosts of this.#tables.values()) for (const wanted of hosts.values()) for (const settle of [...wanted.waiting]) settle('late')
    this.#tables.clear()
  }
}

function now(callback: (verdict: HostVerdict) => void, verdict: HostVerdict): () => void {
  callback(verdict)
  return () => {}
}
