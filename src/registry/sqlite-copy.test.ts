import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { backupStore, StoreExistsError, type StoreReport, verifyStore } from './sqlite-copy.ts'
import { restoreStore } from './sqlite-restore.ts'
import { SqliteStore } from './sqlite-store.ts'
import { put, range } from './store.contract.ts'
import { CompactedError, StoreDamagedError } from './store.ts'

const root = mkdtempSync(join(tmpdir(), 'skerry-backup-'))
after(() => rmSync(root, { recursive: true }))
let places = 0
const run = promisify(execFile)

function aPlace(): string {
  return join(root, `${++places}`, 'store.db')
}

/** A closed store with `a` and `b`, of zone a. */
async function aStore(): Promise<string> {
  const file = aPlace()
  const store = await SqliteStore.open({ file, owner: 'zone a' })
  await store.commit([put('a', '1'), put('b', '1')])
  await store.commit([put('a', '2')])
  await store.close()
  return file
}

function assertRefused(work: () => unknown, code: StoreDamagedError['code'], pattern: RegExp): void {
  assert.throws(work, (error: unknown) => {
    assert.ok(error instanceof StoreDamagedError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, pattern)
    return true
  })
}

describe('a backup', { timeout: 30_000 }, () => {
  test('of a store that is written to all the time is the store at one moment, with all that was acknowledged before', async () => {
    const file = aPlace()
    const store = await SqliteStore.open({ file, owner: 'zone a' })
    let isOver = false
    let count = 0
    const writing = (async () => {
      // Both records of a commit carry its number: a copy of two moments would show it, and the store is checkpointed again and again.
      for (; !isOver; count++) await store.commit([put('a', `${count} ${'x'.repeat(5000)}`), put('b', `${count} ${'y'.repeat(5000)}`)])
    })()
    for (const index of range(4)) {
      while (count < (index + 1) * 300) await new Promise(resolve => setTimeout(resolve, 5))
      const acknowledged = count
      const target = `${file}.backup-${index}`
      await elsewhere<StoreReport>('./sqlite-copy.ts', 'backupStore', file, target)
      const copy = await SqliteStore.open({ file: target })
      const values = (await copy.load()).records.map(record => record.value.split(' ')[0])
      await copy.close()
      assert.equal(values[0], values[1])
      assert.ok(Number(values[0]) >= acknowledged - 1, `${values[0]} after ${acknowledged}`)
    }
    isOver = true
    await writing
    await store.close()

    assert.deepEqual(
      readdirSync(join(file, '..')).filter(name => name.includes('copy') || name.includes('partial')),
      [],
    )
  })

  test('is one file for its owner only, and says what it holds', async () => {
    const file = await aStore()
    const target = `${file}.backup`

    const report = backupStore(file, target)

    const { bytes, ...rest } = report
    assert.ok(bytes > 4096)
    assert.deepEqual(rest, {
      file: target,
      owner: 'zone a',
      revision: 2,
      records: 2,
      kinds: { MeshService: 2 },
      changes: 3,
      digest: verifyStore(file).digest,
    })
    for (const name of [target, `${target}.marker`]) assert.equal(statSync(name).mode & 0o077, 0)
    assert.ok(!existsSync(`${target}-wal`))
    assert.throws(() => backupStore(file, target), StoreExistsError)
  })

  test('of a damaged store is refused, and nothing is written', async () => {
    const file = await aStore()
    const bytes = readFileSync(file)
    bytes[bytes.indexOf('MeshService')]! ^= 1
    writeFileSync(file, bytes)

    assertRefused(() => verifyStore(file), 'SKERRY_STORE_DAMAGED', /damaged.*skerry store restore/s)
    assertRefused(() => backupStore(file, `${file}.backup`), 'SKERRY_STORE_DAMAGED', /damaged/)
    assert.deepEqual(readdirSync(join(file, '..')).sort(), ['store.db', 'store.db.marker'])
  })
})

describe('a restored store', { timeout: 30_000 }, () => {
  test('holds what the backup held, under revisions that were never given out', async () => {
    const file = await aStore()
    backupStore(file, `${file}.backup`)
    const later = await SqliteStore.open({ file })
    const lost = await later.commit([put('a', 'lost')])
    await later.close()

    const report = restoreStore(`${file}.backup`, file, { force: true })

    const store = await SqliteStore.open({ file, owner: 'zone a' })
    const { revision, records } = await store.load()
    assert.deepEqual(
      records.map(record => [record.key.name, record.value]),
      [
        ['a', '2'],
        ['b', '1'],
      ],
    )
    assert.ok(revision > lost && report.revision === revision)
    await assert.rejects(store.watch(lost, new AbortController().signal)[Symbol.asyncIterator]().next(), CompactedError)
    assert.ok((await store.commit([put('a', '3')])) > revision)
    await store.close()
    assert.deepEqual(readdirSync(report.replaced!).sort(), ['store.db', 'store.db.marker'])
  })

  test('comes in the place of none, or of one that is there when that is asked for', async () => {
    const file = await aStore()
    backupStore(file, `${file}.backup`)
    const place = aPlace()

    assert.equal(restoreStore(`${file}.backup`, place).replaced, null)
    assert.throws(() => restoreStore(`${file}.backup`, place), StoreExistsError)
    assertRefused(() => verifyStore(aPlace()), 'SKERRY_STORE_DAMAGED', /there is no store/)
  })

  test('is not made from a damaged backup, over an open store, or over that of another zone', async () => {
    const file = await aStore()
    backupStore(file, `${file}.backup`)
    const open = await SqliteStore.open({ file })

    await assert.rejects(elsewhere('./sqlite-restore.ts', 'restoreStore', `${file}.backup`, file, { force: true }), {
      code: 'SKERRY_STORE_LOCKED',
      message: new RegExp(`in use by process ${process.pid}`),
    })
    assert.ok((await open.commit([put('c', '1')])) > 2)
    await open.close()
    const other = aPlace()
    await (await SqliteStore.open({ file: other, owner: 'zone b' })).close()
    assertRefused(() => restoreStore(`${file}.backup`, other, { force: true }), 'SKERRY_STORE_OWNER', /store of zone a, not of zone b/)
    const bytes = readFileSync(`${file}.backup`)
    bytes[bytes.length - 10]! ^= 1
    writeFileSync(`${file}.backup`, bytes)
    assertRefused(() => restoreStore(`${file}.backup`, file, { force: true }), 'SKERRY_STORE_DAMAGED', /damaged/)
    assert.equal(verifyStore(file).revision, 3)
  })

  test('takes the place of one that is too damaged to be opened', async () => {
    const file = await aStore()
    backupStore(file, `${file}.backup`)
    writeFileSync(file, 'not a database at all')
    await assert.rejects(SqliteStore.open({ file }), /skerry store restore BACKUP --data/)

    restoreStore(`${file}.backup`, file, { force: true })

    const store = await SqliteStore.open({ file, owner: 'zone a' })
    assert.equal((await store.load()).records.length, 2)
    await store.close()
  })
})

test('a store of one zone is refused to another, and left as it was', async () => {
  const file = await aStore()

  await assert.rejects(SqliteStore.open({ file, owner: 'zone b' }), (error: StoreDamagedError) => {
    assert.equal(error.code, 'SKERRY_STORE_OWNER')
    assert.match(error.message, /is the store of zone a, not of zone b\. Give zone b a place of its own/)
    return true
  })
  await assert.rejects(SqliteStore.open({ file, owner: 'global' }), /store of zone a, not of global/)

  const store = await SqliteStore.open({ file, owner: 'zone a' })
  assert.equal((await store.load()).records.length, 2)
  await store.close()
})

/**
 * Runs an export of these modules in a process of its own, as the command line does. Within the process that holds the store, opening
 * and closing its file would drop the lock: https://www.sqlite.org/howtocorrupt.html
 */
async function elsewhere<T>(module: string, name: string, ...args: unknown[]): Promise<T> {
  const program = `
    import { ${name} } from ${JSON.stringify(new URL(module, import.meta.url).href)}
    try { console.log(JSON.stringify({ value: ${name}(...JSON.parse(process.argv[1])) })) }
    catch ({ code, problem, advice }) { console.log(JSON.stringify({ code, problem, advice })) }
  `
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program, JSON.stringify(args)])
  const { value, code, problem, advice } = JSON.parse(stdout)
  if (code) throw new StoreDamagedError(code, problem, advice)
  return value
}
