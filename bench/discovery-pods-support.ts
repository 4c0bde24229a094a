import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openCluster } from '../src/adapters/kubernetes/cluster.ts'
import { systemClock } from '../src/std/clock.ts'
import { silentLog } from '../src/std/log.ts'
import { seededRandom } from '../src/std/random.ts'
import { watchTurns } from './event-loop-support.ts'
import type { Figure } from './figure.ts'

/** The Kubernetes adapter alone: memory of each pod, and how long a list keeps the process busy in one go. */
export async function measurePods(pods: number): Promise<readonly Figure[]> {
  // In a process of its own, so that its work is not counted as ours.
  const server = spawn(process.execPath, [new URL('./discovery-kubernetes-support.ts', import.meta.url).pathname, String(pods)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const [url] = (await once(server.stdout, 'data')) as [Buffer]
    const adapter = await openCluster(
      { id: 'bench', locality: {}, server: url.toString().trim(), credentials: { kind: 'token', token: async () => 'bench' } },
      { mesh: 'default', name: 'bench', spec: { type: 'Kubernetes' } },
      {
        secret: async () => Buffer.of(),
        budget: { take: async () => {}, throttled() {} },
        clock: systemClock,
        random: seededRandom(1),
        log: silentLog,
      },
    )
    const signal = new AbortController().signal
    const { scopes } = await adapter.scopes(signal)
    await adapter.list(scopes[0]!, signal)
    const bare = await heap()
    const turns = watchTurns()
    const begin = performance.now()
    let listing: Awaited<ReturnType<typeof adapter.list>> | null = await adapter.list(scopes[0]!, signal)
    const tookMs = performance.now() - begin
    const longestMs = turns.end()
    const { items, pages } = listing
    const withItems = await heap()
    const { cursor } = listing
    const found = items.length
    listing = null
    items satisfies readonly unknown[]
    const figures: Figure[] = [
      { name: `${pods} pods: list`, value: tookMs, unit: 'ms' },
      { name: `${pods} pods: requests of a list`, value: pages, unit: 'requests' },
      {
        name: `${pods} pods: longest stall while listing`,
        value: longestMs,
        unit: 'ms',
        goal: 50,
        others: { 'client-node': '1.2-1.5 s' },
      },
      {
        name: `${pods} pods: state and items of each`,
        value: (withItems - bare) / found / 1024,
        unit: 'KiB',
        goal: 2,
        others: { 'client-node': '11.0 KiB' },
      },
    ]
    if (found < pods || cursor === undefined) throw new Error(`${found} of ${pods} were found`)
    await adapter[Symbol.asyncDispose]()
    return figures
  } finally {
    server.kill()
  }
}

/** After all that nobody holds any more is gone. */
async function heap(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let round = 0; round < 4; round++) {
    collect()
    await delay(50)
  }
  return process.memoryUsage().heapUsed
}
