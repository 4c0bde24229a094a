import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LiveFacts } from './live.ts'

describe('live facts', () => {
  test('tell each change with the value before it, and nothing when a value stays the same', () => {
    const facts = new LiveFacts<string, { ready: boolean }>()
    const told: unknown[] = []
    facts.onChange((...change) => told.push(change))
    const ready = { ready: true }
    const draining = { ready: false }

    facts.set('a', ready)
    facts.set('a', ready)
    facts.update('a', current => (current === ready ? draining : current))
    facts.update('a', current => current)
    facts.update('b', current => current)
    facts.delete('b')
    facts.delete('a')

    assert.deepEqual(told, [
      ['a', ready, undefined],
      ['a', draining, ready],
      ['a', undefined, draining],
    ])
    assert.equal(facts.size, 0)
  })

  test('are what they were set to when a listener asks', () => {
    const facts = new LiveFacts<string, number>()
    facts.onChange((key, value) => assert.equal(facts.get(key), value))

    facts.set('a', 1)
    facts.update('a', (current = 0) => current + 1)

    assert.deepEqual([...facts.entries()], [['a', 2]])
    facts.update('a', () => undefined)
  })

  test('are not told any more to a listener that has left', () => {
    const facts = new LiveFacts<string, number>()
    let count = 0
    const leave = facts.onChange(() => {
      count++
      leave()
    })

    facts.set('a', 1)
    facts.set('a', 2)

    assert.equal(count, 1)
  })
})
