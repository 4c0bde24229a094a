import assert from 'node:assert/strict'
import { test } from 'node:test'
import { overview } from './overview.ts'
import { aDataplane, aService } from './test-support.ts'

const healthy = (zone: string, healthy: number, total: number) => ({
  ...aService('pay', { zone }),
  status: { dataplaneProxies: { connected: total, healthy, total } },
})

test('when all is well there is nothing to do', () => {
  const proxy = { dataplane: aDataplane('web-1'), connected: true, ready: true, reason: '' }
  const { problems, proxies } = overview([{ name: 'east', online: true }], [healthy('east', 1, 1)], [proxy])

  assert.deepEqual(problems, [])
  assert.deepEqual(proxies, { total: 1, connected: 1, ready: 1 })
})

test('a service of several zones is one line, and a problem only when no zone has a healthy instance', () => {
  const { services, problems } = overview([], [healthy('east', 0, 2), healthy('west', 1, 1)], [])
  assert.deepEqual(services, [
    {
      mesh: 'default',
      name: 'pay',
      zones: [
        { zone: 'east', healthy: 0, total: 2 },
        { zone: 'west', healthy: 1, total: 1 },
      ],
    },
  ])
  assert.deepEqual(problems, [])

  const dead = overview([], [healthy('east', 0, 2), healthy('west', 0, 1)], [])
  assert.deepEqual(
    dead.problems.map(problem => problem.about),
    ['service default/pay'],
  )
})

test('problems say what about, why, and what to do: zones first, proxies last', () => {
  const proxy = { dataplane: aDataplane('web-1'), connected: false, ready: false, reason: 'its proxy is disconnected' }
  const zones = [
    { name: 'east', online: false, lastHeard: '2026-01-01T00:00:00.000Z' },
    { name: 'west', online: true, error: 'Dataplane x was refused: y' },
  ]

  const { problems } = overview(zones, [healthy('east', 0, 0)], [proxy])

  assert.deepEqual(
    problems.map(({ about, what }) => `${about}: ${what}`),
    [
      'Zone east: not connected, last heard at 2026-01-01T00:00:00.000Z',
      'Zone west: Dataplane x was refused: y',
      'service default/pay: no instance is healthy in any zone',
      'Dataplane default/web-1: its proxy is disconnected',
    ],
  )
  assert.ok(problems.every(problem => problem.fix !== ''))
})
