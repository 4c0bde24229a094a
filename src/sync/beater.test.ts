import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../std/clock.ts'
import { Beater } from './beater.ts'

function aBeater() {
  const clock = new ManualClock()
  const beats: number[] = []
  const beater = new Beater({ clock, everyMs: 5_000, minMs: 250, beat: () => beats.push(clock.monotonic()) })
  return { clock, beats, beater }
}

test('it beats at once and then at its pace', () => {
  const { clock, beats, beater } = aBeater()

  clock.advance(10_000)

  assert.deepEqual(beats, [0, 5_000, 10_000])
  beater.stop()
  assert.equal(clock.timers, 0)
})

test('a change is told at once, a storm of changes twice: at its beginning and after it', () => {
  const { clock, beats, beater } = aBeater()
  clock.advance(1_000)

  for (let count = 0; count < 100; count++) beater.changed()
  clock.advance(249)
  assert.deepEqual(beats, [0, 1_000])
  clock.advance(1)
  assert.deepEqual(beats, [0, 1_000, 1_250])

  clock.advance(5_000)
  assert.deepEqual(beats, [0, 1_000, 1_250, 6_250])
  beater.stop()
})

test('stopped, it says nothing any more', () => {
  const { clock, beats, beater } = aBeater()

  beater.stop()
  beater.changed()
  clock.advance(60_000)

  assert.deepEqual(beats, [0])
})
