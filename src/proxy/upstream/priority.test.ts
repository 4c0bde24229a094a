import assert from 'node:assert/strict'
import { test } from 'node:test'
import { panicking, pickByShare, priorityShares } from './priority.ts'

const rounded = (shares: number[]) => shares.map(share => Math.round(share * 100))

test('traffic spills to the next priority as Envoy documents it', () => {
  // https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/priority
  const cases: [number[], number[]][] = [
    [
      [1, 1],
      [100, 0],
    ],
    [
      [0.72, 1],
      [100, 0],
    ],
    [
      [0.71, 1],
      [99, 1],
    ],
    [
      [0.5, 1],
      [70, 30],
    ],
    [
      [0.25, 1],
      [35, 65],
    ],
    [
      [0.25, 0.25],
      [50, 50],
    ],
    [
      [0, 1],
      [0, 100],
    ],
    [
      [0.2, 0.2, 0.1],
      [40, 40, 20],
    ],
    [
      [0.25, 0.25, 1],
      [35, 35, 30],
    ],
    [
      [0, 0],
      [0, 0],
    ],
  ]
  for (const [healthy, shares] of cases) assert.deepEqual(rounded(priorityShares(healthy, 1.4)), shares, healthy.join())
})

test('health is ignored only where few are left and the others cannot take over', () => {
  assert.deepEqual(panicking([0.25, 1], 1.4, 50), [false, false])
  assert.deepEqual(panicking([0.25, 0.25], 1.4, 50), [true, true])
  assert.deepEqual(panicking([0.6, 0], 1.4, 50), [false, true])
  assert.deepEqual(panicking([0, 0], 1.4, 0), [false, false])
})

test('a point picks by share', () => {
  assert.deepEqual(
    [0, 0.34, 0.36, 0.999].map(point => pickByShare([0.35, 0.65], point)),
    [0, 0, 1, 1],
  )
  assert.equal(pickByShare([0, 0], 0.5), -1)
  assert.equal(pickByShare([], 0.5), -1)
})
