import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { seededRandom } from '../std/random.ts'
import type { AdapterDeps, FoundWorkload, Item, Listing } from './adapter.ts'

/** A thing that is a workload. */
export function anItem(id: string, workload: Partial<FoundWorkload> = {}, version?: number): Item {
  const found: FoundWorkload = {
    workload: 'web',
    address: '10.0.0.1',
    ports: [{ name: 'http', port: 8080, protocol: 'http' }],
    state: 'ready',
    labels: {},
    locality: {},
    ...workload,
  }
  return { id, ...(version === undefined ? {} : { version }), outcome: { kind: 'workload', workload: found }, facts: {} }
}

export function aListing(items: readonly Item[], rest: Partial<Listing> = {}): Listing {
  return { complete: true, missing: [], items, gone: [], pages: 1, ...rest }
}

/** What an adapter is given, with nothing behind it. */
export function someDeps(deps: Partial<AdapterDeps> = {}): AdapterDeps {
  return {
    secret: async () => Buffer.from('secret'),
    budget: { take: async () => {}, throttled: () => {} },
    clock: systemClock,
    random: seededRandom(1),
    log: silentLog,
    ...deps,
  }
}
