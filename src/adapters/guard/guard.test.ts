import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Gone, Listing } from '../adapter.ts'
import { leftOut } from '../found.ts'
import { aListing, anItem } from '../test-support.ts'
import { absentIds, heldItems, onChanges, onConfirmed, onListing, onRelease, restore } from './guard.ts'
import { emptyGuard, type GuardState } from './state.ts'

const minute = 60_000
const limits = { intervalMs: minute, maxShrinkPercent: 20, holdForMs: 15 * minute }

/** A scope whose listings are told at these minutes. */
function aScope(state: GuardState = emptyGuard()) {
  const hear = (listing: Listing, atMs: number, rest: { count?: number | null; identity?: string } = {}) =>
    onListing(state, { listing, identity: rest.identity, startedAtMs: atMs, nowMs: atMs + 100, count: rest.count ?? null }, limits)
  return {
    state,
    hear,
    list: (ids: readonly string[], atMinute: number, rest: { count?: number | null; identity?: string } = {}) =>
      hear(aListing(ids.map(id => anItem(id))), atMinute * minute, rest),
    ids: () => [...state.items.keys()].sort(),
    evidence: (decision: ReturnType<typeof onListing>) => decision.removed.map(({ id, evidence }) => `${id} ${evidence}`),
  }
}

const ids = (count: number) => Array.from({ length: count }, (_, index) => `t${String(index).padStart(3, '0')}`)

test('absence once is a suspicion; absence in two complete listings an interval apart is an end', () => {
  const scope = aScope()
  scope.list(ids(10), 0)

  assert.deepEqual(scope.evidence(scope.list(ids(9), 1)), [])
  assert.deepEqual(absentIds(scope.state), ['t009'])
  assert.deepEqual(scope.evidence(scope.list(ids(9), 1.5)), [])
  assert.deepEqual(scope.evidence(scope.list(ids(9), 2)), ['t009 absent-twice'])
})

test('what comes back in between is no longer suspected', () => {
  const scope = aScope()
  scope.list(ids(10), 0)
  scope.list(ids(9), 1)
  scope.list(ids(10), 2)

  assert.deepEqual(scope.evidence(scope.list(ids(9), 3)), [])
})

test('a listing that is not complete removes nothing, and says nothing for later either', () => {
  const scope = aScope()
  scope.list(ids(10), 0)

  for (const at of [1, 2, 3, 20]) scope.hear(aListing([], { complete: false, missing: ['page 2'] }), at * minute)

  assert.equal(scope.state.workloads, 10)
  assert.deepEqual(absentIds(scope.state), [])
})

test('a mass that vanishes is held until another listing a minute later agrees', () => {
  const scope = aScope()
  scope.list(ids(100), 0)
  scope.list(ids(50), 1)

  assert.deepEqual(scope.evidence(scope.list(ids(50), 2)), [])
  assert.equal(heldItems(scope.state).length, 50)
  assert.deepEqual(scope.evidence(scope.list(ids(50), 2.5)), [])
  const last = scope.list(ids(50), 3)
  assert.equal(last.removed.length, 50)
  assert.ok(last.removed.every(({ evidence }) => evidence === 'confirmed'))
})

test('a mass that comes back was never gone', () => {
  const scope = aScope()
  scope.list(ids(100), 0)
  scope.list(ids(50), 1)
  scope.list(ids(50), 2)

  scope.list(ids(100), 3)

  assert.deepEqual(heldItems(scope.state), [])
  assert.equal(scope.state.workloads, 100)
})

test('fewer than five are no mass, however small the scope; five of ten are', () => {
  const small = aScope()
  small.list(ids(6), 0)
  small.list(ids(2), 1)
  assert.equal(small.list(ids(2), 2).removed.length, 4)

  const larger = aScope()
  larger.list(ids(10), 0)
  larger.list(ids(5), 1)
  assert.equal(larger.list(ids(5), 2).removed.length, 0)
  assert.equal(heldItems(larger.state).length, 5)
})

test('what vanishes bit by bit within a minute counts together', () => {
  const scope = aScope()
  scope.list(ids(20), 0)
  for (const id of ['t019', 't018', 't017'])
    onChanges(scope.state, [{ kind: 'gone', gone: { id, reason: 'seems over', inferred: true } }], 1000, limits)

  const decision = onChanges(
    scope.state,
    ['t016', 't015'].map(id => ({ kind: 'gone', gone: { id, reason: 'seems over', inferred: true } })),
    2000,
    limits,
  )

  assert.equal(scope.state.workloads, 17)
  assert.deepEqual(decision.removed, [])
})

test('an empty listing is held, until another place says that there is nothing', () => {
  const scope = aScope()
  scope.list(ids(2), 0)
  for (const at of [1, 2, 3, 4]) assert.deepEqual(scope.list([], at).removed, [])

  assert.deepEqual(scope.evidence(scope.list([], 5, { count: 0 })), ['t000 confirmed', 't001 confirmed'])
})

test('what another place counts more of stays, however often the listing is repeated, and until holding is over', () => {
  const scope = aScope()
  scope.list(ids(100), 0)
  for (let at = 1; at < 17; at++) assert.deepEqual(scope.list(ids(50), at, { count: 100 }).removed, [], `minute ${at}`)

  const last = scope.list(ids(50), 17, { count: 100 })

  assert.equal(last.removed.length, 50)
  assert.equal(last.removed[0]!.evidence, 'hold-over')
})

test('an operator lets go what is held, and with nothing held does nothing', () => {
  const scope = aScope()
  scope.list(ids(10), 0)
  assert.deepEqual(onRelease(scope.state, 1000).removed, [])
  scope.list([], 1)
  scope.list([], 2)

  const released = onRelease(scope.state, 2 * minute + 1000)

  assert.equal(released.removed.length, 10)
  assert.equal(released.removed[0]!.evidence, 'operator')
})

test('what the platform says of a thing itself is believed at once, also of many', () => {
  const scope = aScope()
  scope.list(ids(10), 0)

  const decision = onChanges(
    scope.state,
    ids(10).map(id => ({ kind: 'gone', gone: { id, reason: 'stopped' } })),
    minute,
    limits,
  )

  assert.equal(decision.removed.length, 10)
  assert.equal(decision.removed[0]!.evidence, 'proof')
})

test('things that listings lack are asked for one by one: those that are there stay, those that are not go at once', () => {
  const scope = aScope()
  scope.list(ids(10), 0)
  scope.list(ids(8), 1)
  const answers = new Map<string, 'there' | Gone>([
    ['t008', 'there'],
    ['t009', { id: 't009', reason: 'MISSING' }],
  ])

  const decision = onConfirmed(scope.state, answers, minute + 200, minute + 300)

  assert.deepEqual(scope.evidence(decision), ['t009 proof'])
  assert.deepEqual(absentIds(scope.state), [])
})

test('what an event told of after a listing was begun is exempt from its removals', () => {
  const scope = aScope()
  scope.list(ids(3), 0)
  onChanges(scope.state, [{ kind: 'seen', item: anItem('new') }], 1 * minute + 50, limits)

  scope.list(ids(3), 1)

  assert.deepEqual(absentIds(scope.state), [])
  assert.ok(scope.state.items.has('new'))
})

test('what ended does not come back by an older word, and does by a newer one', () => {
  const scope = aScope()
  scope.hear(aListing([anItem('a', {}, 3)]), 0)
  onChanges(scope.state, [{ kind: 'gone', gone: { id: 'a', version: 5, reason: 'stopped' } }], 1000, limits)

  scope.hear(aListing([anItem('a', {}, 4)]), 2000)
  assert.deepEqual(scope.ids(), [])
  scope.hear(aListing([anItem('a', {}, 6)]), 3000)
  assert.deepEqual(scope.ids(), ['a'])
})

test('a word that is older than what is known is let fall', () => {
  const scope = aScope()
  scope.hear(aListing([anItem('a', { state: 'ready' }, 5)]), 0)

  onChanges(scope.state, [{ kind: 'seen', item: anItem('a', { state: 'draining' }, 4) }], 1000, limits)
  onChanges(scope.state, [{ kind: 'gone', gone: { id: 'a', version: 4, reason: 'stopped' } }], 1000, limits)

  assert.equal(scope.state.items.get('a')!.item.version, 5)
  const { outcome } = scope.state.items.get('a')!.item
  assert.equal(outcome.kind === 'workload' && outcome.workload.state, 'ready')
})

test('under another identity nothing is believed, until an operator says so', () => {
  const scope = aScope()
  scope.list(ids(10), 0, { identity: 'cluster-a' })

  const refused = scope.list(['other'], 1, { identity: 'cluster-b' })

  assert.deepEqual([refused.changed, refused.removed], [[], []])
  assert.match(scope.state.refused ?? '', /was cluster-a and now calls itself cluster-b/)
  onRelease(scope.state, minute)
  const accepted = scope.list(['other'], 2, { identity: 'cluster-b' })
  assert.equal(accepted.removed.length, 10)
  assert.deepEqual(scope.ids(), ['other'])
})

test('things that lose what makes them workloads all at once are held like things that vanish', () => {
  const scope = aScope()
  scope.list(ids(10), 0)
  const tagless = aListing(ids(10).map(id => leftOut({ id }, 'it has no label service')))

  assert.deepEqual(scope.hear(tagless, minute).removed, [])
  assert.equal(scope.state.workloads, 10)
  assert.equal(heldItems(scope.state)[0]!.reason, 'it is no longer taken: it has no label service')
  assert.equal(scope.hear(tagless, 2 * minute).removed.length, 10)
})

test('one that is no longer taken goes at once, and is remembered with its reason', () => {
  const scope = aScope()
  scope.list(ids(10), 0)

  const decision = scope.hear(aListing([...ids(9).map(id => anItem(id)), leftOut({ id: 't009' }, 'exclude[0] fits it')]), minute)

  assert.deepEqual(scope.evidence(decision), ['t009 left-out'])
  assert.equal(scope.state.items.get('t009')!.item.outcome.kind, 'left-out')
})

test('a partial listing in which labels may be missing leaves workloads as they are', () => {
  const scope = aScope()
  scope.list(ids(3), 0)

  scope.hear(aListing([leftOut({ id: 't000' }, 'it has no label service')], { complete: false, missing: ['tags'] }), minute)

  assert.equal(scope.state.workloads, 3)
})

test('what a registry remembers is in force until two listings lack it, and is known again by its id', () => {
  const scope = aScope(emptyGuard(id => `~${id}`))
  restore(
    scope.state,
    ids(6).map(id => anItem(`~${id}`)),
  )

  const first = scope.list(ids(5), 1)
  assert.deepEqual(first.removed, [])
  assert.deepEqual(scope.ids(), [...ids(5), '~t005'])
  assert.deepEqual(scope.evidence(scope.list(ids(5), 2)), ['~t005 absent-twice'])
})

test('a remembered thing that an event ends is ended', () => {
  const scope = aScope(emptyGuard(id => `~${id}`))
  restore(scope.state, [anItem('~a')])

  const decision = onChanges(scope.state, [{ kind: 'gone', gone: { id: 'a', reason: 'deleted' } }], 1000, limits)

  assert.deepEqual(scope.evidence(decision), ['a proof'])
})
