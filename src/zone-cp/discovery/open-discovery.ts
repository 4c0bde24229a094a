import { SourceConfigError } from '../../adapters/adapter.ts'
import { adapters } from '../../adapters/index.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Clock } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'
import { systemRandom } from '../../std/random.ts'
import { Discovery } from './discovery.ts'
import { applySourcesFile } from './sources-file.ts'

interface Options {
  readonly registry: Registry
  readonly zone: string
  /** DiscoverySources that the zone's settings name; undefined: there are none. */
  readonly sourcesFile: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly log: Log
}

/** A zone's discovery, with the sources of its settings. Throws SourcesFileError. */
export async function openDiscovery({ registry, zone, sourcesFile, env, clock, log }: Options): Promise<Discovery> {
  await applySourcesFile(registry, zone, sourcesFile)
  return new Discovery({
    registry,
    zone,
    load: async type => {
      const load = adapters[type]
      if (load === undefined) throw new SourceConfigError('type', `this control plane has no adapter for ${type}`)
      return await load()
    },
    env,
    clock,
    random: systemRandom,
    log,
  })
}
