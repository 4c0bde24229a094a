import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../std/clock.ts'
import { Alarm, TimerWheel } from './wheel.ts'

function aWheel() {
  const clock = new ManualClock()
  const fired: string[] = []
  const wheel = new TimerWheel(clock, error => fired.push(`fault ${error}`))
  const alarm = (name: string, then?: () => void) =>
    new Alarm(() => {
      fired.push(`${name} ${clock.monotonic()}`)
      then?.()
    })
  return { clock, wheel, fired, alarm }
}

test('an alarm goes off after its time, never before, and at most one tick late', () => {
  const { clock, wheel, fired, alarm } = aWheel()
  clock.advance(130)

  wheel.set(alarm('a'), 100)
  wheel.set(alarm('b'), 1000)
  clock.advance(99)
  assert.deepEqual(fired, [])
  clock.advance(2000)

  assert.deepEqual(fired, ['a 300', 'b 1200'])
})

test('an alarm that is cleared or set again does not go off at its first time', () => {
  const { clock, wheel, fired, alarm } = aWheel()
  const [a, b] = [alarm('a'), alarm('b')]
  wheel.set(a, 100)
  wheel.set(b, 100)

  wheel.clear(a)
  wheel.set(b, 500)
  clock.advance(1000)

  assert.deepEqual(fired, ['b 600'])
})

test('times beyond a whole turn are kept', () => {
  const { clock, wheel, fired, alarm } = aWheel()
  wheel.set(alarm('a'), 300_000)

  clock.advance(299_999)
  assert.deepEqual(fired, [])
  clock.advance(200)

  assert.equal(fired.length, 1)
})

test('an action may set and clear alarms of its own tick', () => {
  const { clock, wheel, fired, alarm } = aWheel()
  const second = alarm('second')
  const again: Alarm = alarm('first', () => {
    wheel.clear(second)
    if (fired.length < 3) wheel.set(again, 0)
  })
  wheel.set(again, 50)
  wheel.set(second, 50)

  clock.advance(1000)

  assert.deepEqual(fired, ['first 100', 'first 200', 'first 300'])
})

test('an action that throws keeps no other from going off', () => {
  const { clock, wheel, fired, alarm } = aWheel()
  wheel.set(
    alarm('a', () => {
      throw 'broken'
    }),
    10,
  )
  wheel.set(alarm('b'), 10)

  clock.advance(200)

  assert.deepEqual(fired, ['a 100', 'fault broken', 'b 100'])
})

test('no timer runs while nothing is set', () => {
  const { clock, wheel, alarm } = aWheel()
  const a = alarm('a')
  wheel.set(a, 150)
  clock.advance(500)

  assert.equal(clock.timers, 0)
})
