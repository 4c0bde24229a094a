import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from './backoff.ts'
import { ManualClock, sleep } from './clock.ts'
import { seededRandom } from './random.ts'

test('a manual clock fires what falls due, in order, also what that starts', () => {
  const clock = new ManualClock(1000)
  const fired: string[] = []
  clock.setTimeout(() => fired.push(`late at ${clock.now()}`), 20)
  clock.setTimeout(() => {
    fired.push(`early at ${clock.now()}`)
    clock.setTimeout(() => fired.push(`started at ${clock.now()}`), 5)
  }, 10)
  clock.setTimeout(() => fired.push('never'), 15).cancel()
  clock.setTimeout(() => fired.push('not yet'), 100)

  clock.advance(30)

  assert.deepEqual(fired, ['early at 1010', 'started at 1015', 'late at 1020'])
  assert.equal(clock.monotonic(), 30)
  assert.equal(clock.timers, 1)
})

test('a sleep ends at once when it is aborted, and leaves no timer', async () => {
  const clock = new ManualClock()
  const abort = new AbortController()
  const sleeping = sleep(clock, 1000, abort.signal)

  abort.abort()
  await sleeping

  assert.equal(clock.timers, 0)
})

test('waits double up to their bound, and each is anywhere below', () => {
  const bounds = new Backoff({ baseMs: 100, maxMs: 1000, random: { next: () => 1 } })
  const waits = new Backoff({ baseMs: 100, maxMs: 1000, random: seededRandom(1) })

  assert.deepEqual(
    Array.from({ length: 6 }, () => bounds.nextMs()),
    [100, 200, 400, 800, 1000, 1000],
  )
  assert.ok(Array.from({ length: 100 }, () => waits.nextMs()).some(ms => ms < 300))
  bounds.reset()
  assert.equal(bounds.nextMs(), 100)
})

test('the same seed gives the same sequence', () => {
  const [a, b] = [seededRandom(42), seededRandom(42)]

  const first = Array.from({ length: 1000 }, () => a.next())

  assert.deepEqual(
    first,
    Array.from({ length: 1000 }, () => b.next()),
  )
  assert.ok(first.every(x => x >= 0 && x < 1))
})
