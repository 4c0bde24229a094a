import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { SqliteFile } from './sqlite-file.ts'
import { keyNamed, put, range, remove } from './store.contract.ts'
import { CompactedError, StoreDamagedError, type StoredRecord, StoreFailedError, type StoreSnapshot } from './store.ts'

const root = mkdtempSync(join(tmpdir(), 'skerry-file-'))
after(() => rmSync(root, { recursive: true }))

let directories = 0

/** The path of a store that is not there yet, in a directory of its own. */
function aPlace(): string {
  return join(root, `${++directories}`, 'store.db')
}

function openAt(place: string, options: { allowEmpty?: boolean; changeLimit?: number; maxBytes?: number } = {}) {
  const records: StoredRecord[] = []
  const file = SqliteFile.open({ file: place, changeLimit: 1000, ...options }, page => records.push(...page))
  return { file, snapshot: { revision: file.revision, records } satisfies StoreSnapshot }
}

function contentOf(store: SqliteFile): StoreSnapshot {
  const records: StoredRecord[] = []
  return { revision: store.load(page => records.push(...page)), records }
}

/** A store as a killed process leaves it: the files of one that is open, copied. `checkpointed` is in the database, the rest in its log. */
function aKilledStore(checkpointed: number, logged: number): { file: string; content: StoreSnapshot } {
  const place = aPlace()
  const store = openAt(place).file
  if (checkpointed > 0) store.commitGroup(range(checkpointed).map(index => [put(`n${index}`, `${index} ${'x'.repeat(150)}`)]))
  store.checkpoint()
  for (const index of range(logged)) store.commitGroup([[put(`n${index}`, `again ${'y'.repeat(150)}`)]])
  const content = contentOf(store)
  const file = copyOf(place)
  store.close()
  return { file, content }
}

/** A store whose process stopped in good order: all of it in the database. */
function aStoppedStore(records: number): { file: string; content: StoreSnapshot } {
  const { file } = aKilledStore(records, 0)
  return { file, content: outcomeOf(file) as StoreSnapshot }
}

function copyOf(file: string): string {
  const copy = aPlace()
  mkdirFor(copy)
  for (const suffix of ['', '-wal', '.marker']) if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix)
  return copy
}

function mkdirFor(file: string): void {
  openAt(file).file.close()
  for (const suffix of ['', '.marker']) rmSync(file + suffix)
}

function filesBeside(file: string): Record<string, string> {
  const directory = join(file, '..')
  return Object.fromEntries(readdirSync(directory).map(name => [name, readFileSync(join(directory, name), 'base64')]))
}

/** What a process reads that opens the store, or the error that kept it from reading. */
function outcomeOf(file: string): StoreSnapshot | Error {
  try {
    const { file: store, snapshot } = openAt(file)
    store.close()
    return snapshot
  } catch (error) {
    return error as Error
  }
}

function assertDamaged(file: string, pattern: RegExp, code: StoreDamagedError['code'] = 'SKERRY_STORE_DAMAGED'): void {
  assert.throws(
    () => openAt(file).file.close(),
    (error: unknown) => {
      assert.ok(error instanceof StoreDamagedError, String(error))
      assert.equal(error.code, code)
      assert.match(error.message, pattern)
      return true
    },
  )
}

describe('a store file', () => {
  test('that was killed is found again, whatever was in the log or the database', () => {
    for (const [checkpointed, logged] of [
      [0, 0],
      [0, 3],
      [5, 0],
      [50, 7],
    ] as const) {
      const { file, content } = aKilledStore(checkpointed, logged)

      assert.deepEqual(outcomeOf(file), content)
      assert.deepEqual(outcomeOf(file), content)
    }
  })

  test('with any one page overwritten is refused or read exactly, never smaller', () => {
    const { file, content } = aStoppedStore(60)
    const pages = statSync(file).size / 4096
    const database = readFileSync(file)
    const patterns: Buffer[] = [
      Buffer.alloc(4096),
      Buffer.alloc(4096, 0xa5),
      database.subarray(4096 * (pages - 1)),
      database.subarray(4096, 8192),
    ]
    let refused = 0

    for (const page of range(pages)) {
      for (const pattern of patterns) {
        const damaged = copyOf(file)
        const bytes = Buffer.from(database)
        pattern.copy(bytes, page * 4096)
        writeFileSync(damaged, bytes)
        const outcome = outcomeOf(damaged)
        if (outcome instanceof StoreDamagedError) refused++
        else assert.deepEqual(outcome, content, `page ${page}`)
      }
    }

    assert.ok(pages > 8 && refused > pages * 2.5, `${refused} of ${pages * patterns.length}`)
  })

  test('with any one page as it was before the last write is refused or read exactly', () => {
    const place = aPlace()
    const write = (value: string) => {
      const { file } = openAt(place)
      file.commitGroup([range(60).map(index => put(`n${index}`, `${value} ${'x'.repeat(150)}`))])
      file.close()
      return readFileSync(place)
    }
    const before = write('first')
    const database = write('other')
    const content = outcomeOf(place)
    let refused = 0

    for (const page of range(before.length / 4096)) {
      const damaged = copyOf(place)
      const bytes = Buffer.from(database)
      before.copy(bytes, page * 4096, page * 4096, (page + 1) * 4096)
      writeFileSync(damaged, bytes)
      const outcome = outcomeOf(damaged)
      if (outcome instanceof StoreDamagedError) refused++
      else assert.deepEqual(outcome, content, `page ${page}`)
    }

    assert.ok(refused >= 5, `${refused} of ${before.length / 4096}`)
  })

  test('with a flipped bit in a value, a name or a number is refused', () => {
    const { file, content } = aStoppedStore(20)
    const database = readFileSync(file)
    const bits = range(database.length / 97).map(index => index * 97)

    let refused = 0
    for (const place of bits) {
      const damaged = copyOf(file)
      const bytes = Buffer.from(database)
      bytes[place]! ^= 0x04
      writeFileSync(damaged, bytes)
      const outcome = outcomeOf(damaged)
      if (outcome instanceof StoreDamagedError) refused++
      else assert.deepEqual(outcome, content, `byte ${place}`)
    }

    assert.ok(refused > 50, `${refused} of ${bits.length}`)
  })

  test('whose write-ahead log is damaged, cut short or lost is refused, because what it held was acknowledged', () => {
    const { file } = aKilledStore(10, 10)
    const log = readFileSync(`${file}-wal`)
    const withLog = (bytes: Buffer | undefined) => {
      const damaged = copyOf(file)
      if (bytes) writeFileSync(`${damaged}-wal`, bytes)
      else rmSync(`${damaged}-wal`)
      return damaged
    }
    const flipped = Buffer.from(log)
    flipped[Math.floor(log.length / 2)]! ^= 1

    assertDamaged(withLog(flipped), /ends at revision 1\d, but revision 20 was acknowledged/)
    assertDamaged(withLog(log.subarray(0, log.length / 2)), /revision 20 was acknowledged/)
    assertDamaged(withLog(undefined), /revision 20 was acknowledged/)
  })

  test('that is refused is left exactly as it was found', () => {
    const { file } = aKilledStore(10, 10)
    const log = readFileSync(`${file}-wal`)
    log[Math.floor(log.length / 2)]! ^= 1
    writeFileSync(`${file}-wal`, log)
    const before = filesBeside(file)

    assertDamaged(file, /acknowledged/)

    assert.deepEqual(Object.keys(filesBeside(file)), Object.keys(before))
    assert.equal(filesBeside(file)['store.db-wal'], before['store.db-wal'])
    assertDamaged(file, /acknowledged/)
  })

  test('that was being looked at by a process that died is still whole', () => {
    const { file, content } = aKilledStore(5, 5)
    renameSync(`${file}-wal`, `${file}-wal.kept`)

    assert.deepEqual(outcomeOf(file), content)
    assert.deepEqual(Object.keys(filesBeside(file)), ['store.db', 'store.db.marker'])
  })

  test('with a marker that cannot be read is read, and not begun anew', () => {
    const { file, content } = aKilledStore(5, 5)
    writeFileSync(`${file}.marker`, '')

    assert.deepEqual(outcomeOf(file), content)
    rmSync(file)
    writeFileSync(`${file}.marker`, '')
    assertDamaged(file, /is gone/)
  })

  test('that was replaced by an older copy is refused until the marker is taken away', () => {
    const place = aPlace()
    const store = openAt(place).file
    store.commitGroup([[put('a', '1')]])
    store.close()
    const old = readFileSync(place)
    const again = openAt(place).file
    again.commitGroup([[put('b', '1')]])
    again.close()
    writeFileSync(place, old)

    assertDamaged(place, /older copy/)
    rmSync(`${place}.marker`)

    assert.equal((outcomeOf(place) as StoreSnapshot).records.length, 1)
  })

  test('that is cut short is refused at every length', () => {
    const { file, content } = aStoppedStore(40)
    for (let size = statSync(file).size - 4096; size > 0; size -= 4096) {
      const damaged = copyOf(file)
      truncateSync(damaged, size)
      const outcome = outcomeOf(damaged)
      if (!(outcome instanceof StoreDamagedError)) assert.deepEqual(outcome, content)
    }
  })

  test('that is gone, or empty, is not begun anew unless that is asked for', () => {
    const place = aPlace()
    const store = openAt(place).file
    store.commitGroup([[put('a', '1')]])
    store.close()

    rmSync(place)
    assertDamaged(place, /held data and is gone\. .*delete .*store\.db\.marker/)
    writeFileSync(place, '')
    assertDamaged(place, /held data and is empty/)

    const { file, snapshot } = openAt(place, { allowEmpty: true })
    file.close()
    rmSync(place)
    rmSync(`${place}.marker`)
    assert.deepEqual(snapshot, { revision: 0, records: [] })
    assert.deepEqual(outcomeOf(place), { revision: 0, records: [] })
  })

  test('that is there is kept when beginning anew is allowed', () => {
    const { file, content } = aKilledStore(5, 5)

    const { file: store, snapshot } = openAt(file, { allowEmpty: true })
    store.close()

    assert.deepEqual(snapshot, content)
  })

  test('of another format names both formats and what to do', () => {
    const { file } = aKilledStore(3, 0)
    const db = new DatabaseSync(file)
    db.exec('PRAGMA user_version = 7')
    db.close()

    assertDamaged(file, /format 7, this program reads format 1\. .*newer Skerry/, 'SKERRY_STORE_VERSION')
  })

  test('of another program, or no database at all, is refused and not touched', () => {
    const foreign = aPlace()
    mkdirFor(foreign)
    const db = new DatabaseSync(foreign)
    db.exec('CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)')
    db.close()
    const text = aPlace()
    mkdirFor(text)
    writeFileSync(text, 'to whom it may concern')
    const before = [readFileSync(foreign), readFileSync(text)]

    assertDamaged(foreign, /is not a Skerry store/)
    assertDamaged(text, /damaged/)

    assert.deepEqual([readFileSync(foreign), readFileSync(text)], before)
  })

  test('that cannot be created says why', () => {
    const file = join(aPlace(), 'under-a-file', 'store.db')
    mkdirFor(join(file, '..', '..'))
    writeFileSync(join(file, '..', '..'), '')

    assert.throws(
      () => openAt(file),
      (error: unknown) => error instanceof StoreFailedError && error.code === 'SKERRY_STORE_FAILED',
    )
  })

  test('is readable by its owner only', () => {
    const { file: store } = openAt(aPlace())
    store.commitGroup([[put('a', '1')]])
    store.close()

    const directory = join(root, `${directories}`)
    for (const name of readdirSync(directory)) assert.equal(statSync(join(directory, name)).mode & 0o077, 0, name)
  })

  test('that is full refuses a group whole, and goes on as if it had not been', () => {
    const { file: store } = openAt(aPlace(), { maxBytes: 200_000 })
    const value = 'z'.repeat(5000)
    let stored = 0
    assert.throws(
      () => {
        for (; ; stored++) store.commitGroup([[put('last', `${stored}`), remove('missing')], [put(`n${stored}`, value)]])
      },
      { errcode: 13 },
    )

    const { revision, records } = contentOf(store)
    assert.deepEqual([revision, records.length], [stored * 2, stored + 1])
    assert.equal(records.find(record => record.key.name === 'last')?.value, `${stored - 1}`)
    const [outcome] = store.commitGroup([[{ ...put('last', 'short'), expect: revision - 1 }]])
    assert.equal(outcome?.kind, 'committed')
    store.commitGroup([[{ ...put(`n${stored}`, 'small'), expect: 'absent' }]])
    assert.equal(contentOf(store).records.find(record => record.key.name === `n${stored}`)?.value, 'small')
    store.close()
  })

  test('keeps its log of changes at its limit, and its write-ahead log small', () => {
    const place = aPlace()
    const { file: store } = openAt(place, { changeLimit: 50 })
    for (const index of range(1500)) {
      store.commitGroup([[put('a', `${index} ${'x'.repeat(300)}`), put('b', `${index}`)]])
      store.checkpointWhenDue()
    }

    assert.throws(() => store.changesAfter(1440, 1000), CompactedError)
    const commits = store.changesAfter(1480, 5)
    assert.deepEqual(
      commits.map(commit => [commit.revision, commit.changes.length]),
      [
        [1481, 2],
        [1482, 2],
        [1483, 2],
      ],
    )
    assert.deepEqual(store.changesAfter(1500, 5), [])
    assert.ok(statSync(`${place}-wal`).size < 10_000_000)
    store.close()
    assert.deepEqual(
      (outcomeOf(place) as StoreSnapshot).records.map(record => record.key),
      [keyNamed('a'), keyNamed('b')],
    )
  })
})
