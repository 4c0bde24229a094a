import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  commitsPerTransaction,
  etcdRevision,
  headText,
  parseHeadText,
  parseRecordText,
  recordText,
  storeRevision,
} from './etcd-revision.ts'

const place = fc.integer({ min: 0, max: commitsPerTransaction - 1 })
const etcd = fc.integer({ min: 0, max: 2 ** 46 - 1 })

test('a revision holds the transaction, and orders the commits in it', () => {
  fc.assert(
    fc.property(etcd, place, etcd, place, (a, i, b, j) => {
      assert.equal(etcdRevision(storeRevision(a, i)), a)
      assert.equal(Math.sign(storeRevision(a, i) - storeRevision(b, j)), Math.sign(a - b) || Math.sign(i - j))
    }),
  )
})

test('what is read of a record is what was written, whatever it begins with', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string().map(end => `\u0001${end}`),
    fc.constant('\u00011\u0001{}'),
  )
  fc.assert(fc.property(text, place, (value, at) => assert.deepEqual(parseRecordText(recordText(value, at)), { value, place: at })))
})

test('the head says how many events and commits a transaction has', () => {
  fc.assert(
    fc.property(fc.option(fc.nat(), { nil: undefined }), place, (events, lastPlace) =>
      assert.deepEqual(parseHeadText(headText({ events, lastPlace })), { events, lastPlace }),
    ),
  )
})
