import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EncodedCache } from './encoded-cache.ts'

test('equal content under one name is one object, other content or another name is not', () => {
  const cache = new EncodedCache()
  const bytes = () => new Uint8Array([1, 2, 3])

  const first = cache.encode('type', 'a', bytes())

  assert.equal(cache.encode('type', 'a', bytes()), first)
  assert.notEqual(cache.encode('type', 'b', bytes()), first)
  assert.notEqual(cache.encode('other', 'a', bytes()), first)
  assert.notEqual(cache.encode('type', 'a', new Uint8Array([4])), first)
})
