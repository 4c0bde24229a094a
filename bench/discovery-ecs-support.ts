import { fork } from 'node:child_process'
import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { AdapterDeps, OpenAdapter, Scope } from '../src/adapters/adapter.ts'
import { ecs } from '../src/adapters/ecs/list.ts'
import type { DiscoverySourceSpec } from '../src/model/kinds/discovery-source.ts'
import { systemClock } from '../src/std/clock.ts'
import { silentLog } from '../src/std/log.ts'
import { systemRandom } from '../src/std/random.ts'
import { type ClusterSize, EcsPlatform } from './ecs-platform-support.ts'
import { heap, watchTurns } from './event-loop-support.ts'

export interface EcsReport {
  /** Of a listing when all definitions are known. */
  readonly calls: Readonly<Record<string, number>>
  readonly listMs: number
  readonly longestStallMs: number
  /** Of the processor, in one turn of the event loop: the stall on a machine with nothing else to do. */
  readonly longestTurnMs: number
  /** Kept by the adapter between listings. */
  readonly bytesPerTask: number
  readonly workloads: number
}

/** In a process that does nothing else, against a platform in another. */
export async function measureEcs(size: ClusterSize): Promise<EcsReport> {
  await using platform = await EcsPlatform.start(size)
  const { port } = platform
  const measuring = fork(import.meta.filename, ['measure', String(port), JSON.stringify(size)], { execArgv: ['--expose-gc'] })
  try {
    const [report] = (await once(measuring, 'message')) as [EcsReport]
    return report
  } finally {
    measuring.disconnect()
    await once(measuring, 'exit')
  }
}

async function measure(port: number, { tasks }: ClusterSize): Promise<EcsReport> {
  const deps: AdapterDeps = {
    secret: async () => Buffer.from(JSON.stringify({ accessKeyId: 'test', secretAccessKey: 'test' })),
    // What the budget spreads over half a minute comes at once: nothing stalls longer than that.
    budget: { take: async () => {}, throttled: () => {} },
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  }
  const spec: DiscoverySourceSpec = {
    type: 'ECS',
    aws: { regions: ['eu-central-1'], endpoint: `http://127.0.0.1:${port}` },
    credentials: { type: 'Reference', reference: { type: 'EnvVar', envVar: { name: 'KEYS' } } },
    mapping: { copyLabels: ['team', 'environment'] },
  }
  let source: OpenAdapter | null = await ecs.open({ mesh: 'default', name: 'bench', spec }, deps)
  const signal = new AbortController().signal
  const [scope] = (await source.scopes(signal)).scopes as [Scope]
  await source.list(scope, signal)
  await fetch(`http://127.0.0.1:${port}/reset`)
  const stall = monitorEventLoopDelay({ resolution: 1 })
  stall.enable()
  const turns = watchTurns()
  const startedAt = performance.now()
  const workloads = (await source.list(scope, signal)).items.filter(({ outcome }) => outcome.kind === 'workload').length
  const listMs = performance.now() - startedAt
  // The delay of the last turn is seen in the one after it.
  await new Promise(resolve => setTimeout(resolve, 20))
  stall.disable()
  const longestTurnMs = turns.end()
  const calls = (await (await fetch(`http://127.0.0.1:${port}/calls`)).json()) as Record<string, number>
  const full = heap()
  await source[Symbol.asyncDispose]()
  source = null
  const bytesPerTask = (full - heap()) / tasks
  return { calls, listMs, longestStallMs: stall.max / 1e6, longestTurnMs, bytesPerTask, workloads }
}

if (process.argv[1] === import.meta.filename) {
  const [, , role, ...rest] = process.argv
  if (role === 'measure') process.send!(await measure(Number(rest[0]), JSON.parse(rest[1]!)))
  process.once('disconnect', () => process.exit(0))
}
