import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bundleOf, type Root, type RotationFacts, stepRotation } from './rotate.ts'

const facts = (over: Partial<RotationFacts> = {}): RotationFacts => ({
  proxies: 3,
  trustedBy: () => 0,
  liveLeaves: () => 3,
  complete: true,
  ...over,
})
const states = (roots: readonly Root[]) => roots.map(root => `${root.id} ${root.state}`)

test('a new root is trusted by all before it signs, and the old one leaves after its last leaf', () => {
  let roots: readonly Root[] = [
    { id: 'old', state: 'issuing' },
    { id: 'new', state: 'staged' },
  ]

  roots = stepRotation(roots, facts())
  assert.deepEqual(states(roots), ['old issuing', 'new trusted'])

  roots = stepRotation(roots, facts({ trustedBy: () => 2 }))
  assert.deepEqual(states(roots), ['old issuing', 'new trusted'], 'one proxy has not acknowledged')

  roots = stepRotation(roots, facts({ trustedBy: () => 3 }))
  assert.deepEqual(states(roots), ['old retiring', 'new issuing'])

  roots = stepRotation(roots, facts({ liveLeaves: id => (id === 'old' ? 1 : 2) }))
  assert.deepEqual(states(bundleOf(roots)), ['old retiring', 'new issuing'], 'one leaf of the old root is still in use')

  roots = stepRotation(roots, facts({ liveLeaves: id => (id === 'old' ? 0 : 3) }))
  assert.deepEqual(states(bundleOf(roots)), ['new issuing'])
})

test('nothing advances on a count that is not complete', () => {
  const roots: readonly Root[] = [
    { id: 'a', state: 'retiring' },
    { id: 'b', state: 'issuing' },
    { id: 'c', state: 'trusted' },
  ]

  const next = stepRotation(roots, facts({ complete: false, trustedBy: () => 3, liveLeaves: () => 0 }))

  assert.deepEqual(next, roots)
})

test('one successor at a time, and never two roots that issue', () => {
  const roots: readonly Root[] = [
    { id: 'a', state: 'issuing' },
    { id: 'b', state: 'staged' },
    { id: 'c', state: 'staged' },
  ]

  const one = stepRotation(roots, facts())
  const two = stepRotation(one, facts({ trustedBy: () => 3 }))

  assert.deepEqual(states(one), ['a issuing', 'b trusted', 'c staged'])
  assert.deepEqual(states(two), ['a retiring', 'b issuing', 'c staged'])
})
