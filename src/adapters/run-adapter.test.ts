import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { seededRandom } from '../std/random.ts'
import {
  type Adapter,
  type Change,
  ListAgainError,
  type Listing,
  type OpenAdapter,
  type Scope,
  SourceCallError,
  SourceConfigError,
} from './adapter.ts'
import { Budgets } from './budget.ts'
import type { Decision } from './guard/state.ts'
import { RunningSource } from './run-adapter.ts'
import { aListing, anItem } from './test-support.ts'

const intervalMs = 60_000

/** A source whose adapter does what a test says. */
function aSource(over: Partial<OpenAdapter> & { open?: () => Promise<void> } = {}) {
  const clock = new ManualClock()
  const listedAt: number[] = []
  const decisions: Decision[] = []
  const told = { items: [anItem('a'), anItem('b')], scopes: [{ id: 's', locality: {} }] as readonly Scope[] }
  const adapter: Adapter = {
    type: 'File',
    intervalMs,
    open: async (_, deps) => {
      await over.open?.()
      return {
        scopes: async () => ({ complete: true, missing: [], scopes: told.scopes }),
        [Symbol.asyncDispose]: async () => {},
        ...over,
        list: async (scope, signal): Promise<Listing> => {
          listedAt.push(clock.monotonic())
          await deps.budget.take({ key: 'k', perSecond: 100, burst: 100 }, signal)
          return over.list ? await over.list(scope, signal) : aListing(told.items)
        },
      }
    },
  }
  const source = new RunningSource({
    source: { mesh: 'default', name: 'test', spec: { type: 'File', file: { path: '/x' } } },
    load: async () => adapter,
    secret: async () => new Uint8Array(),
    budgets: new Budgets(clock),
    fingerprint: (_, id) => id,
    restored: new Map(),
    identities: new Map(),
    scopeKey: scope => scope,
    clock,
    random: seededRandom(7),
    log: silentLog,
    publish: (_, decision) => decisions.push(decision),
    onStatus: () => {},
  })
  const close = async () => {
    const closed = source[Symbol.asyncDispose]()
    await clock.run(0)
    await closed
  }
  return { clock, source, told, listedAt, decisions, scope: () => source.status().scopes[0], [Symbol.asyncDispose]: close }
}

test('listings come an interval apart, with a fifth more or less, and tell what they cost', async () => {
  await using it = aSource()

  await it.clock.run(20 * intervalMs)

  const gaps = it.listedAt.slice(1).map((at, index) => at - it.listedAt[index]!)
  assert.ok(gaps.length >= 16)
  assert.ok(
    gaps.every(gap => gap >= intervalMs * 0.79 && gap <= intervalMs * 1.21),
    gaps.join(),
  )
  assert.ok(new Set(gaps.map(Math.round)).size > 5)
  const { state, workloads, calls, pages } = it.scope()!
  assert.deepEqual({ state, workloads, calls, pages }, { state: 'Synced', workloads: 2, calls: 1, pages: 1 })
})

test('after failures it waits longer and longer, up to five minutes, and what was found stays', async () => {
  let fails = false
  await using it = aSource({
    list: async () => {
      if (fails) throw new SourceCallError('unreachable', 'no answer')
      return aListing([anItem('a')])
    },
  })
  await it.clock.run(1000)
  fails = true

  await it.clock.run(3_600_000)

  const status = it.scope()!
  assert.deepEqual([status.state, status.reason, status.workloads], ['Failing', 'no answer', 1])
  const gaps = it.listedAt.slice(2).map((at, index) => at - it.listedAt[index + 1]!)
  assert.ok(gaps.length < 60, `${gaps.length} attempts in an hour`)
  assert.ok(Math.max(...gaps) <= 300_001 && Math.max(...gaps) > 60_000)
})

test('it comes back no sooner than the platform asks', async () => {
  await using it = aSource({
    list: async () => {
      throw new SourceCallError('throttled', 'slow down', { retryAfterMs: 120_000 })
    },
  })

  await it.clock.run(119_000)
  assert.equal(it.listedAt.length, 1)
  await it.clock.run(3000)
  assert.equal(it.listedAt.length, 2)
})

test('a listing that never ends is given up, and the next one is made', async () => {
  await using it = aSource({ list: () => new Promise(() => {}) })

  await it.clock.run(302_000)

  assert.equal(it.listedAt.length, 2)
  assert.match(it.scope()!.lastError!.message, /no end of it/)
})

test('a defect of an adapter is a failure of its scope alone', async () => {
  await using it = aSource({
    list: async () => {
      throw new TypeError('undefined is not a function')
    },
  })

  await it.clock.run(1000)

  assert.deepEqual([it.scope()!.state, it.scope()!.lastError!.what], ['Failing', 'unexpected'])
})

test('what can no longer be followed is listed again at once', async () => {
  let tell: (changes: readonly Change[]) => void = () => {}
  let fail: (error: Error) => void = () => {}
  await using it = aSource({
    follow: (_scope, _cursor, report, signal) => {
      tell = report
      return new Promise((resolve, reject) => {
        fail = reject
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    },
  })
  await it.clock.run(1000)
  assert.equal(it.scope()!.follows, true)
  tell([{ kind: 'gone', gone: { id: 'b', reason: 'deleted' } }])
  assert.equal(it.scope()!.workloads, 1)

  fail(new ListAgainError('too old'))
  await it.clock.run(1500)

  assert.equal(it.listedAt.length, 2)
  assert.deepEqual([it.scope()!.state, it.scope()!.follows], ['Synced', true])
})

test('what a listing lacks is asked for: proof removes it at once, and what is there stays without suspicion', async () => {
  const asked: string[][] = []
  await using it = aSource({
    confirm: async (_, ids) => {
      asked.push([...ids])
      return new Map([['b', { id: 'b', reason: 'MISSING' }]])
    },
  })
  await it.clock.run(1000)
  it.told.items = [anItem('a')]

  await it.clock.run(intervalMs * 1.3)

  assert.deepEqual(asked, [['b']])
  assert.deepEqual(
    it.decisions.flatMap(({ removed }) => removed.map(({ evidence }) => evidence)),
    ['proof'],
  )
})

test('a suspended scope is not asked, and goes on when it is back', async () => {
  await using it = aSource()
  await it.clock.run(1000)
  it.told.scopes = [{ id: 's', locality: {}, suspended: 'the cluster is stopped' }]
  await it.clock.run(intervalMs * 3)
  const { length } = it.listedAt
  await it.clock.run(intervalMs * 5)

  assert.equal(it.listedAt.length, length)
  assert.deepEqual([it.scope()!.state, it.scope()!.reason, it.scope()!.workloads], ['Suspended', 'the cluster is stopped', 2])
  it.told.scopes = [{ id: 's', locality: {} }]
  await it.clock.run(intervalMs * 2.5)
  assert.equal(it.scope()!.state, 'Synced')
})

test('a source that cannot be opened says why, and is tried again', async () => {
  let attempts = 0
  await using it = aSource({
    open: async () => {
      if (++attempts < 3) throw new SourceConfigError('aws.regions[0]', 'moon is no region')
    },
  })

  await it.clock.run(1)
  assert.equal(it.source.status().error, 'aws.regions[0]: moon is no region')
  await it.clock.run(10_000)

  assert.deepEqual([it.source.status().error, it.scope()!.state], ['', 'Synced'])
})

test('many things are heard in parts, and are all there', async () => {
  await using it = aSource({ list: async () => aListing(Array.from({ length: 3500 }, (_, index) => anItem(`t${index}`))) })

  for (let turn = 0; turn < 20; turn++) await it.clock.run(100)

  assert.equal(it.scope()!.workloads, 3500)
  assert.equal(it.scope()!.state, 'Synced')
})
