import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { differingKinds, VersionTable } from './digest.ts'

const table = (pairs: Iterable<readonly [string, string]>) => {
  const made = new VersionTable()
  for (const [name, version] of pairs) made.set(name, version)
  return made
}

test('two tables have one digest exactly when they hold the same, whatever happened before', () => {
  const edits = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2', null)), { maxLength: 30 })
  fc.assert(
    fc.property(edits, edits, (first, second) => {
      const apply = (list: typeof first) => {
        const made = new VersionTable()
        const plain = new Map<string, string>()
        for (const [name, version] of list) {
          if (version === null) {
            made.delete(name)
            plain.delete(name)
          } else {
            made.set(name, version)
            plain.set(name, version)
          }
        }
        return { made, text: [...plain].sort().join() }
      }
      const [one, other] = [apply(first), apply(second)]

      assert.equal(one.made.digest === other.made.digest, one.text === other.text)
    }),
    { numRuns: 200 },
  )
})

test('an empty table says so', () => {
  assert.equal(new VersionTable().digest, '0-0000000000000000')
})

test('kinds that only one side speaks of are not compared', () => {
  const mine = new Map([
    ['Mesh', table([['default.', 'v1']])],
    ['MeshTrust', table([])],
  ])

  assert.deepEqual(differingKinds({ Mesh: table([['default.', 'v2']]).digest, MeshNew: '9-00' }, mine), ['Mesh'])
})
