import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, ManualClock } from '../../std/clock.ts'
import { Patience } from './patience.ts'

test('what has waited long enough is over when its timer fires, even if the clock is a little behind', () => {
  const manual = new ManualClock()
  // As libuv's timers and performance.now() may differ.
  const clock: Clock = {
    ...manual,
    now: () => manual.now(),
    monotonic: () => manual.monotonic() * 0.999,
    setTimeout: manual.setTimeout.bind(manual),
  }
  const item = {}
  const seen: boolean[] = []
  const patience: Patience = new Patience(clock, 1000, () => seen.push(patience.isOver(item)))

  assert.equal(patience.isOver(item), false)
  manual.advance(1000)

  assert.deepEqual(seen, [true])
  patience.close()
})
