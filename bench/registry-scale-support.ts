import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { ResourceDraft } from '../src/model/resource.ts'
import { Registry } from '../src/registry/registry.ts'
import { SqliteStore } from '../src/registry/sqlite-store.ts'
import { systemClock } from '../src/std/clock.ts'
import { silentLog } from '../src/std/log.ts'

/** What one process measured of one large registry. */
export interface ScaleReport {
  readonly readyMs: number
  readonly rssMb: number
  readonly heapMb: number
  readonly firstListMs: number
  readonly pageMs: number
  readonly firstLabelMs: number
  readonly labelMs: number
  readonly labelled: number
  readonly scanMs: number
  readonly deliveryMs: { readonly p50: number; readonly p99: number }
  readonly bulkPerSecond: number
}

const services = 2000
const pageSize = 1000

/** About 900 bytes as JSON. */
export function aDataplane(index: number, version = 'v1'): ResourceDraft {
  const name = `workload-${String(index).padStart(6, '0')}`
  const app = `service-${index % services}`
  return {
    kind: 'Dataplane',
    mesh: 'default',
    name,
    labels: {
      'kuma.io/display-name': name,
      'kuma.io/zone': `zone-${index % 10}`,
      'kuma.io/origin': 'zone',
      'kuma.io/mesh': 'default',
      'kuma.io/env': 'universal',
      'kuma.io/workload': app,
      app,
      version,
    },
    spec: {
      networking: {
        address: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
        inbound: [
          { port: 8080, servicePort: 18080, name: 'main', tags: { 'kuma.io/service': app, 'kuma.io/protocol': 'http' }, state: 'Ready' },
          { port: 9090, servicePort: 19090, name: 'admin', tags: { 'kuma.io/service': app, 'kuma.io/protocol': 'grpc' }, state: 'Ready' },
        ],
        outbound: Array.from({ length: 3 }, (_, port) => ({
          port: 10_000 + port,
          backendRef: { kind: 'MeshService', name: `service-${port}`, port: 80 },
        })),
        admin: { port: 9901 },
      },
    },
  }
}

export function aService(index: number): ResourceDraft {
  const name = `service-${index}`
  return {
    kind: 'MeshService',
    mesh: 'default',
    name,
    labels: { 'kuma.io/display-name': name, 'kuma.io/zone': `zone-${index % 10}`, 'kuma.io/mesh': 'default' },
    spec: {
      selector: { dataplaneLabels: { matchLabels: { app: name } } },
      ports: [{ port: 80, targetPort: 8080, appProtocol: 'http', name: 'main' }],
    },
    status: { addresses: [{ hostname: `${name}.svc.mesh.local` }], tls: { status: 'Ready' } },
  }
}

async function measure(file: string): Promise<ScaleReport> {
  const begin = performance.now()
  const store = await SqliteStore.open({ file })
  const registry = await Registry.open(store, { clock: systemClock, log: silentLog })
  const readyMs = performance.now() - begin
  await delay(500)
  globalThis.gc?.()
  await delay(500)
  const { rss, heapUsed } = process.memoryUsage()

  const firstListMs = timed(() => registry.list('Dataplane', 'default')).ms
  const pageMs = median(20, index => JSON.stringify(registry.list('Dataplane', 'default').slice(index * pageSize, (index + 1) * pageSize)))
  const firstLabelMs = timed(() => registry.byLabel('Dataplane', 'default', 'app', 'service-7')).ms
  const labelMs = median(20, index => registry.byLabel('Dataplane', 'default', 'app', `service-${index}`))
  const labelled = registry.byLabel('Dataplane', 'default', 'app', 'service-7').length
  const scanMs = median(10, index => registry.list('Dataplane', 'default').filter(({ labels }) => labels.version === `v${index}`))
  const bulkPerSecond = await bulk(registry)
  const deliveryMs = await delivery(registry)
  await registry.close()
  await store.close()
  return {
    readyMs,
    rssMb: rss / 1e6,
    heapMb: heapUsed / 1e6,
    firstListMs,
    pageMs,
    firstLabelMs,
    labelMs,
    labelled,
    scanMs,
    deliveryMs,
    bulkPerSecond,
  }
}

/** From the call of a writer to the last of 100 readers, of whom one in two leaves it out. */
async function delivery(registry: Registry): Promise<{ p50: number; p99: number }> {
  const stop = new AbortController()
  let arrived = 0
  const readers = Array.from({ length: 100 }, async (_, reader) => {
    const filter = reader % 2 ? () => false : undefined
    for await (const _ of registry.watch({ from: registry.revision, signal: stop.signal, ...(filter && { filter }) })) arrived++
  })
  const latencies: number[] = []
  for (let round = 0; round < 200; round++) {
    arrived = 0
    const sent = performance.now()
    await registry.commit([{ kind: 'put', draft: aDataplane((round * 311) % 100_000, `change-${round}`) }])
    while (arrived < 50) await new Promise(setImmediate)
    latencies.push(performance.now() - sent)
    registry.list('Dataplane', 'default') // as a reader that lists between any two changes
  }
  stop.abort()
  await Promise.all(readers)
  latencies.sort((a, b) => a - b)
  return { p50: latencies[100]!, p99: latencies[197]! }
}

/** 500 changes a commit, four commits at a time. */
async function bulk(registry: Registry): Promise<number> {
  const begin = performance.now()
  let next = 0
  let written = 0
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      while (next < 40_000) {
        const first = next
        next += 500
        const changes = Array.from({ length: 500 }, (_, index) => ({ kind: 'put' as const, draft: aDataplane(first + index, 'bulk') }))
        const batch = await registry.commit(changes)
        written += batch.changes.length
      }
    }),
  )
  return (written / (performance.now() - begin)) * 1000
}

function timed<T>(work: () => T): { ms: number; value: T } {
  const begin = performance.now()
  const value = work()
  return { ms: performance.now() - begin, value }
}

function median(times: number, work: (index: number) => unknown): number {
  const all = Array.from({ length: times }, (_, index) => timed(() => work(index)).ms)
  return all.sort((a, b) => a - b)[times >> 1]!
}

if (process.send && process.argv[2] === 'measure') {
  process.send(await measure(process.argv[3]!))
  await once(process, 'disconnect')
}
