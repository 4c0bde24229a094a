import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NewestQueue } from './newest-queue.ts'

test('a reader gets the newest of each key, in the order of their first news', async () => {
  const queue = new NewestQueue<string, number>()
  queue.push('a', 1)
  queue.push('b', 1)
  queue.push('a', 2)
  queue.close()

  assert.deepEqual(await Array.fromAsync(queue), [
    ['a', 2],
    ['b', 1],
  ])
})

test('a reader that waits is woken', async () => {
  const queue = new NewestQueue<string, number>()
  const reading = queue[Symbol.asyncIterator]().next()

  queue.push('a', 1)

  assert.deepEqual((await reading).value, ['a', 1])
})

test('a reader that falls too far behind is cut off', async () => {
  const queue = new NewestQueue<string, number>(2)
  for (const key of ['a', 'b', 'c']) queue.push(key, 1)

  await assert.rejects(Array.fromAsync(queue), { code: 'SKERRY_READER_TOO_SLOW' })
})

test('what is pushed while others are read is read too, once', async () => {
  const queue = new NewestQueue<string, number>()
  queue.push('a', 1)
  queue.push('b', 1)
  const read: [string, number][] = []

  for await (const [key, value] of queue) {
    read.push([key, value])
    if (key === 'a') {
      queue.push('b', 2)
      queue.push('c', 1)
    }
    if (read.length === 3) queue.close()
  }

  assert.deepEqual(read, [
    ['a', 1],
    ['b', 2],
    ['c', 1],
  ])
})
