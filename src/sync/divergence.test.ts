import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../std/clock.ts'
import { VersionTable } from './digest.ts'
import { Divergence } from './divergence.ts'

function aDivergence() {
  const clock = new ManualClock()
  const divergence = new Divergence(clock)
  const mine = new VersionTable()
  const observe = (theirs: string) => {
    clock.advance(5_000)
    return divergence.observe({ Mesh: theirs }, new Map([['Mesh', mine]]))
  }
  return { mine, observe }
}

test('a difference that stays while nothing moves is certain after two more heartbeats', () => {
  const { observe } = aDivergence()

  assert.deepEqual([observe('1-aa'), observe('1-aa'), observe('1-aa')], [[], [], ['Mesh']])
})

test('as long as one side moves, it is only on its way', () => {
  const { mine, observe } = aDivergence()

  for (let round = 0; round < 10; round++) {
    mine.set('default.', String(round))
    assert.deepEqual(observe('1-aa'), [])
  }
  for (let round = 0; round < 10; round++) assert.deepEqual(observe(`1-${round}`), [])
})

test('when fetching everything again does not help, it is not tried at every heartbeat', () => {
  const { observe } = aDivergence()

  const rounds = Array.from({ length: 24 }, () => observe('1-aa').length)

  assert.equal(rounds.filter(Boolean).length, 2)
})

test('equal digests, and kinds that are not spoken of, are no difference', () => {
  const { mine, observe } = aDivergence()
  mine.set('default.', 'v1')

  for (let round = 0; round < 5; round++) assert.deepEqual(observe(mine.digest), [])
})
