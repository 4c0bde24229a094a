import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ManualClock } from '../std/clock.ts'
import { Budgets } from './budget.ts'

const limit = { key: 'aws/1/eu/ecs', perSecond: 5, burst: 10 }
const never = new AbortController().signal

test('a burst goes at once, and then as many a second as allowed, whoever asks', async () => {
  const clock = new ManualClock()
  const budgets = new Budgets(clock)
  let taken = 0
  for (const source of ['a', 'b'])
    for (let call = 0; call < 20; call++)
      void budgets
        .of(source)
        .take(limit, never)
        .then(() => taken++)

  await clock.run(0)
  assert.equal(taken, 10)
  await clock.run(1000)
  assert.equal(taken, 15)
  await clock.run(5000)
  assert.equal(taken, 40)
})

test('sources take turns: one with many calls to make does not keep another waiting', async () => {
  const clock = new ManualClock()
  const budgets = new Budgets(clock)
  const served: string[] = []
  for (let call = 0; call < 50; call++)
    void budgets
      .of('large')
      .take(limit, never)
      .then(() => served.push('large'))
  await clock.run(0)
  for (let call = 0; call < 3; call++)
    void budgets
      .of('small')
      .take(limit, never)
      .then(() => served.push('small'))

  await clock.run(1200)

  assert.equal(served.slice(10, 16).filter(source => source === 'small').length, 3)
})

test('after a refusal nobody calls before its time is over, and longer with each that follows', async () => {
  const clock = new ManualClock()
  const budgets = new Budgets(clock)
  const budget = budgets.of('a')
  await budget.take(limit, never)
  budget.throttled(limit, 3000)
  let taken = 0
  void budgets
    .of('b')
    .take(limit, never)
    .then(() => taken++)

  await clock.run(2999)
  assert.equal(taken, 0)
  await clock.run(1)
  assert.equal(taken, 1)

  const rests = [1, 2, 3].map(() => {
    budget.throttled(limit)
    const { restsForMs } = budgets.use()[0]!
    clock.advance(restsForMs)
    return restsForMs
  })
  assert.ok(rests[0]! < rests[1]! && rests[1]! < rests[2]!, rests.join())
})

test('who gives up while waiting is told so, and holds nobody up', async () => {
  const clock = new ManualClock()
  const budget = new Budgets(clock).of('a')
  for (let call = 0; call < 10; call++) await budget.take(limit, never)
  const giveUp = new AbortController()
  const waiting = budget.take(limit, giveUp.signal)
  let next = false
  void budget.take(limit, never).then(() => {
    next = true
  })

  giveUp.abort(new Error('enough'))

  await assert.rejects(waiting, /enough/)
  await clock.run(200)
  assert.ok(next)
})

test('a source may ask for less than its share, which then holds for the limit', async () => {
  const clock = new ManualClock()
  const budget = new Budgets(clock).of('a', 0.5)
  let taken = 0
  for (let call = 0; call < 5; call++) void budget.take(limit, never).then(() => taken++)

  await clock.run(0)
  assert.equal(taken, 1)
  await clock.run(4000)
  assert.equal(taken, 3)
})

test('however calls come, no more are let through than the limit allows', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 60 }), async gaps => {
      const clock = new ManualClock()
      const budgets = new Budgets(clock)
      const times: number[] = []
      for (const [index, gap] of gaps.entries()) {
        void budgets
          .of(`s${index % 3}`)
          .take(limit, never)
          .then(() => times.push(clock.monotonic()))
        await clock.run(gap)
      }
      await clock.run(20_000)
      assert.equal(times.length, gaps.length)
      for (const [index, from] of times.entries()) {
        const within = times.slice(index).filter(time => time - from <= 1000).length
        assert.ok(within <= limit.burst + limit.perSecond + 1, `${within} within a second`)
      }
    }),
    { numRuns: 30 },
  )
})
