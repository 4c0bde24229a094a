import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capacity } from './service-capacity.ts'
import { aService, written } from './test-support.ts'

const counts = (healthy: number, total = 100) => ({ healthy, total, weight: healthy })
const service = aService('pay', { zone: 'east' })

function check(before: number, after: number, expected: 'changed' | 'unchanged'): void {
  const first = capacity(service, 'east', counts(before), undefined)
  assert.ok(first.kind === 'changed')
  assert.equal(capacity(service, 'east', counts(after), written(first.draft)).kind, expected, `${before} → ${after}`)
}

test('capacity is written when it is first known', () => {
  const first = capacity(service, 'east', { healthy: 2, total: 3, weight: 2 }, undefined)

  assert.ok(first.kind === 'changed')
  assert.deepEqual([first.draft.name, first.draft.spec], ['pay', { service: 'pay', healthy: 2, total: 3, weight: 2 }])
  assert.equal(first.draft.labels['kuma.io/zone'], 'east')
})

test('small changes are not written, large ones are', () => {
  check(100, 100, 'unchanged')
  check(100, 90, 'unchanged')
  check(100, 89, 'changed')
  check(100, 110, 'unchanged')
  check(100, 111, 'changed')
  check(3, 2, 'changed')
})

test('the last instance and the first one are always written', () => {
  check(1, 0, 'changed')
  check(0, 1, 'changed')
  check(0, 0, 'unchanged')
})
