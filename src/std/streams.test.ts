import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryStreamPair } from './memory-stream.ts'
import type { MessageStream } from './message-stream.ts'

async function all(stream: MessageStream): Promise<string[]> {
  const messages: string[] = []
  for await (const message of stream.messages) messages.push(Buffer.from(message).toString())
  return messages
}

test('memory stream: messages arrive in order, in both directions', async () => {
  const { client, server } = memoryStreamPair({ metadata: { Authorization: 'Bearer abc' } })
  client.send(Buffer.from('1'))
  client.send(Buffer.from('2'))
  server.send(Buffer.from('3'))

  client.end()
  const received = await all(server)
  server.end()

  assert.deepEqual(received, ['1', '2'])
  assert.deepEqual(await all(client), ['3'])
  assert.equal(server.metadata.get('authorization'), 'Bearer abc')
  assert.equal((await client.closed).code, 'OK')
  assert.equal((await server.closed).code, 'OK')
})

test('memory stream: what was sent before a refusal is read before it', async () => {
  const { client, server } = memoryStreamPair()
  server.send(Buffer.from('1'))
  server.end({ code: 'NOT_FOUND', message: 'no such zone' })
  const received: string[] = []

  await assert.rejects(async () => {
    for await (const message of client.messages) received.push(Buffer.from(message).toString())
  }, /NOT_FOUND: no such zone/)

  assert.deepEqual(received, ['1'])
})

test('memory stream: a client that breaks off is cancelled for the server, whatever it says', async () => {
  const { client, server } = memoryStreamPair()

  client.end({ code: 'INTERNAL', message: 'of no interest' })

  assert.equal((await server.closed).code, 'CANCELLED')
})

test('memory stream: a reader that stops makes the writer wait', async () => {
  const { client, server } = memoryStreamPair()
  let sent = 1
  while (client.send(Buffer.from('x'))) sent++
  let isDrained = false
  void client.drained().then(() => {
    isDrained = true
  })
  await Promise.resolve()
  assert.equal(isDrained, false)

  client.end()
  assert.equal((await all(server)).length, sent)
  assert.equal(isDrained, true)
})
