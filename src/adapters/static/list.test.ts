import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
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
