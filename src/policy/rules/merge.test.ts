import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mergeConfs } from './merge.ts'

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

const { object } = fc.letrec<{ value: Json; object: { [name: string]: Json } }>(tie => ({
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, 0, 1, 'x'),
    fc.array(fc.constantFrom<Json>(1, 'y', null), { maxLength: 3 }),
    tie('object'),
  ),
}))

/** The pseudo code of https://www.rfc-editor.org/rfc/rfc7396#section-2, word for word. */
function rfc7396(target: Json | undefined, patch: Json): Json {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result: { [name: string]: Json } =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? structuredClone(target) : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else result[name] = rfc7396(result[name], value)
  }
  return result
}

/** Nothing in it stands for a removal any more. */
function hasNull(value: Json): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).some(it => it === null || hasNull(it))
}

test('configurations merge as RFC 7396 says', () => {
  fc.assert(
    fc.property(fc.array(object, { maxLength: 4 }), confs => {
      const expected = confs.reduce<Json | undefined>((merged, conf) => rfc7396(merged, conf), undefined)
      assert.deepEqual(mergeConfs<Json>(confs), expected)
    }),
  )
})

test('the examples of RFC 7396', () => {
  const check = (target: Json, patch: Json, expected: Json) => assert.deepEqual(mergeConfs([target, patch]), expected)
  check({ a: 'b' }, { a: 'c' }, { a: 'c' })
  check({ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' })
  check({ a: 'b', b: 'c' }, { a: null }, { b: 'c' })
  check({ a: ['b'] }, { a: 'c' }, { a: 'c' })
  check({ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } })
  check({ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] })
  check({ e: null }, { a: 1 }, { a: 1 })
  check({}, { a: { bb: { ccc: null } } }, { a: { bb: {} } })
})

test('nothing merges to nothing; the same twice is the same; no removal is left in the result', () => {
  assert.equal(mergeConfs([]), undefined)
  fc.assert(
    fc.property(object, object, (a, b) => {
      assert.deepEqual(mergeConfs([a, a]), mergeConfs([a]))
      assert.deepEqual(mergeConfs([a, b, b]), mergeConfs([a, b]))
      assert.deepEqual(mergeConfs([{}, a]), mergeConfs([a]))
      assert.ok(!hasNull(mergeConfs<Json>([a, b])!))
    }),
  )
})

test('what is merged is not changed', () => {
  fc.assert(
    fc.property(fc.array(object, { maxLength: 3 }), confs => {
      const before = structuredClone(confs)
      mergeConfs(confs)
      assert.deepEqual(confs, before)
    }),
  )
})

test('lists whose name starts with append are put after each other, least important first', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 4 }), lists => {
      const merged = mergeConfs(lists.map(list => ({ default: { appendModifications: list } })))
      assert.deepEqual(merged, { default: { appendModifications: lists.flat() } })
    }),
  )
  assert.deepEqual(mergeConfs<Json>([{ appendX: [1] }, { appendX: null }, { appendX: [2] }]), { appendX: [2] })
  assert.deepEqual(mergeConfs<Json>([{ appendX: { a: 1 } }, { appendX: [2] }]), { appendX: [2] })
})
