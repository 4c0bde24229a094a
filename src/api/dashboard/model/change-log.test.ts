import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../../std/clock.ts'
import { ChangeLog } from './change-log.ts'
import { Due } from './due.ts'

function aLog(epoch = 'one'): ChangeLog {
  const log = new ChangeLog(epoch)
  log.start()
  return log
}

test('a reader gets each row that changed since it looked once, and nothing that it has seen', () => {
  const log = aLog()
  log.record('zones', 'aws-1', '')
  const seen = log.revision
  for (let count = 0; count < 3; count++) log.record('proxies', 'default/web', 'default')
  log.record('zones', 'aws-1', '')

  assert.deepEqual(
    log.since(seen)?.map(({ topic, id }) => `${topic} ${id}`),
    ['proxies default/web', 'zones aws-1'],
  )
  assert.deepEqual(log.since(log.revision), [])
  assert.deepEqual([log.revisionOf('proxies'), log.revisionOf('zones', 'proxies'), log.revisionOf('events')], [4, 5, 0])
})

test('what is too old is forgotten, and that is said', () => {
  const log = aLog()
  for (let count = 0; count < 20_000; count++) log.record('proxies', `default/web-${count % 10}`, 'default')
  assert.equal(log.since(1), undefined)
  assert.equal(log.since(log.revision - 5)?.length, 5)
})

test('a token is of one process: another one does not take it for its own, nor one that is still to come', () => {
  const log = aLog()
  log.record('zones', 'aws-1', '')
  assert.equal(log.read(log.token(1)), 1)
  assert.equal(log.read(log.token(2)), undefined)
  assert.equal(aLog('two').read(log.token(0)), undefined)
  assert.equal(log.read('nonsense'), undefined)
})

test('who waits is woken by the next change, or by the end', async () => {
  const log = aLog()
  const stop = new AbortController()
  const woken = log.moved(0, stop.signal)
  log.record('zones', 'aws-1', '')
  await woken
  const ended = log.moved(log.revision, stop.signal)
  stop.abort()
  await ended
})

test('who is due is told when the time has come, the latest word counts, and nobody twice', async () => {
  const clock = new ManualClock()
  const told: string[] = []
  const due = new Due(clock, owner => told.push(owner))
  const at = (ms: number) => clock.now() + ms
  due.set('late', at(600_000))
  due.set('soon', at(1_000))
  due.set('moved', at(500))
  due.set('moved', at(2_000))
  due.set('never', at(700))
  due.set('never', null)

  await clock.run(1_500)
  assert.deepEqual(told, ['soon'])
  await clock.run(1_000)
  assert.deepEqual(told, ['soon', 'moved'])
  await clock.run(600_000)
  assert.deepEqual(told, ['soon', 'moved', 'late'])
  due.set('after', at(10))
  due.close()
  assert.equal(clock.timers, 0)
})
