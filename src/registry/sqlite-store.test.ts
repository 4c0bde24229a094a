import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { describe, test } from 'node:test'
import { SqliteStore } from './sqlite-store.ts'
import { put, range, storeContract } from './store.contract.ts'
import { StoreDamagedError, StoreFailedError, StoreFullError } from './store.ts'

storeContract('sqlite', async () => {
  const directory = await aDirectory()
  const options = { file: join(directory, 'store.db'), changeLimit: 100 }
  let store = await SqliteStore.open(options)
  return {
    store,
    async reopen() {
      await store.close()
      store = await SqliteStore.open(options)
      return store
    },
    async dispose() {
      await store.close()
      await rm(directory, { recursive: true })
    },
  }
})

describe('the sqlite store', { timeout: 30_000 }, () => {
  test('has every acknowledged commit after kill -9, and is locked until then', async () => {
    const directory = await aDirectory()
    const file = join(directory, 'store.db')
    const { child, acknowledged } = startWriter(file, 'unlimited')
    await acknowledged.reach(300)

    await assert.rejects(SqliteStore.open({ file }), (error: unknown) => {
      assert.ok(error instanceof StoreDamagedError && error.code === 'SKERRY_STORE_LOCKED', String(error))
      assert.ok(error.message.includes(`in use by process ${child.pid}`))
      return true
    })
    child.kill('SIGKILL')
    await once(child, 'close')

    const store = await SqliteStore.open({ file })
    const names = new Set((await store.load()).records.map(record => record.key.name))
    await store.close()
    assert.deepEqual(
      acknowledged.names.filter(name => !names.has(name)),
      [],
    )
    await rm(directory, { recursive: true })
  })

  test('that gets an I/O error says that it failed, and loses nothing that was acknowledged', async () => {
    const directory = await aDirectory()
    const file = join(directory, 'store.db')
    const { child, acknowledged } = startWriter(file, '300')

    const [exitCode] = await once(child, 'close')

    assert.equal(exitCode, 74)
    assert.match(acknowledged.names.pop()!, /^failed: SKERRY_STORE_FAILED then SKERRY_STORE_FAILED$/)
    const store = await SqliteStore.open({ file })
    const names = new Set((await store.load()).records.map(record => record.key.name))
    await store.close()
    assert.ok(acknowledged.names.length > 10)
    assert.deepEqual(
      acknowledged.names.filter(name => !names.has(name)),
      [],
    )
    await rm(directory, { recursive: true })
  })

  test('that is full rejects commits, goes on being read and watched, and takes what fits', async () => {
    const directory = await aDirectory()
    const store = await SqliteStore.open({ file: join(directory, 'store.db'), maxBytes: 100_000 })
    const first = await store.commit([put('a', '1')])

    const attempts = await Promise.allSettled(range(5).map(index => store.commit([put(`big${index}`, 'x'.repeat(60_000))])))
    for (const attempt of attempts) assert.ok(attempt.status === 'rejected' && attempt.reason instanceof StoreFullError)
    assert.deepEqual(
      (await store.load()).records.map(record => record.value),
      ['1'],
    )
    const second = await store.commit([put('a', '2')])

    const stop = new AbortController()
    for await (const changes of store.watch(first, stop.signal)) {
      assert.deepEqual(
        changes.map(change => change.kind === 'put' && change.record.revision),
        [second],
      )
      stop.abort()
    }
    await store.close()
    await rm(directory, { recursive: true })
  })

  test('that cannot be opened says why', async () => {
    await assert.rejects(SqliteStore.open({ file: '/dev/null/store.db' }), (error: unknown) => {
      assert.ok(error instanceof StoreFailedError, String(error))
      assert.match(error.message, /^\/dev\/null\/store\.db failed: ENOTDIR: not a directory, [^:]*Check its disk[^:]*$/)
      return true
    })
  })

  test('gives a reader that is far behind its changes from the file, then the new ones', async () => {
    const directory = await aDirectory()
    const store = await SqliteStore.open({ file: join(directory, 'store.db') })
    const seen: string[] = []
    const stop = new AbortController()
    await Promise.all(range(3000).map(index => store.commit([put('a', `${index}`)])))

    for await (const changes of store.watch(0, stop.signal)) {
      for (const change of changes) if (change.kind === 'put') seen.push(change.record.value)
      if (seen.length === 2500) await Promise.all(range(1500).map(index => store.commit([put('a', `${3000 + index}`)])))
      if (seen.length === 4500) stop.abort()
    }

    assert.deepEqual(seen, range(4500).map(String))
    await store.close()
    await rm(directory, { recursive: true })
  })
})

function aDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'skerry-store-'))
}

/** Another process that commits for ever and prints the name of each record when it is acknowledged. `fileLimit` (KiB) makes the disk
 *  fail: beyond it a write is refused by the kernel with EFBIG, which SQLite takes for an I/O error. */
function startWriter(file: string, fileLimit: string): { child: ChildProcess; acknowledged: Acknowledged } {
  const program = `
    import { writeSync } from 'node:fs'
    import { SqliteStore } from ${JSON.stringify(new URL('./sqlite-store.ts', import.meta.url).href)}
    process.on('SIGXFSZ', () => {})
    const store = await SqliteStore.open({ file: process.argv[1] })
    async function write(writer) {
      for (let count = 0; ; count++) {
        const name = 'w' + writer + '-' + count
        await store.commit([{ kind: 'put', key: { kind: 'Mesh', mesh: '', name }, value: 'x'.repeat(500) }])
        writeSync(1, name + '\\n')
      }
    }
    Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer))).catch(async error => {
      writeSync(1, 'failed: ' + error.code + ' then ' + (await store.failed).code + '\\n')
      process.exit(74)
    })
  `
  const command = `ulimit -f ${fileLimit}; exec "$0" --input-type=module --eval "$1" "$2"`
  const child = spawn('bash', ['-c', command, process.execPath, program, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  return { child, acknowledged: new Acknowledged(child) }
}

class Acknowledged {
  readonly names: string[] = []
  readonly #lines: Interface

  constructor(child: ChildProcess) {
    this.#lines = createInterface(child.stdout!)
    this.#lines.on('line', line => this.names.push(line))
  }

  reach(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#lines.on('line', () => this.names.length >= count && resolve())
      this.#lines.once('close', () => reject(new Error(`the writer ended after ${this.names.length} commits`)))
    })
  }
}
