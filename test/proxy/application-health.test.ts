import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ApplicationHealth } from '../../src/proxy/application-health.ts'
import { type ProbeResult, runProbe } from '../../src/proxy/probe.ts'
import { ManualClock } from '../../src/std/clock.ts'
import { settle } from './support.ts'

const up: ProbeResult = { kind: 'up' }
const down: ProbeResult = { kind: 'down', reason: 'no answer' }
const refused: ProbeResult = { kind: 'refused', reason: 'nothing listens' }

function aHealth(context: TestContext, result: ProbeResult) {
  const clock = new ManualClock()
  const state = { result, probes: 0 }
  const changes: string[] = []
  const health = new ApplicationHealth({
    inbounds: [{ name: 'main', probe: { kind: 'tcp', host: '127.0.0.1', port: 1 } }],
    clock,
    onChange: ([main]) => changes.push(main!.ready ? 'ready' : main!.reason),
    run: async () => {
      state.probes++
      return state.result
    },
  })
  context.after(() => health.close())
  const during = async (ms: number) => {
    const before = state.probes
    await clock.run(ms)
    await settle()
    return state.probes - before
  }
  return { health, state, changes, during }
}

test('an application that starts is noticed within 25 ms, one that takes long within 250 ms', async context => {
  const { health, state, changes, during } = aHealth(context, refused)
  health.start()
  await settle()

  assert.equal(await during(1000), 40)
  await during(10_000)
  assert.equal(await during(1000), 4)
  state.result = up
  await during(250)

  assert.deepEqual(changes, ['nothing listens', 'ready'])
})

test('while it answers it is asked twice a second', async context => {
  const { health, during } = aHealth(context, up)
  health.start()
  await settle()

  assert.equal(await during(5000), 10)
})

test('one failure is doubted, and asked about at once; two are believed', async context => {
  const { health, state, changes, during } = aHealth(context, up)
  health.start()
  await settle()

  state.result = down
  await during(500)
  assert.deepEqual(changes, ['ready'])
  await during(25)

  assert.deepEqual(changes, ['ready', 'no answer'])
})

test('a refused connection is believed at once', async context => {
  const { health, state, changes } = aHealth(context, up)
  health.start()
  await settle()

  state.result = refused
  health.probeNow()
  await settle()

  assert.deepEqual(changes, ['ready', 'nothing listens'])
})

test('without a probe the application is ready from the start, and never asked', async () => {
  const clock = new ManualClock()
  const health = new ApplicationHealth({ inbounds: [{ name: 'main', probe: { kind: 'none' } }], clock, onChange: () => {} })

  health.start()
  await settle()

  assert.deepEqual(health.states, [{ name: 'main', ready: true, reason: '' }])
  assert.equal(clock.timers, 0)
})

test('probes tell an open port, a closed one, and a bad answer apart', async context => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/healthy' ? 204 : 500
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  context.after(() => server.close())
  const at = { host: '127.0.0.1', port }

  assert.deepEqual(await runProbe({ kind: 'tcp', ...at }, 1000), up)
  assert.deepEqual(await runProbe({ kind: 'http', ...at, path: '/healthy' }, 1000), up)
  assert.deepEqual(await runProbe({ kind: 'http', ...at, path: '/' }, 1000), { kind: 'down', reason: 'GET / answered 500' })
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  assert.equal((await runProbe({ kind: 'tcp', ...at }, 1000)).kind, 'refused')
  assert.equal((await runProbe({ kind: 'http', ...at, path: '/' }, 1000)).kind, 'refused')
})
