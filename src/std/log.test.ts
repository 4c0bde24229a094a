import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from './log.ts'

function written(format: 'json' | 'text', use: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = []
  use(createLog({ name: 'zone aws-1', format, write: line => lines.push(line) }))
  return lines
}

test('a line is an event with its fields', () => {
  const [line] = written('json', log => log.child({ adapter: 'ecs' }).warn('listing failed', { retryInMs: 100 }))

  const { time, ...rest } = JSON.parse(line!)
  assert.deepEqual(rest, { level: 'warn', name: 'zone aws-1', adapter: 'ecs', retryInMs: 100, event: 'listing failed' })
  assert.match(time, /^\d{4}-\d\d-\d\dT/)
})

test('an error of ours is written as message and code, an unexpected one with its stack', () => {
  const ours = Object.assign(new Error('taken', { cause: new Error('EADDRINUSE') }), { code: 'SKERRY_PORT_TAKEN' })
  const lines = written('json', log => {
    log.error('failed', { error: ours })
    log.error('failed', { error: new TypeError('x is not a function') })
  })

  const [first, second] = lines.map(line => JSON.parse(line).error)
  assert.deepEqual([first.message, first.code, first.stack], ['taken', 'SKERRY_PORT_TAKEN', undefined])
  assert.equal(first.cause.message, 'EADDRINUSE')
  assert.match(second.stack, /log\.test\.ts/)
})

test('text is for people', () => {
  const [line] = written('text', log => log.info('listening', { address: '127.0.0.1:5681', connections: 0 }))

  assert.match(line!, /^\d\d:\d\d:\d\d\.\d{3} info {2}zone aws-1: listening address=127\.0\.0\.1:5681 connections=0\n$/)
})

test('below its level nothing is written', () => {
  assert.deepEqual(
    written('json', log => log.debug('noise')),
    [],
  )
})
