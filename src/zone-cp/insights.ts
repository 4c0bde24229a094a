import type { DataplaneFacts } from '../derive/facts.ts'
import { dataplaneInsight } from '../derive/insight.ts'
import { computedLabels } from '../model/compute-labels.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { ResourceDraft } from '../model/resource.ts'
import type { LiveFacts } from '../registry/live.ts'
import type { Registry, RegistryChange } from '../registry/registry.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { ReadinessTracker } from './readiness-tracker.ts'

/** Commits are this far apart at least: all that changed in between is one. */
const batchMs = 1000
/** The first change after a quiet time waits only for what belongs to it: a proxy that comes changes several facts within moments. */
const settleMs = 100

interface Options {
  readonly registry: Registry
  readonly facts: LiveFacts<string, DataplaneFacts>
  readonly readiness: ReadinessTracker
  readonly zone: string
  readonly clock: Clock
  readonly log: Log
}

/** Renders DataplaneInsights from live facts when they are read, and stores them, for global and for people, when a proxy comes, leaves,
 *  becomes ready or not, gets a certificate, or refuses something. */
export class Insights {
  readonly #options: Options
  readonly #dirty = new Set<string>()
  #timer: Timer | null = null
  #writtenAt = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(options: Options) {
    this.#options = options
    options.facts.onChange((key, value, previous) => {
      const isNews = (['connections', 'refusals', 'certificate'] as const).some(fact => value?.[fact] !== previous?.[fact])
      if (isNews) this.touch(key)
    })
  }

  touch(key: string): void {
    if (this.#isClosed) return
    this.#dirty.add(key)
    const sinceLast = this.#options.clock.monotonic() - this.#writtenAt
    this.#timer ??= this.#options.clock.setTimeout(() => void this.flush(), Math.max(settleMs, batchMs - sinceLast))
  }

  /** The insight of a Dataplane as it is now; null = no proxy of it was ever seen. */
  render(dataplane: Dataplane): ResourceDraft | null {
    const { facts, readiness, zone } = this.#options
    const known = facts.get(`${dataplane.mesh}/${dataplane.name}`)
    if (!known) return null
    const draft: ResourceDraft = {
      kind: 'DataplaneInsight',
      mesh: dataplane.mesh,
      name: dataplane.name,
      labels: {},
      spec: dataplaneInsight(known, readiness.of(dataplane)),
    }
    return { ...draft, labels: computedLabels(draft, { mode: 'zone', zone }) }
  }

  /** Writes what is owed. Never rejects. */
  async flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = null
    this.#writtenAt = this.#options.clock.monotonic()
    const { registry, log } = this.#options
    try {
      const changes = this.#owed()
      if (changes.length > 0) await registry.commit(changes)
    } catch (error) {
      log.error('insights could not be written', { error })
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.flush()
  }

  #owed(): RegistryChange[] {
    const { registry } = this.#options
    const changes: RegistryChange[] = []
    for (const key of this.#dirty) {
      const [mesh = '', name = ''] = key.split('/')
      const dataplane = registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
      const draft = dataplane && this.render(dataplane)
      if (draft) changes.push({ kind: 'put', draft })
      else if (registry.get({ kind: 'DataplaneInsight', mesh, name }))
        changes.push({ kind: 'delete', key: { kind: 'DataplaneInsight', mesh, name } })
    }
    this.#dirty.clear()
    return changes
  }
}
