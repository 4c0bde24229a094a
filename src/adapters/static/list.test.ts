import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { assertEmptyRemovesNothing, assertNeverBelieved } from '../adapter.contract.ts'
import { ListAgainError, SourceCallError } from '../adapter.ts'
import { someDeps } from '../test-support.ts'
import { staticFile } from './list.ts'

async function aFile(text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'skerry-file-'))
  const path = join(folder, 'endpoints.yaml')
  await writeFile(path, text)
  const adapter = await staticFile.open({ mesh: 'default', name: 'file', spec: { type: 'File', file: { path } } }, someDeps())
  const signal = AbortSignal.timeout(10_000)
  const scope = (await adapter.scopes(signal)).scopes[0]!
  return {
    path,
    list: () => adapter.list(scope, signal),
    follow: (until: AbortSignal) => adapter.follow!(scope, null, () => {}, until),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

test('a file lists endpoints, and what is wrong with one leaves only that one out', async () => {
  await using file = await aFile(`
endpoints:
  - { name: db, address: 10.0.0.7, port: 5432, labels: { tier: gold } }
  - { name: web, address: web.example.com, ports: [{ name: http, port: 80, protocol: http }] }
  - { name: broken, address: 10.0.0.8, prot: 80 }
`)

  const { items, complete } = await file.list()

  assert.equal(complete, true)
  const told = items.map(({ id, outcome }) => [id, outcome.kind === 'workload' ? outcome.workload.ports[0]!.protocol : outcome.reason])
  assert.deepEqual(told.slice(0, 2), [
    ['db@10.0.0.7:5432', 'tcp'],
    ['web@web.example.com:80', 'http'],
  ])
  assert.match(told[2]![1]!, /prot/)
})

test('JSON is taken as well, and a list by itself', async () => {
  await using file = await aFile('[{"name": "db", "address": "10.0.0.7", "port": 5432}]')

  assert.equal((await file.list()).items.length, 1)
})

test('a file that is not there, half written or no list is no listing without endpoints', async () => {
  for (const text of ['', 'endpoints:', 'endpoints: [{ name: db, addr', 'other: []']) {
    await using file = await aFile(text)
    await assert.rejects(file.list(), SourceCallError, text)
  }
  const gone = await aFile('[]')
  await gone[Symbol.asyncDispose]()
  await assert.rejects(gone.list(), SourceCallError)
})

test('it is listed again when another file is put in its place', async () => {
  await using file = await aFile('[]')
  const stop = new AbortController()
  const followed = assert.rejects(file.follow(stop.signal), ListAgainError)

  await writeFile(`${file.path}.new`, '[{"name": "db", "address": "10.0.0.7", "port": 5432}]')
  await rename(`${file.path}.new`, file.path)

  await followed
  const ended = file.follow(stop.signal)
  stop.abort()
  await ended.catch(() => {})
})

function entries(count: number): string {
  return JSON.stringify({
    endpoints: Array.from({ length: count }, (_, index) => ({ name: `thing-${index}`, address: '10.0.0.7', port: 1 + index })),
  })
}

test('ten times the things are all there, and what is told twice counts once', async () => {
  await using file = await aFile(entries(250))
  assert.equal((await file.list()).items.length, 250)

  const { endpoints } = JSON.parse(entries(25))
  await writeFile(file.path, JSON.stringify([...endpoints, ...endpoints]))
  assert.equal((await file.list()).items.length, 25)
})

/** What is done to a file of which an honest listing was made. */
const lies: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  'finds no file': path => rm(path),
  'finds it emptied': path => writeFile(path, ''),
  'is half of what it should be': path => writeFile(path, entries(25).slice(0, 400)),
  'is no list': path => writeFile(path, '<html>maintenance</html>'),
  'finds a folder': path => rm(path).then(() => mkdir(path)),
  'never comes': path => rm(path).then(() => promisify(execFile)('mkfifo', [path])),
}
for (const [how, lie] of Object.entries(lies))
  test(`a listing that ${how} is never complete, and removes nothing`, { timeout: 60_000 }, async () => {
    await using file = await aFile(entries(25))
    const honest = await file.list()

    await lie(file.path)

    await assertNeverBelieved(honest, () => file.list())
  })

test('who is denied is told so', async t => {
  if (process.getuid?.() === 0) return t.skip('nothing is denied to root')
  await using file = await aFile(entries(1))
  await chmod(file.path, 0)

  await assert.rejects(file.list(), { name: 'SourceCallError', what: 'denied' })
})

test('a complete listing without anything in it removes nothing that was there before', async () => {
  await using file = await aFile(entries(25))
  const honest = await file.list()

  await writeFile(file.path, 'endpoints: []')

  assertEmptyRemovesNothing(honest, await file.list())
})
