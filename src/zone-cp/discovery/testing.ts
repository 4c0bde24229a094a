import type { Adapter, Change, Item, Listing, OpenAdapter, Scope } from '../../adapters/adapter.ts'
import { SourceCallError } from '../../adapters/adapter.ts'
import { computedLabels } from '../../model/compute-labels.ts'
import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import type { ResourceDraft } from '../../model/resource.ts'
import { MemoryStore, type memoryDisk } from '../../registry/memory-store.ts'
import { Registry } from '../../registry/registry.ts'
import { ManualClock } from '../../std/clock.ts'
import { silentLog } from '../../std/log.ts'
import { seededRandom } from '../../std/random.ts'
import { Discovery } from './discovery.ts'

export const intervalMs = 10_000

/** A platform that has what a test says, and fails as it says. */
export class ScriptedAdapter implements Adapter {
  readonly type = 'File'
  readonly intervalMs = intervalMs
  items: readonly Item[] = []
  scopes: readonly Scope[] = [{ id: 'test/one', locality: { cloud: 'test', region: 'here' } }]
  complete = true
  error: Error | null = null
  count: number | null = null
  listings = 0
  opened = 0
  tell: (changes: readonly Change[]) => void = () => {}

  async open(): Promise<OpenAdapter> {
    this.opened++
    return {
      scopes: async () => ({ complete: true, missing: [], scopes: this.scopes }),
      list: async (): Promise<Listing> => {
        this.listings++
        if (this.error) throw this.error
        return { complete: this.complete, missing: this.complete ? [] : ['page 2'], items: this.items, gone: [], pages: 1 }
      },
      count: async () => this.count,
      follow: async (_scope, _cursor, tell, signal) => {
        this.tell = tell
        await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
      },
      [Symbol.asyncDispose]: async () => {},
    }
  }

  fail(): void {
    this.error = new SourceCallError('unreachable', 'the cloud is down')
  }
}

/** The discovery of zone `east`, on a clock that moves by hand. */
export async function aDiscovery({
  adapter = new ScriptedAdapter(),
  disk,
  clock = new ManualClock(),
}: {
  adapter?: ScriptedAdapter
  disk?: ReturnType<typeof memoryDisk>
  clock?: ManualClock
} = {}) {
  const zone = 'east'
  const registry = await Registry.open(new MemoryStore(disk), { clock, log: silentLog })
  const discovery = new Discovery({ registry, zone, load: async () => adapter, env: {}, clock, random: seededRandom(1), log: silentLog })
  const put = async (draft: ResourceDraft) => {
    await registry.commit([
      { kind: 'put', draft: { ...draft, labels: { ...draft.labels, ...computedLabels(draft, { mode: 'zone', zone }) } } },
    ])
  }
  return {
    zone,
    adapter,
    registry,
    discovery,
    clock,
    put,
    source: (name = 'vms', spec: Partial<DiscoverySourceSpec> = {}) =>
      put({ kind: 'DiscoverySource', mesh: 'default', name, labels: {}, spec: { type: 'File', file: { path: '/x' }, ...spec } }),
    dataplanes: () => registry.list('Dataplane', 'default').map(({ name }) => name.replace(/-[0-9a-f]{12}$/, '')),
    /** Time goes by, and what it brings is written. */
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 500) {
        await clock.run(Math.min(500, left))
        await discovery.settled()
      }
    },
    async [Symbol.asyncDispose]() {
      await discovery[Symbol.asyncDispose]()
      await registry.close()
    },
  }
}
