import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { commitInParts, partBytes } from './commit-parts.ts'
import { CommitTooLargeError } from './store.ts'

test('everything is written, once and in order, whatever a store takes at once', async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: partBytes * 2 }), { maxLength: 40 })
  const limits = fc.integer({ min: 1, max: partBytes * 3 })
  await fc.assert(
    fc.asyncProperty(sizes, limits, async (items, limit) => {
      const written: number[] = []
      const tooLarge: number[] = []
      await commitInParts([...items.entries()], {
        sizeOf: ([, size]) => size,
        onTooLarge: ([index]) => tooLarge.push(index),
        commit: async part => {
          assert.ok(part.length > 0)
          if (part.reduce((sum, [, size]) => sum + size, 0) > limit) throw new CommitTooLargeError('the store', 'too large')
          written.push(...part.map(([index]) => index))
        },
      })

      assert.deepEqual(
        tooLarge,
        [...items.keys()].filter(index => items[index]! > limit),
      )
      assert.deepEqual(
        written,
        [...items.keys()].filter(index => items[index]! <= limit),
      )
    }),
  )
})

test('small changes stay one commit, and what fails otherwise ends it there', async () => {
  const written: number[][] = []
  await commitInParts([1, 2, 3], { sizeOf: () => 100, commit: async part => written.push([...part]) })
  assert.deepEqual(written, [[1, 2, 3]])

  const failing = commitInParts([1, 2, 3], {
    sizeOf: () => partBytes,
    commit: async part => {
      if (part.includes(2)) throw new Error('the disk is full')
      written.push([...part])
    },
  })
  await assert.rejects(failing, /full/)
  assert.deepEqual(written, [[1, 2, 3], [1]])
})

test('without anybody to tell, one item that is too large is an error', async () => {
  const refuse = () => Promise.reject(new CommitTooLargeError('the store', 'too large'))
  await assert.rejects(commitInParts([1], { sizeOf: () => 1, commit: refuse }), { code: 'SKERRY_COMMIT_TOO_LARGE' })
})
