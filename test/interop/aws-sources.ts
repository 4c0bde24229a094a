import assert from 'node:assert/strict'
import type { Adapter, AdapterDeps, Listing, OpenAdapter, Scope, Source } from '../../src/adapters/adapter.ts'
import { Budgets } from '../../src/adapters/budget.ts'
import { RunningSource } from '../../src/adapters/run-adapter.ts'
import type { DiscoverySourceSpec } from '../../src/model/kinds/discovery-source.ts'
import type { SecretReference } from '../../src/model/schema.ts'
import { systemClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { seededRandom } from '../../src/std/random.ts'
import { awsRegion } from './aws-emulators.ts'

type AwsBlock = NonNullable<DiscoverySourceSpec['aws']>

/** Opens a source on an emulator with keys of the emulator's own account, and a real budget. */
export function openAws(
  adapter: Adapter,
  endpoint: string,
  aws: Partial<AwsBlock> = {},
  spec: Partial<DiscoverySourceSpec> = {},
): Promise<OpenAdapter> {
  const budget = new Budgets(systemClock).of('test')
  const deps: AdapterDeps = { secret, budget, clock: systemClock, random: seededRandom(1), log: silentLog }
  return adapter.open(sourceOf(adapter, endpoint, aws, spec), deps)
}

export interface Watched {
  readonly source: RunningSource
  /** Ids of what was taken away. */
  readonly removed: string[]
}

/** The same, listed again and again with the guard behind it, as a zone does. */
export function watchAws(adapter: Adapter, endpoint: string, aws: Partial<AwsBlock>, spec: Partial<DiscoverySourceSpec>): Watched {
  const removed: string[] = []
  const source = new RunningSource({
    source: sourceOf(adapter, endpoint, aws, spec),
    load: async () => adapter,
    secret,
    budgets: new Budgets(systemClock),
    fingerprint: (_scope, id) => id,
    restored: new Map(),
    identities: new Map(),
    scopeKey: scope => scope,
    clock: systemClock,
    random: seededRandom(1),
    log: silentLog,
    publish: (_scope, decision) => void removed.push(...decision.removed.map(({ id }) => id)),
    onStatus: () => {},
  })
  return { source, removed }
}

async function secret(reference: SecretReference): Promise<Uint8Array> {
  const isExternalId = reference.type === 'EnvVar' && reference.envVar.name === 'EXTERNAL_ID'
  return Buffer.from(isExternalId ? 'shared-with-you' : JSON.stringify({ accessKeyId: 'test', secretAccessKey: 'test' }))
}

function sourceOf(adapter: Adapter, endpoint: string, aws: Partial<AwsBlock>, spec: Partial<DiscoverySourceSpec>): Source {
  return {
    mesh: 'default',
    name: 'cloud',
    spec: {
      type: adapter.type,
      aws: { regions: [awsRegion], endpoint, ...aws },
      credentials: { type: 'Reference', reference: { type: 'EnvVar', envVar: { name: 'AWS_KEYS' } } },
      ...spec,
    },
  }
}

export const soon = () => AbortSignal.timeout(60_000)

export async function scopeNamed(source: OpenAdapter, part: string): Promise<Scope> {
  const { scopes } = await source.scopes(soon())
  return scopes.find(({ id }) => id.includes(part)) ?? assert.fail(`no scope ${part} among ${scopes.map(({ id }) => id).join(', ')}`)
}

export function workloadsOf({ items }: Listing) {
  return items.flatMap(({ outcome }) => (outcome.kind === 'workload' ? [outcome.workload] : []))
}

/** What `get` comes to once it fits; fails after a minute. */
export async function until<T>(get: () => Promise<T> | T, fits: (value: T) => boolean, what: string): Promise<T> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const value = await get()
    if (fits(value)) return value
    if (Date.now() > deadline) assert.fail(`${what}: still ${JSON.stringify(value)}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
