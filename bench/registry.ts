import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ResourceDraft } from '../src/model/resource.ts'
import { MemoryStore } from '../src/registry/memory-store.ts'
import { Registry, type RegistryChange } from '../src/registry/registry.ts'
import { SqliteStore } from '../src/registry/sqlite-store.ts'
import type { Store } from '../src/registry/store.ts'
import { systemClock } from '../src/std/clock.ts'
import { silentLog } from '../src/std/log.ts'
import type { Figure } from './figure.ts'

export const about = 'durable writes through the registry beside plain node:sqlite, and starting with 100,000 resources'

export async function run(): Promise<readonly Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-bench-'))
  try {
    const figures: Figure[] = []
    for (const clients of [1, 16, 256]) {
      const sqlite = await SqliteStore.open({ file: join(directory, `${clients}.db`) })
      figures.push(...(await writes('sqlite', sqlite, clients)), ...(await writes('memory', new MemoryStore(), clients)))
    }
    for (const rows of [1, 16, 256]) figures.push(rawSqlite(join(directory, `raw-${rows}.db`), rows))
    figures.push(...(await start(join(directory, 'start.db'), 100_000)))
    return figures
  } finally {
    await rm(directory, { recursive: true })
  }
}

const secondsEach = 1.5

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

/** What the disk and SQLite allow: the same values into one table, `rows` a transaction, on the main thread, with no guard. */
function rawSqlite(file: string, rows: number): Figure {
  const db = new DatabaseSync(file)
  db.exec(
    'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE record (name TEXT PRIMARY KEY, value TEXT)',
  )
  const insert = db.prepare('INSERT INTO record VALUES (?, ?)')
  const value = JSON.stringify(aDraft('name', 0))
  const begin = performance.now()
  let count = 0
  while (performance.now() - begin < secondsEach * 1000) {
    db.exec('BEGIN')
    for (let row = 0; row < rows; row++) insert.run(`row-${count++}`, value)
    db.exec('COMMIT')
  }
  const elapsedMs = performance.now() - begin
  db.close()
  return { name: `node:sqlite, ${rows} rows a transaction: rows`, value: (count / elapsedMs) * 1000, unit: '/s' }
}

async function start(file: string, resources: number): Promise<Figure[]> {
  const filling = await SqliteStore.open({ file })
  const registry = await Registry.open(filling, { clock: systemClock, log: silentLog })
  for (let first = 0; first < resources; first += 1000) {
    await registry.commit(Array.from({ length: 1000 }, (_, index) => aChange(`resource-${first + index}`, 0)))
  }
  await registry.close()
  await filling.close()

  const begin = performance.now()
  const store = await SqliteStore.open({ file })
  const verified = performance.now()
  const again = await Registry.open(store, { clock: systemClock, log: silentLog })
  const ready = performance.now()
  const listing = performance.now()
  again.list('MeshService', 'default')
  const listed = performance.now()
  await again.close()
  await store.close()
  const what = `start with ${resources} resources`
  return [
    { name: `${what}: read and verified`, value: verified - begin, unit: 'ms' },
    { name: `${what}: ready`, value: ready - begin, unit: 'ms' },
    { name: `${what}: first list of all`, value: listed - listing, unit: 'ms' },
  ]
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
