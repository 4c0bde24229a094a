import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ManualClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import type { AcceptedResource } from './control.ts'
import { SavedState } from './saved-state.ts'

const resource: AcceptedResource = { typeUrl: 'type.googleapis.com/a.B', name: 'x', version: 'v1', value: Uint8Array.of(1, 2, 3) }
const identity = { chainPem: 'chain', keyPem: 'secret key', spiffeId: 'spiffe://a/web', notAfterMs: 2_000_000_000_000, renewAtMs: 1 }

async function aState(context: TestContext, options: { owner?: string; directory?: string; clock?: ManualClock } = {}) {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'skerry-state-')))
  context.after(() => rm(directory, { recursive: true, force: true }))
  const warnings: string[] = []
  const log = { ...silentLog, warn: (_event: string, fields?: Record<string, unknown>) => warnings.push(String(fields?.reason)) }
  const state = new SavedState({
    directory,
    owner: options.owner ?? 'default.web-1',
    clock: options.clock ?? new ManualClock(),
    log: log as never,
  })
  return { state, directory, warnings }
}

test('what was saved is there after a restart, for this user only', async context => {
  const { state, directory } = await aState(context)
  state.saveResources(() => [resource])
  await state.saveIdentity(identity)
  await state.close()

  const again = await aState(context, { directory })

  assert.deepEqual(
    (await again.state.loadResources()).map(it => ({ ...it, value: new Uint8Array(it.value) })),
    [resource],
  )
  assert.deepEqual(await again.state.loadIdentity(), identity)
  for (const file of ['config.state', 'identity.state']) assert.equal((await stat(join(directory, file))).mode & 0o777, 0o600)
})

test('of many changes the last is written, soon', async context => {
  const clock = new ManualClock()
  const { state, directory } = await aState(context, { clock })
  for (let i = 0; i < 100; i++) state.saveResources(() => [{ ...resource, version: `v${i}` }])

  assert.equal(clock.timers, 1)
  clock.advance(500)
  await state.close()

  assert.equal((await (await aState(context, { directory })).state.loadResources())[0]?.version, 'v99')
})

test('without a file there is nothing, and no warning', async context => {
  const { state, warnings } = await aState(context)

  assert.deepEqual(await state.loadResources(), [])
  assert.equal(await state.loadIdentity(), null)
  assert.deepEqual(warnings, [])
})

for (const [what, damage] of [
  ['a flipped bit', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.of(bytes.at(-1)! ^ 1)])],
  ['a missing end', (bytes: Buffer) => bytes.subarray(0, -1)],
  ['an empty file', () => Buffer.alloc(0)],
  ['something else', () => Buffer.from('hello\nworld')],
  ['a later format', (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace('"format":1', '"format":2'), 'latin1')],
] as const) {
  test(`${what} is found, and nothing of it is used`, async context => {
    const { state, directory } = await aState(context)
    state.saveResources(() => [resource])
    await state.close()
    const file = join(directory, 'config.state')
    await writeFile(file, damage(await readFile(file)))

    const again = await aState(context, { directory })

    assert.deepEqual(await again.state.loadResources(), [])
    assert.equal(again.warnings.length, 1)
  })
}

test('state of another proxy is left alone', async context => {
  const { state, directory } = await aState(context)
  await state.saveIdentity(identity)

  const other = await aState(context, { directory, owner: 'default.web-2' })

  assert.equal(await other.state.loadIdentity(), null)
  assert.deepEqual(other.warnings, ['it belongs to default.web-1'])
})

test('a certificate that has ended is not used', async context => {
  const { state, directory } = await aState(context)
  await state.saveIdentity(identity)

  const later = await aState(context, { directory, clock: new ManualClock(identity.notAfterMs) })

  assert.equal(await later.state.loadIdentity(), null)
})
