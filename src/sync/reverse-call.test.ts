import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from '../std/backoff.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { memoryStreamPair } from '../std/memory-stream.ts'
import { systemRandom } from '../std/random.ts'
import { ReverseCaller, type ReverseMethods, serveReverseCalls } from './reverse-call.ts'

function aZone(caller: ReverseCaller, zone: string, methods: ReverseMethods) {
  const stop = new AbortController()
  const connect = async () => {
    const { client: atZone, server: atGlobal } = memoryStreamPair()
    void caller.accept(zone, atGlobal)
    return atZone
  }
  const backoff = new Backoff({ baseMs: 1, maxMs: 5, random: systemRandom })
  const done = serveReverseCalls({ methods, connect, backoff, clock: systemClock, log: silentLog }, stop.signal)
  return {
    stop: () => {
      stop.abort()
      return done
    },
  }
}

test('global asks the zone it means, and gets its answer or its reason', async () => {
  const caller = new ReverseCaller(systemClock)
  const a = aZone(caller, 'a', { name: () => 'zone a', fail: () => Promise.reject(new Error('no such proxy')) })
  const b = aZone(caller, 'b', { name: body => ({ zone: 'b', body }) })
  await new Promise(resolve => setTimeout(resolve, 5))

  assert.equal(await caller.call('a', 'name', {}), 'zone a')
  assert.deepEqual(await caller.call('b', 'name', [1]), { zone: 'b', body: [1] })
  await assert.rejects(caller.call('a', 'fail', {}), { code: 'SKERRY_ZONE_REFUSED', message: 'no such proxy' })
  await assert.rejects(caller.call('a', 'other', {}), /does not know "other"/)
  await assert.rejects(caller.call('c', 'name', {}), { code: 'SKERRY_ZONE_NOT_CONNECTED' })
  await Promise.all([a.stop(), b.stop()])
})

test('a question that is under way when the zone goes away fails at once', async () => {
  const caller = new ReverseCaller(systemClock)
  const zone = aZone(caller, 'a', { hang: () => new Promise(() => {}) })
  await new Promise(resolve => setTimeout(resolve, 5))

  const asked = caller.call('a', 'hang', {})
  await Promise.all([assert.rejects(asked, { code: 'SKERRY_ZONE_NOT_CONNECTED' }), zone.stop()])
})
