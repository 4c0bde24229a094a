import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { SqliteStore } from '../registry/sqlite-store.ts'
import { cli, filesOf, spawnCli } from './test-support.ts'

/** A data directory with the store of zone a: two records. */
async function aStore(directory: string): Promise<SqliteStore> {
  const store = await SqliteStore.open({ file: join(directory, 'a', 'store.db'), owner: 'zone a' })
  await store.commit([
    { kind: 'put', key: { kind: 'Mesh', mesh: '', name: 'default' }, value: '{}' },
    { kind: 'put', key: { kind: 'Dataplane', mesh: 'default', name: 'web-1' }, value: '{}' },
  ])
  return store
}

test('a store is verified and backed up beside a running control plane, and restored when that is stopped', async () => {
  await using files = await filesOf({})
  const store = await aStore(files.path)

  // As processes of their own: within the one that has the store open they would drop its lock.
  const verified = await spawnCli(['store', 'verify', join(files.path, 'a')])
  const backedUp = await spawnCli(['store', 'backup', join(files.path, 'a'), '--out', join(files.path, 'backup'), '-o', 'json'])
  const inUse = await spawnCli(['store', 'restore', join(files.path, 'backup'), '--data', join(files.path, 'a'), '--force'])
  await store.commit([{ kind: 'put', key: { kind: 'Mesh', mesh: '', name: 'later' }, value: '{}' }])
  await store.close()
  const withoutForce = await cli(['store', 'restore', 'backup', '--data', 'a'], { cwd: files.path })
  const restored = await cli(['store', 'restore', 'backup', '--data', 'a', '--force', '-o', 'json'], { cwd: files.path })

  assert.deepEqual([verified.code, verified.err], [0, ''])
  assert.match(
    verified.out,
    /^sound: .*\n.*store\.db, of zone a: revision 1, 2 records, \d+ bytes\nKIND +RECORDS\nDataplane +1\nMesh +1\n$/,
  )
  const report = JSON.parse(backedUp.out)
  assert.deepEqual([report.records, report.kinds, report.owner], [2, { Dataplane: 1, Mesh: 1 }, 'zone a'])
  assert.deepEqual([inUse.code, /code: SKERRY_STORE_LOCKED/.test(inUse.err)], [75, true])
  assert.deepEqual([withoutForce.code, /--force/.test(withoutForce.err)], [5, true])
  assert.deepEqual([restored.code, JSON.parse(restored.out).records], [0, 2])
  const reopened = await SqliteStore.open({ file: join(files.path, 'a', 'store.db'), owner: 'zone a' })
  assert.equal((await reopened.load()).records.length, 2)
  await reopened.close()
})

test('a damaged store is said to be damaged, with exit code 65 and what to do', async () => {
  await using files = await filesOf({})
  await (await aStore(files.path)).close()
  const file = join(files.path, 'a', 'store.db')
  const bytes = await readFile(file)
  bytes[bytes.indexOf('web-1')]! ^= 2
  await writeFile(file, bytes)

  const verified = await cli(['store', 'verify', 'a'], { cwd: files.path })
  const missing = await cli(['store', 'verify', 'nowhere'], { cwd: files.path })

  assert.equal(verified.code, 65)
  assert.match(verified.err, /is damaged: record 2 .*\nfix: Put back a backup with: skerry store restore .*\ncode: SKERRY_STORE_DAMAGED/)
  assert.deepEqual([missing.code, /code: SKERRY_STORE_MISSING/.test(missing.err)], [4, true])
})
