import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryStreamPair } from '../std/memory-stream.ts'
import { relay } from './relay.ts'

test('messages go both ways, and an end on either side ends the other', async () => {
  const near = memoryStreamPair()
  const far = memoryStreamPair()
  let sent = 0
  const done = relay(near.server, async () => far.client, { onSent: () => sent++ })

  near.client.send(Buffer.from('ask'))
  const [asked] = await next(far.server.messages)
  far.server.send(Buffer.from('answer'))
  const [answered] = await next(near.client.messages)
  far.server.end({ code: 'UNAVAILABLE', message: 'restarting' })
  await done

  assert.deepEqual([String(asked), String(answered), sent], ['ask', 'answer', 1])
  assert.deepEqual(await near.client.closed, { code: 'UNAVAILABLE', message: 'restarting' })
})

test('a zone that cannot be reached ends the stream, so that it is tried again', async () => {
  const near = memoryStreamPair()

  await relay(near.server, async () => {
    throw new Error('connection refused')
  })

  assert.deepEqual(await near.client.closed, { code: 'UNAVAILABLE', message: 'connection refused' })
})

test('a client that goes away while the zone is dialled is not waited for', async () => {
  const near = memoryStreamPair()
  const done = relay(
    near.server,
    signal => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('gone')))),
  )

  near.client.end({ code: 'CANCELLED', message: '' })

  await done
})

async function next(messages: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  for await (const message of messages) return [message]
  return []
}
