import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../std/clock.ts'
import { seededRandom } from '../std/random.ts'
import type { Probe, ProbeResult } from './probe.ts'
import { ZoneReach } from './zone-reach.ts'

function aReach() {
  const clock = new ManualClock()
  const down = new Set<string>()
  const tried: string[] = []
  const told: string[] = []
  const probe = (asked: Probe): Promise<ProbeResult> => {
    const address = asked.kind === 'tcp' ? `${asked.host}:${asked.port}` : ''
    tried.push(address)
    return Promise.resolve(down.has(address) ? { kind: 'down', reason: 'no connection' } : { kind: 'up' })
  }
  const reach = new ZoneReach({
    probe,
    clock,
    random: seededRandom(7),
    onChange: reaches => told.push(reaches.map(it => `${it.address} ${it.reachable ? 'up' : it.reason}`).join(', ')),
  })
  return { clock, down, tried, told, reach }
}

test('an address is tried at once and every two seconds or so, and told when its answer is another', async () => {
  const { clock, down, tried, told, reach } = aReach()
  reach.watch(['10.0.0.1:10001'])
  await clock.run(10_000)
  assert.ok(tried.length >= 4 && tried.length <= 8, `${tried.length} tries in 10 s`)
  assert.deepEqual(told, ['10.0.0.1:10001 up'])

  down.add('10.0.0.1:10001')
  await clock.run(3_000)
  assert.deepEqual(told, ['10.0.0.1:10001 up', '10.0.0.1:10001 no connection'])
})

test('what is watched no more is tried no more, and what stays is not begun anew', async () => {
  const { clock, tried, reach } = aReach()
  reach.watch(['a:1', 'b:2'])
  await clock.run(100)
  reach.watch(['b:2', '[::1]:3'])
  await clock.run(100)
  assert.deepEqual(tried, ['a:1', 'b:2', '::1:3'])
  await clock.run(4_000)
  assert.equal(tried.filter(address => address === 'a:1').length, 1)

  reach.close()
  const before = tried.length
  await clock.run(10_000)
  assert.deepEqual([tried.length, clock.timers], [before, 0])
})

test('a long list is cut: nobody makes this proxy knock at a thousand doors', async () => {
  const { clock, tried, reach } = aReach()
  reach.watch(Array.from({ length: 1000 }, (_, index) => `host-${index}:1`))
  await clock.run(0)
  assert.equal(tried.length, 256)
  reach.close()
})
