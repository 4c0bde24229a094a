import type { DiscoverySource, DiscoverySourceStatus } from '../../model/kinds/discovery-source.ts'
import { originLabel } from '../../model/labels.ts'
import type { Registry, RegistryChange } from '../../registry/registry.ts'
import { RevisionConflictError } from '../../registry/store.ts'
import type { Clock, Timer } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'

/** Statuses are written together, so often at most. */
const pauseMs = 1000

interface Options {
  readonly registry: Registry
  readonly zone: string
  readonly clock: Clock
  readonly log: Log
  readonly statuses: () => readonly { readonly resource: DiscoverySource; readonly status: DiscoverySourceStatus }[]
  /** There may be news for those who look on. */
  readonly told: () => void
}

/** Writes into the zone's own DiscoverySources how they do, when that differs from what stands there. What global wrote is not a zone's to change. */
export class StatusWriter {
  readonly #options: Options
  #timer: Timer | null = null
  #writing: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(options: Options) {
    this.#options = options
  }

  /** Something may be another than before. */
  touch(): void {
    if (this.#timer !== null || this.#isClosed) return
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = null
      this.#options.told()
      this.#writing = this.#writing.then(() => this.#write())
    }, pauseMs)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    await this.#writing
  }

  async #write(): Promise<void> {
    const { registry, statuses, log } = this.#options
    const changes = statuses().flatMap(({ resource, status }): RegistryChange[] => {
      const current = registry.get<DiscoverySource>(resource)
      if (current === undefined || current.labels[originLabel] === 'global') return []
      const { kind, mesh, name, labels, spec } = current
      return [
        {
          kind: 'put',
          draft: { kind, mesh, name, labels, spec, status: withTimes(status, current.status, this.#now()) },
          expect: current.revision,
        },
      ]
    })
    try {
      await registry.commit(changes)
    } catch (error) {
      if (error instanceof RevisionConflictError) this.touch()
      else log.error('the status of sources could not be written', { error })
    }
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString()
  }
}

/** A scope's `lastSync` is when it came to be what its status says: a time for every listing would be a write for every listing. */
function withTimes(status: DiscoverySourceStatus, before: DiscoverySourceStatus | undefined, now: string): DiscoverySourceStatus {
  const known = new Map((before?.scopes ?? []).map(({ lastSync, ...scope }) => [JSON.stringify(scope), lastSync]))
  return {
    scopes: (status.scopes ?? []).map(({ lastSync: _, ...scope }) => {
      if (scope.state !== 'Synced') return scope
      const since = known.get(JSON.stringify(scope)) ?? now
      const { scope: id, zone, state, ...rest } = scope
      return { scope: id, ...(zone === undefined ? {} : { zone }), state, lastSync: since, ...rest }
    }),
  }
}
