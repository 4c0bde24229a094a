import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DataplaneFacts, unknownDataplane } from '../derive/facts.ts'
import { typeUrls } from '../envoy/resources.ts'
import { factsAfter, factsAfterStream } from './ads-facts.ts'

const offered = new Set(['good', 'bad'])

/** What answers on streams make of the facts, one after the other. */
function after(current: DataplaneFacts, stream: number, kind: 'acknowledged' | 'refused', names: string[], error = ''): DataplaneFacts {
  const versions = new Map(names.map(name => [name, '1']))
  const answer = { typeUrl: typeUrls.listener, nonce: '1', versions, removed: [] }
  return factsAfter(current, kind === 'refused' ? { ...answer, kind, error } : { ...answer, kind }, {
    stream,
    nowMs: 7,
    takesCallers: name => name !== 'called',
    isOffered: (_type, name) => offered.has(name),
  })
}

const refusals = (facts: DataplaneFacts) => facts.refusals.map(({ type, reason, resources }) => ({ type, reason, resources }))

test('a refusal is of the resources that it names, and of all that came with it when it names none', () => {
  const named = after(unknownDataplane, 1, 'refused', ['good', 'bad'], 'bad: no such filter')
  const unnamed = after(unknownDataplane, 1, 'refused', ['good', 'bad'], 'no such filter')

  assert.deepEqual(refusals(named), [{ type: 'lds', reason: 'bad: no such filter', resources: ['bad'] }])
  assert.deepEqual(refusals(unnamed), [{ type: 'lds', reason: 'no such filter', resources: ['bad', 'good'] }])
})

test('it stands until its resource is accepted or offered no more, whatever else is accepted meanwhile', () => {
  const refused = after(unknownDataplane, 1, 'refused', ['bad'], 'no')

  const other = after(refused, 1, 'acknowledged', ['good'])
  const otherStream = after(other, 2, 'acknowledged', ['bad'])
  const accepted = after(otherStream, 1, 'acknowledged', ['bad'])
  offered.delete('bad')
  const gone = after(refused, 1, 'acknowledged', ['good'])
  offered.add('bad')

  assert.deepEqual(
    [other, otherStream, accepted, gone].map(facts => facts.refusals.length),
    [1, 1, 0, 0],
  )
})

test('of a stream that is over it stands until another one accepts something of that type', () => {
  const refused = factsAfterStream(after(unknownDataplane, 1, 'refused', ['bad'], 'no'), 1)

  assert.equal(refused.refusals.length, 1)
  assert.equal(after(refused, 2, 'acknowledged', ['good']).refusals.length, 0)
})

test('a proxy is said to listen when it has accepted what takes callers', () => {
  assert.equal(after(unknownDataplane, 1, 'acknowledged', ['called']).acknowledged, null)
  assert.equal(after(unknownDataplane, 1, 'acknowledged', ['called', 'good']).acknowledged, 1)
})
