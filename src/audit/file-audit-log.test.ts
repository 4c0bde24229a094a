import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import type { AuditDraft } from './entry.ts'
import { FileAuditLog, type FileAuditLogOptions } from './file-audit-log.ts'
import type { AuditQuery } from './query.ts'
import { verifyDirectory } from './verify.ts'

async function aDirectory(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'skerry-audit-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

const open = (dir: string, options: Partial<FileAuditLogOptions> = {}) =>
  FileAuditLog.open(dir, { clock: systemClock, log: silentLog, ...options })

function anEntry(over: Partial<AuditDraft> = {}): AuditDraft {
  const who = { name: 'ann', groups: ['admin'], tokenId: 't-1' }
  return {
    who,
    remote: '10.0.0.9',
    verb: 'create',
    area: 'resources',
    kind: 'Mesh',
    name: 'shop',
    decision: 'allowed',
    status: 201,
    ...over,
  }
}

const newest = async (dir: string) => join(dir, (await readdir(dir)).sort().at(-1)!)

test('entries are a chain that a restart goes on with', async t => {
  const dir = await aDirectory(t)
  const first = await open(dir)
  await Promise.all([first.append(anEntry()), first.append(anEntry({ name: 'blog' })), first.append(anEntry({ verb: 'delete' }))])
  const { head } = first
  await first.close()

  const second = await open(dir)
  assert.deepEqual(second.head, head)
  await second.append(anEntry({ name: 'after' }))
  const { items } = await second.query({ limit: 10 })
  const report = await second.verify()
  await second.close()

  assert.deepEqual(
    items.map(({ sequence, name, verb }) => [sequence, name, verb]),
    [
      [4, 'after', 'create'],
      [3, 'shop', 'delete'],
      [2, 'blog', 'create'],
      [1, 'shop', 'create'],
    ],
  )
  assert.equal(items[0]!.previous, head.hash)
  assert.deepEqual([report.intact, report.entries, report.first, report.head.sequence], [true, 4, 1, 4])
})

test('whatever byte of whatever entry is changed, it shows; so does a line that is taken out, doubled or moved', async t => {
  const dir = await aDirectory(t)
  const log = await open(dir)
  for (let i = 0; i < 5; i++) await log.append(anEntry({ name: `mesh-${i}` }))
  await log.close()
  const file = await newest(dir)
  const good = await readFile(file)

  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 2), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const bad = Buffer.from(good)
      bad[at] = bad[at]! ^ flip
      await writeFile(file, bad)
      assert.equal((await verifyDirectory(dir)).intact, false)
    }),
    { numRuns: 200 },
  )
  const lines = good.toString().trimEnd().split('\n')
  const variants = [lines.toSpliced(2, 1), lines.toSpliced(2, 0, lines[2]!), [lines[0]!, lines[2]!, lines[1]!, lines[3]!, lines[4]!]]
  for (const variant of variants) {
    await writeFile(file, `${variant.join('\n')}\n`)
    assert.equal((await verifyDirectory(dir)).intact, false)
  }
  await writeFile(file, good)
  assert.equal((await verifyDirectory(dir)).intact, true)
})

test('a broken chain is told at the start, is put on record, and stays broken', async t => {
  const dir = await aDirectory(t)
  const log = await open(dir)
  for (let i = 0; i < 3; i++) await log.append(anEntry({ name: `mesh-${i}` }))
  await log.close()
  const file = await newest(dir)
  await writeFile(file, (await readFile(file, 'utf8')).replace('"name":"mesh-1"', '"name":"mesh-9"'))

  const errors: string[] = []
  const again = await open(dir, { log: { ...silentLog, error: event => void errors.push(event) } })

  assert.deepEqual(errors, ['audit log is broken'])
  assert.match(again.broken!, /entry 2.*does not match its hash/)
  const [last] = (await again.query({ limit: 1 })).items
  assert.equal(last?.verb, 'break')
  await again.append(anEntry())
  await again.close()
  const report = await verifyDirectory(dir)
  assert.deepEqual([report.intact, report.breaks.length, report.entries], [false, 1, 5])
})

test('a break in an older file is found, too, though the start does not wait for it', async t => {
  const dir = await aDirectory(t)
  const log = await open(dir, { segmentBytes: 1000 })
  for (let i = 0; i < 20; i++) await log.append(anEntry({ name: `mesh-${i}` }))
  await log.close()
  const file = join(dir, (await readdir(dir)).sort()[1]!)
  await writeFile(file, (await readFile(file, 'utf8')).replace('"verb":"create"', '"verb":"delete"'))

  const again = await open(dir, { segmentBytes: 1000 })
  while (again.broken === undefined) await new Promise(resolve => setTimeout(resolve, 5))
  await again.close()

  assert.match(again.broken ?? '', /does not match its hash/)
})

test('what a crash has torn off is cut, said, and no break', async t => {
  const dir = await aDirectory(t)
  const log = await open(dir)
  await log.append(anEntry())
  await log.close()
  await appendFile(await newest(dir), '{"sequence":2,"time":"2026-0')

  const again = await open(dir)
  await again.append(anEntry({ name: 'after' }))
  const { items } = await again.query({ from: 1, limit: 10 })
  const report = await again.verify()
  await again.close()

  assert.deepEqual(
    items.map(({ verb, detail }) => [verb, detail]),
    [
      ['create', undefined],
      ['recover', { tornBytes: 28 }],
      ['create', undefined],
    ],
  )
  assert.equal(report.intact, true)
})

test('an end right after a new file was begun goes on where the file before ended', async t => {
  const dir = await aDirectory(t)
  const log = await open(dir)
  await log.append(anEntry())
  const { head } = log
  await log.close()
  await writeFile(join(dir, 'audit-000000000002.jsonl'), '')

  const again = await open(dir)
  assert.deepEqual(again.head, head)
  await again.append(anEntry())
  await again.close()

  assert.equal((await verifyDirectory(dir)).intact, true)
})

test('the log keeps to its size: the oldest files go, and that they went is in it', async t => {
  const dir = await aDirectory(t)
  const log = await open(dir, { segmentBytes: 2000, keepBytes: 10_000 })
  for (let i = 0; i < 200; i++) await log.append(anEntry({ name: `mesh-${i}` }))
  const { items } = await log.query({ verb: 'drop', limit: 1 })
  const report = await log.verify()
  const all = []
  for (let before: number | undefined; ; ) {
    const page = await log.query({ limit: 7, before })
    all.push(...page.items.map(({ sequence }) => sequence))
    if (page.next === null) break
    before = page.next
  }
  await log.close()

  const bytes = (await Promise.all((await readdir(dir)).map(name => readFile(join(dir, name))))).reduce((sum, file) => sum + file.length, 0)
  assert.ok(bytes < 13_000, String(bytes))
  assert.equal(report.intact, true)
  assert.ok(report.first > 100)
  assert.equal((items[0]?.detail?.last as number) + 1, report.first)
  assert.deepEqual(
    all,
    Array.from({ length: report.entries }, (_, i) => report.head.sequence - i),
  )
})

test('where it cannot be written nothing counts as written, and it goes on when it can be again', async t => {
  const dir = await aDirectory(t)
  const log = await open(dir, { segmentBytes: 1 })
  await log.append(anEntry())
  await log.ready()
  // The next file's name is taken by something that is no file.
  await mkdir(join(dir, 'audit-000000000002.jsonl'))

  const results = await Promise.allSettled([log.append(anEntry({ name: 'lost-1' })), log.append(anEntry({ name: 'lost-2' }))])
  assert.deepEqual(
    results.map(result => result.status === 'rejected' && result.reason.code),
    ['SKERRY_AUDIT_FAILED', 'SKERRY_AUDIT_FAILED'],
  )
  await assert.rejects(log.ready(), { code: 'SKERRY_AUDIT_FAILED' })
  await rmdir(join(dir, 'audit-000000000002.jsonl'))
  await log.ready()
  await log.append(anEntry({ name: 'after' }))
  const { items } = await log.query({ from: 1, limit: 10 })
  const report = await log.verify()
  await log.close()

  assert.deepEqual(
    items.map(({ verb, name }) => [verb, name]),
    [
      ['create', 'shop'],
      ['resume', undefined],
      ['create', 'after'],
    ],
  )
  assert.equal(report.intact, true)
})

test('what was answered survives kill -9 in the midst of writing', async t => {
  const dir = await aDirectory(t)
  const program = `
    import { FileAuditLog } from ${JSON.stringify(join(import.meta.dirname, 'file-audit-log.ts'))}
    import { systemClock } from ${JSON.stringify(join(import.meta.dirname, '../std/clock.ts'))}
    import { silentLog } from ${JSON.stringify(join(import.meta.dirname, '../std/log.ts'))}
    const log = await FileAuditLog.open(${JSON.stringify(dir)}, { clock: systemClock, log: silentLog, segmentBytes: 20_000 })
    const entry = ${JSON.stringify(anEntry())}
    const one = async () => { for (;;) { await log.append(entry); process.stdout.write(log.head.sequence + '\\n') } }
    await Promise.all([one(), one(), one(), one()])`
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    let told = ''
    const killed = new Promise(resolve => child.once('close', resolve))
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
      told += chunk
      if (told.length > 2000 + round * 777) break
    }
    child.kill('SIGKILL')
    child.stdout.on('data', chunk => {
      told += chunk
    })
    await killed
    const acknowledged = Math.max(...told.split('\n').slice(0, -1).map(Number))

    const log = await open(dir)
    const report = await log.verify()
    await log.close()
    assert.equal(report.intact, true)
    assert.ok(report.head.sequence >= acknowledged, `${report.head.sequence} of ${acknowledged}`)
  }
})

test('one is found by who did what to what, in whatever file it is', async t => {
  const dir = await aDirectory(t)
  const log = await open(dir, { segmentBytes: 1500 })
  for (let i = 0; i < 40; i++) await log.append(anEntry({ name: `mesh-${i}`, who: { name: i % 2 ? 'ann' : 'bob', groups: [] } }))
  const changes = [{ verb: 'update', kind: 'MeshHTTPRoute', mesh: 'shop', name: 'pay' }]
  await log.append(anEntry({ verb: 'post', kind: undefined, name: undefined, changes }))
  // An answer may end before the log does, without having found anything.
  const find = async (query: Omit<AuditQuery, 'limit'>): Promise<number[]> => {
    const { items, next } = await log.query({ limit: 100, ...query })
    const here = items.map(({ sequence }) => sequence)
    if (next === null) return here
    return [...here, ...(await find({ ...query, ...(query.from === undefined ? { before: next } : { from: next }) }))]
  }

  const found = [
    await find({ name: 'mesh-3' }),
    await find({ who: 'bob', from: 36 }),
    await find({ kind: 'MeshHTTPRoute', mesh: 'shop', name: 'pay', verb: 'update' }),
    await find({ kind: 'MeshHTTPRoute', name: 'mesh-3' }),
    await find({ since: '2999-01-01T00:00:00Z' }),
    await find({ from: 42 }),
  ]
  await log.close()

  assert.deepEqual(found, [[4], [37, 39], [41], [], [], []])
})
