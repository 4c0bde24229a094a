import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LabelIndex } from './label-index.ts'

const labels = fc.dictionary(fc.constantFrom('app', 'tier', 'kuma.io/mesh'), fc.constantFrom('a', 'b'), {
  maxKeys: 3,
  noNullPrototype: true,
})
const change = fc.record({ name: fc.constantFrom('x', 'y', 'z'), after: fc.option(labels, { nil: undefined }) })

test('after any changes the index answers as if it were made anew', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 4 }), batches => {
      const present = new Map<string, Record<string, string>>()
      let index = LabelIndex.empty()
      for (const batch of batches) {
        const relabelled = batch.map(({ name, after }) => {
          const before = present.get(name)
          if (after) present.set(name, after)
          else present.delete(name)
          return { name, before, after }
        })
        index = index.with(relabelled)
      }
      for (const label of ['app', 'tier']) {
        for (const value of ['a', 'b']) {
          const expected = [...present].filter(([, labels]) => labels[label] === value).map(([name]) => name)
          assert.deepEqual([...index.candidates({ [label]: value })!].sort(), expected.sort())
          assert.equal(index.has(label, value), expected.length > 0)
        }
      }
    }),
  )
})

test('an earlier index stays as it was', () => {
  const before = LabelIndex.empty().with([{ name: 'x', before: undefined, after: { app: 'a' } }])
  before.with([{ name: 'y', before: undefined, after: { app: 'a' } }])

  assert.deepEqual([...before.candidates({ app: 'a' })!], ['x'])
})

test('labels that all of a mesh share do not narrow anything down', () => {
  const index = LabelIndex.empty().with([{ name: 'x', before: undefined, after: { 'kuma.io/mesh': 'default', app: 'a' } }])

  assert.equal(index.candidates({ 'kuma.io/mesh': 'default' }), null)
  assert.equal(index.candidates({}), null)
  assert.deepEqual([...index.candidates({ 'kuma.io/mesh': 'default', app: 'a' })!], ['x'])
})
