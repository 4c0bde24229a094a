import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { adapters } from '../src/adapters/index.ts'
import { defaultMesh } from '../src/derive/default-mesh.ts'
import { ControlPlaneIdentity, namesOf } from '../src/identity/control-plane-identity.ts'
import { computedLabels } from '../src/model/compute-labels.ts'
import type { DiscoverySourceSpec } from '../src/model/kinds/discovery-source.ts'
import type { ResourceDraft } from '../src/model/resource.ts'
import { Registry } from '../src/registry/registry.ts'
import { SqliteStore } from '../src/registry/sqlite-store.ts'
import { systemClock } from '../src/std/clock.ts'
import { silentLog } from '../src/std/log.ts'
import { openCore } from '../src/zone-cp/core.ts'
import { openDiscovery } from '../src/zone-cp/discovery/open-discovery.ts'
import { defaultVipCidrs, vipRanges } from '../src/zone-cp/vips.ts'
import { EcsPlatform, queueOf } from './ecs-platform-support.ts'
import { heap, watchTurns } from './event-loop-support.ts'

export interface ZoneSize {
  readonly pods: number
  readonly tasks: number
  readonly services: number
  /** Tasks that a rolling restart replaces. */
  readonly replaced: number
}

interface Platforms {
  readonly kubernetes: string
  readonly ecs: string
}

export interface ZoneReport {
  /** From the start until everything is in the registry. */
  readonly firstMs: number
  readonly firstTurnMs: number
  /** While all is listed again, and is as it was. */
  readonly againTurnMs: number
  readonly restartMs: number
  readonly restartTurnMs: number
  /** Dataplanes that were written or deleted, and transactions, for each task that began or ended. */
  readonly restartWrites: number
  readonly restartCommits: number
  /** Of the whole zone, for each workload. */
  readonly heapPerWorkload: number
}

/** A zone's registry on disk, its planning and its discovery in a process that does nothing else; the platforms are others. */
export async function measureZone(size: ZoneSize): Promise<ZoneReport> {
  await using ecs = await EcsPlatform.start({ tasks: size.tasks, services: size.services })
  const pods = spawn(process.execPath, [join(import.meta.dirname, 'discovery-kubernetes-support.ts'), String(size.pods)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const [url] = (await once(pods.stdout, 'data')) as [Buffer]
    const platforms: Platforms = { kubernetes: url.toString().trim(), ecs: `http://127.0.0.1:${ecs.port}` }
    const measuring = fork(import.meta.filename, [JSON.stringify(size), JSON.stringify(platforms)], {
      execArgv: ['--expose-gc'],
    })
    const answer = once(measuring, 'message')
    const ended = once(measuring, 'exit')
    const [report] = await Promise.race([
      answer,
      ended.then(([code]) => {
        throw new Error(`the measured process ended with ${code}`)
      }),
    ])
    measuring.disconnect()
    await ended
    return report as ZoneReport
  } finally {
    pods.kill()
  }
}

async function measure(size: ZoneSize, { kubernetes, ecs }: Platforms): Promise<ZoneReport> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-bench-discovery-'))
  const zone = 'east'
  const deps = { clock: systemClock, log: silentLog }
  const registry = await Registry.open(await SqliteStore.open({ file: join(directory, 'zone.db') }), deps)
  await registry.commit(defaultMesh({ mode: 'zone', zone }).map(draft => ({ kind: 'put', draft })))
  const identity = await ControlPlaneIdentity.loadOrCreate(registry, { ...deps, ...namesOf('127.0.0.1', '127.0.0.1') })
  const core = await openCore({
    registry,
    zone,
    tokens: identity.tokens,
    instanceId: 'bench',
    offlineAfterMs: 600_000,
    deleteServicesAfterMs: 3_600_000,
    vipRanges: vipRanges(defaultVipCidrs),
    ...deps,
  })
  const env = { KEYS: JSON.stringify({ accessKeyId: 'test', secretAccessKey: 'test' }), TOKEN: 'bench' }
  const discovery = await openDiscovery({ registry, zone, sourcesFile: undefined, env, ...deps })
  // What is loaded once is not discovery's stall.
  await Promise.all([adapters.ECS!(), adapters.Kubernetes!()])
  const bare = heap()
  const dataplanes = () => registry.list('Dataplane', 'default').length

  let turns = watchTurns()
  const startedAtMs = performance.now()
  const put = (name: string, spec: DiscoverySourceSpec) => {
    const draft: ResourceDraft = { kind: 'DiscoverySource', mesh: 'default', name, labels: {}, spec }
    return registry.commit([{ kind: 'put', draft: { ...draft, labels: computedLabels(draft, { mode: 'zone', zone }) } }])
  }
  await put('pods', {
    type: 'Kubernetes',
    kubernetes: { server: kubernetes },
    limits: { interval: '10s' },
    credentials: reference('TOKEN'),
  })
  await put('tasks', {
    type: 'ECS',
    aws: { regions: ['eu-central-1'], endpoint: ecs, events: { queueUrl: queueOf(ecs) } },
    limits: { interval: '10s' },
    credentials: reference('KEYS'),
  })
  while (dataplanes() < size.pods + size.tasks) await delay(250)
  await discovery.settled()
  const firstMs = performance.now() - startedAtMs
  const firstTurnMs = turns.end()
  const heapPerWorkload = (heap() - bare) / dataplanes()

  turns = watchTurns()
  await listedAgain(ecs)
  await discovery.settled()
  const againTurnMs = turns.end()

  let writes = 0
  const commits = discovery.publisher.commits
  const begun = new Set<string>()
  const ended = new Set<string>()
  registry.onChange(({ changes }) => {
    for (const change of changes) {
      const { kind, name } = change.kind === 'put' ? change.resource : change.key
      if (kind !== 'Dataplane') continue
      writes++
      if (change.kind === 'delete') ended.add(name)
      else if (change.previous === undefined) begun.add(name)
    }
  })
  turns = watchTurns()
  const restartedAtMs = performance.now()
  await fetch(`${ecs}/replace/${size.replaced}`)
  while (begun.size < size.replaced || ended.size < size.replaced) await delay(100)
  await discovery.settled()
  const restartMs = performance.now() - restartedAtMs
  const restartTurnMs = turns.end()
  const restartWrites = writes / (2 * size.replaced)
  const restartCommits = (discovery.publisher.commits - commits) / (2 * size.replaced)

  await discovery[Symbol.asyncDispose]()
  await core[Symbol.asyncDispose]()
  await identity[Symbol.asyncDispose]()
  await registry.close()
  await rm(directory, { recursive: true, force: true })
  return { firstMs, firstTurnMs, againTurnMs, restartMs, restartTurnMs, restartWrites, restartCommits, heapPerWorkload }
}

/** Resolves when everything was listed once more, from the beginning to the end. */
async function listedAgain(ecs: string): Promise<void> {
  const listings = async () => ((await (await fetch(`${ecs}/calls`)).json()) as Record<string, number>).DescribeClusters ?? 0
  const wanted = (await listings()) + 2
  while ((await listings()) < wanted) await delay(250)
}

function reference(name: string): NonNullable<DiscoverySourceSpec['credentials']> {
  return { type: 'Reference', reference: { type: 'EnvVar', envVar: { name } } }
}

if (process.argv[1] === import.meta.filename) {
  const [, , size, platforms] = process.argv
  process.once('disconnect', () => process.exit(0))
  process.send!(await measure(JSON.parse(size!), JSON.parse(platforms!)))
}
