import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Etcd3 } from 'etcd3'
import type { ResourceDraft } from '../src/model/resource.ts'
import { EtcdStore } from '../src/registry/etcd-store.ts'
import { MemoryStore } from '../src/registry/memory-store.ts'
import { Registry, type RegistryChange } from '../src/registry/registry.ts'
import { SqliteStore } from '../src/registry/sqlite-store.ts'
import type { Store } from '../src/registry/store.ts'
import { systemClock } from '../src/std/clock.ts'
import { silentLog } from '../src/std/log.ts'
import { EtcdCluster } from '../test/interop/etcd-cluster.ts'
import type { Figure } from './figure.ts'

export const about = 'durable writes through the registry on each store, beside plain node:sqlite and plain etcd'

/** Arguments name stores: `npm run bench -- registry etcd`. */
const parts = { sqlite, memory, etcd }

export async function run(args: readonly string[]): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const [name, measure] of Object.entries(parts)) if (args.length === 0 || args.includes(name)) figures.push(...(await measure()))
  return figures
}

async function sqlite(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-bench-'))
  try {
    const figures: Figure[] = []
    for (const clients of clientCounts) {
      const raw = await rawSqlite(join(directory, `raw-${clients}.db`), clients)
      const store = await SqliteStore.open({ file: join(directory, `${clients}.db`) })
      figures.push(raw, ...beside(raw, await writes('sqlite', store, clients)))
    }
    figures.push(await bulk('sqlite', await SqliteStore.open({ file: join(directory, 'bulk.db') })))
    return figures
  } finally {
    await rm(directory, { recursive: true })
  }
}

async function memory(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const clients of clientCounts) figures.push(...(await writes('memory', new MemoryStore(), clients)))
  return figures
}

const clientCounts = [1, 16, 256]
const secondsEach = 1.5

/** Three members that flush to disk, on this machine; nothing when there is no etcd to be had. */
async function etcd(): Promise<Figure[]> {
  const cluster = await EtcdCluster.start({ isDurable: true })
  if (typeof cluster === 'string') return []
  const figures: Figure[] = []
  try {
    for (const clients of clientCounts) {
      const raw = await rawEtcd(cluster.endpoints, clients)
      const store = await EtcdStore.open({ endpoints: cluster.endpoints, prefix: `/clients-${clients}` })
      figures.push(raw, ...beside(raw, await writes('etcd', store, clients)))
    }
    figures.push(await bulk('etcd', await EtcdStore.open({ endpoints: cluster.endpoints, prefix: '/bulk' })))
  } finally {
    await cluster.stop()
  }
  return figures
}

/** Ours take at most a quarter longer than the store does by itself. */
function beside(raw: Figure, ours: readonly Figure[]): Figure[] {
  const [first, ...rest] = ours
  return [first!, { name: `${first!.name}: of plain`, value: raw.value / first!.value, unit: '× its time', goal: 1.25 }, ...rest]
}

/** 500 changes a commit, four commits at a time: how a whole zone arrives. */
async function bulk(storeName: string, store: Store): Promise<Figure> {
  const registry = await Registry.open(store, { clock: systemClock, log: silentLog })
  const changesEach = 500
  const begin = performance.now()
  let commits = 0
  await Promise.all(
    Array.from({ length: 4 }, async (_, client) => {
      for (let round = 0; performance.now() < begin + secondsEach * 1000; round++) {
        await registry.commit(Array.from({ length: changesEach }, (_, index) => aChange(`bulk-${client}-${round}-${index}`, 0)))
        commits++
      }
    }),
  )
  const elapsedMs = performance.now() - begin
  await registry.close()
  await store.close()
  return { name: `${storeName}, bulk: changes`, value: ((commits * changesEach) / elapsedMs) * 1000, unit: '/s' }
}

/** Each client writes, waits for the acknowledgement, writes again: half of them new resources, half changes. */
async function writes(storeName: string, store: Store, clients: number): Promise<Figure[]> {
  const registry = await Registry.open(store, { clock: systemClock, log: silentLog })
  const latencies: number[] = []
  const begin = performance.now()
  const end = begin + secondsEach * 1000
  const cpu = process.cpuUsage()
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let count = 0; performance.now() < end; count++) {
        const sent = performance.now()
        await registry.commit([aChange(`client-${client}-${count >> 1}`, count)])
        latencies.push(performance.now() - sent)
      }
    }),
  )
  const elapsedMs = performance.now() - begin
  const { user, system } = process.cpuUsage(cpu)
  await registry.close()
  await store.close()
  latencies.sort((a, b) => a - b)
  const what = `${storeName}, ${clients} clients`
  return [
    { name: `${what}: writes`, value: (latencies.length / elapsedMs) * 1000, unit: '/s' },
    { name: `${what}: write p50`, value: latencies[latencies.length >> 1]!, unit: 'ms' },
    { name: `${what}: write p99`, value: latencies[Math.floor(latencies.length * 0.99)]!, unit: 'ms' },
    { name: `${what}: CPU a write`, value: (user + system) / latencies.length, unit: 'µs' },
  ]
}

/** What the disk and SQLite allow: each client puts a row, waits until it is durable, puts the next; all that wait at one moment share a
 *  transaction. On the main thread, with no guard, no history and nothing in memory. */
async function rawSqlite(file: string, clients: number): Promise<Figure> {
  const db = new DatabaseSync(file)
  db.exec(
    'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE record (name TEXT PRIMARY KEY, value TEXT)',
  )
  const put = db.prepare('INSERT OR REPLACE INTO record VALUES (?, ?)')
  const waiting: { readonly name: string; readonly done: () => void }[] = []
  const value = JSON.stringify(aDraft('name', 0))
  const flush = () => {
    const group = waiting.splice(0)
    db.exec('BEGIN')
    for (const { name } of group) put.run(name, value)
    db.exec('COMMIT')
    for (const { done } of group) done()
  }
  const begin = performance.now()
  let count = 0
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let round = 0; performance.now() - begin < secondsEach * 1000; round++, count++) {
        await new Promise<void>(done => {
          if (waiting.push({ name: `client-${client}-${round >> 1}`, done }) === 1) setImmediate(flush)
        })
      }
    }),
  )
  const elapsedMs = performance.now() - begin
  db.close()
  return { name: `plain node:sqlite, ${clients} clients: writes`, value: (count / elapsedMs) * 1000, unit: '/s' }
}

/** What etcd and its client allow: each client puts a key, waits for the answer, puts the next. */
async function rawEtcd(hosts: string[], clients: number): Promise<Figure> {
  const client = new Etcd3({ hosts })
  const value = JSON.stringify(aDraft('name', 0))
  await client.put('warm').value(value)
  const begin = performance.now()
  let count = 0
  await Promise.all(
    Array.from({ length: clients }, async (_, index) => {
      for (let round = 0; performance.now() - begin < secondsEach * 1000; round++) {
        await client.put(`raw-${clients}/${index}-${round >> 1}`).value(value)
        count++
      }
    }),
  )
  const elapsedMs = performance.now() - begin
  client.close()
  return { name: `plain etcd, ${clients} clients: writes`, value: (count / elapsedMs) * 1000, unit: '/s' }
}

function aChange(name: string, count: number): RegistryChange {
  return { kind: 'put', draft: aDraft(name, count) }
}

/** About 600 bytes as JSON. */
function aDraft(name: string, count: number): ResourceDraft {
  return {
    kind: 'MeshService',
    mesh: 'default',
    name,
    labels: {
      'kuma.io/display-name': name,
      'kuma.io/zone': 'aws-1',
      'kuma.io/origin': 'zone',
      'kuma.io/mesh': 'default',
      'kuma.io/env': 'universal',
    },
    spec: {
      selector: { dataplaneLabels: { matchLabels: { app: name, version: `v${count}` } } },
      ports: [
        { port: 80, targetPort: 8080, appProtocol: 'http', name: 'main' },
        { port: 9090, targetPort: 9090, appProtocol: 'grpc', name: 'admin' },
      ],
      identities: [{ type: 'SpiffeID', value: `spiffe://default.aws-1.mesh.local/workload/${name}` }],
    },
    status: { addresses: [{ hostname: `${name}.svc.mesh.local` }], vips: [{ ip: '241.0.0.1' }], tls: { status: 'Ready' } },
  }
}
