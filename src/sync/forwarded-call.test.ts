import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../std/clock.ts'
import { memoryStreamPair } from '../std/memory-stream.ts'
import { answerForwardedCall, forwardCall } from './forwarded-call.ts'
import { ReverseCallError, ReverseCaller } from './reverse-call.ts'

/** The replica that a zone is connected to, which answers as given. */
class OtherReplica extends ReverseCaller {
  readonly answer: (zone: string, method: string, body: unknown) => unknown

  constructor(answer: OtherReplica['answer']) {
    super(new ManualClock())
    this.answer = answer
  }

  override async call(zone: string, method: string, body: unknown): Promise<unknown> {
    return this.answer(zone, method, body)
  }
}

const question = { zone: 'east', method: 'inspect', body: { name: 'web' }, replica: '10.0.0.1:5685 (instance a)' }

function askThrough(other: ReverseCaller, clock = new ManualClock()): Promise<unknown> {
  const connect = (_path: string, given: Readonly<Record<string, string>>) => {
    const { client, server } = memoryStreamPair({ metadata: given })
    void answerForwardedCall(server, other)
    return client
  }
  return forwardCall(question, connect, clock)
}

test('what the zone answers comes through the other replica, and so does why it does not', async () => {
  const asked: unknown[] = []
  const answering = new OtherReplica((...question) => {
    asked.push(question)
    return { is: 'there' }
  })
  const refusing = new OtherReplica(() => {
    throw new ReverseCallError('SKERRY_ZONE_REFUSED', 'no such proxy')
  })

  assert.deepEqual(await askThrough(answering), { is: 'there' })
  assert.deepEqual(asked, [['east', 'inspect', { name: 'web' }]])
  await assert.rejects(askThrough(refusing), { code: 'SKERRY_ZONE_REFUSED', message: 'no such proxy' })
})

test('a replica that cannot be asked is named, with what to do', async () => {
  const connect = () => Promise.reject(new Error('connection refused'))
  await assert.rejects(forwardCall(question, connect, new ManualClock()), {
    code: 'SKERRY_REPLICA_SILENT',
    message: /10\.0\.0\.1:5685 \(instance a\).*connection refused.*--replica-address/,
  })
})

test('a replica that does not answer is given up', async () => {
  const clock = new ManualClock()
  const asked = askThrough(new OtherReplica(() => new Promise(() => {})), clock)
  const rejected = assert.rejects(asked, { code: 'SKERRY_REPLICA_SILENT' })
  await clock.run(8_000)
  await rejected
})
