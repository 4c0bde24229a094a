import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PersistentMap } from './persistent-map.ts'

const aChange = fc.tuple(fc.integer({ min: 0, max: 60 }).map(String), fc.option(fc.integer(), { nil: undefined }))

test('it is what a Map is after the same changes, and the maps before it stay what they were', () => {
  fc.assert(
    fc.property(fc.array(fc.array(aChange, { maxLength: 40 }), { maxLength: 40 }), commits => {
      const model = new Map<string, number>()
      let map = PersistentMap.empty<string, number>()
      const past: [PersistentMap<string, number>, Map<string, number>][] = []
      for (const changes of commits) {
        past.push([map, new Map(model)])
        map = map.with(changes)
        for (const [key, value] of changes) {
          if (value === undefined) model.delete(key)
          else model.set(key, value)
        }
        assert.equal(map.size, model.size)
      }
      for (const [then, expected] of [...past, [map, model] as const]) {
        assert.deepEqual(new Map(then), expected)
        for (let key = 0; key <= 60; key++) assert.equal(then.get(String(key)), expected.get(String(key)))
      }
    }),
  )
})

test('without changes it is the same map', () => {
  const map = PersistentMap.of([['a', 1]])
  assert.equal(map.with([]), map)
})

test('two lines from one version do not disturb each other', () => {
  const first = PersistentMap.of([
    ['a', 1],
    ['b', 2],
  ])
  const one = first.with([['a', 10]])
  const other = first.with([['b', undefined]])
  const later = one.with([['c', 3]])

  assert.deepEqual(
    [...first],
    [
      ['a', 1],
      ['b', 2],
    ],
  )
  assert.deepEqual([...other], [['a', 1]])
  assert.deepEqual([...later].sort(), [
    ['a', 10],
    ['b', 2],
    ['c', 3],
  ])
  assert.deepEqual([first.size, one.size, other.size, later.size], [2, 2, 1, 3])
})

test('a map knows which keys may be others in one that came of it', () => {
  const first = PersistentMap.of([
    ['a', 1],
    ['b', 2],
  ])
  const second = first.with([['b', 3]])
  const third = second.with([['c', 4]])

  assert.deepEqual([...first.changedUntil(third)!], ['b', 'c'])
  assert.deepEqual([...second.changedUntil(third)!], ['c'])
  assert.deepEqual([...third.changedUntil(third)!], [])
  assert.equal(third.changedUntil(first), null)
  assert.equal(third.changedUntil(first.with([['d', 5]])), null, 'a second line of versions')
})
