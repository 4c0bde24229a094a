import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ListItems } from './list-items.ts'

function read(text: string, sizes: readonly number[] = []): { items: unknown[]; around: Record<string, unknown> } {
  const items: unknown[] = []
  const reader = new ListItems(json => items.push(JSON.parse(json)))
  let bytes = Buffer.from(text)
  for (const size of sizes) {
    reader.write(bytes.subarray(0, size))
    bytes = bytes.subarray(size)
  }
  reader.write(bytes)
  return { items, around: reader.end() }
}

test('any list is read as JSON.parse reads it, however it is cut into chunks', () => {
  const list = fc.record({
    kind: fc.string(),
    metadata: fc.dictionary(fc.string(), fc.jsonValue()),
    items: fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
  })
  const indent = fc.constantFrom(undefined, 1)
  fc.assert(
    fc.property(list, fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 30 }), indent, (value, sizes, space) => {
      const text = JSON.stringify(value, null, space)
      const { items, around } = read(text, sizes)
      const wanted = JSON.parse(text) as typeof value
      assert.deepEqual(items, wanted.items)
      assert.deepEqual(around, { ...wanted, items: [] })
    }),
  )
})

test('an answer that breaks off is no list, wherever it breaks off', () => {
  const text = JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '7' }, items: [{ a: '}]' }, { b: [1] }] })
  for (let length = 0; length < text.length; length++) assert.throws(() => read(text.slice(0, length)), SyntaxError, text.slice(0, length))
})

test('items may be null, and other members may be arrays of objects', () => {
  assert.deepEqual(read('{"items":null,"others":[{"x":1}]}'), { items: [], around: { items: null, others: [{ x: 1 }] } })
})
