import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { aListing, anItem } from '../test-support.ts'
import { heldItems, onChanges, onListing } from './guard.ts'
import { massOf } from './settle.ts'
import { type Decision, emptyGuard, massWindowMs } from './state.ts'

const limits = { intervalMs: 60_000, maxShrinkPercent: 20, holdForMs: 900_000 }
const everything = Array.from({ length: 30 }, (_, index) => `t${index}`)

type Step =
  | {
      readonly kind: 'listing'
      readonly complete: boolean
      readonly lacks: readonly string[]
      readonly count: number | null
      readonly afterMs: number
    }
  | { readonly kind: 'gone'; readonly id: string; readonly version: number; readonly afterMs: number }
  | { readonly kind: 'seen'; readonly id: string; readonly version: number; readonly afterMs: number }

const id = fc.constantFrom(...everything)
const afterMs = fc.integer({ min: 1, max: 200_000 })
const listing = (complete: fc.Arbitrary<boolean>) =>
  fc.record({
    kind: fc.constant('listing' as const),
    complete,
    lacks: fc.oneof(fc.subarray(everything), fc.constant(everything), fc.subarray(everything, { maxLength: 4 })),
    count: fc.option(fc.integer({ min: 0, max: 30 })),
    afterMs,
  })
const event = fc.record({ kind: fc.constantFrom('gone' as const, 'seen' as const), id, version: fc.integer({ min: 1, max: 5 }), afterMs })

/** What happened, as the guard was told it. */
function play(steps: readonly Step[]) {
  const state = emptyGuard()
  onListing(
    state,
    { listing: aListing(everything.map(it => anItem(it, {}, 1))), identity: undefined, startedAtMs: 0, nowMs: 0, count: null },
    limits,
  )
  let nowMs = 0
  const history: { step: Step; atMs: number; decision: Decision; before: ReadonlySet<string> }[] = []
  for (const step of steps) {
    nowMs += step.afterMs
    const before = new Set(state.items.keys())
    const versions = new Map([...state.items].map(([key, { item }]) => [key, item.version ?? 0]))
    const decision =
      step.kind === 'listing'
        ? onListing(
            state,
            {
              listing: aListing(
                everything.filter(it => !step.lacks.includes(it)).map(it => anItem(it, {}, 1)),
                { complete: step.complete },
              ),
              identity: undefined,
              startedAtMs: nowMs,
              nowMs,
              count: step.count,
            },
            limits,
          )
        : step.kind === 'gone'
          ? onChanges(state, [{ kind: 'gone', gone: { id: step.id, version: step.version, reason: 'ended' } }], nowMs, limits)
          : onChanges(state, [{ kind: 'seen', item: anItem(step.id, {}, step.version) }], nowMs, limits)
    for (const [key, { item }] of state.items) assert.ok((item.version ?? 0) >= (versions.get(key) ?? 0), 'versions only rise')
    history.push({ step, atMs: nowMs, decision, before })
  }
  return { state, history, nowMs }
}

test('no sequence of listings that fail or are not complete removes anything', () => {
  fc.assert(
    fc.property(fc.array(listing(fc.constant(false)), { maxLength: 30 }), steps => {
      const { state } = play(steps)
      assert.equal(state.items.size, everything.length)
      assert.deepEqual(heldItems(state), [])
    }),
  )
})

test('every removal has a proof, or two complete listings an interval apart that lack it', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(listing(fc.boolean()), event), { maxLength: 40 }), steps => {
      const { history } = play(steps)
      for (const [index, { step, atMs, decision }] of history.entries()) {
        for (const { id: removed, evidence } of decision.removed) {
          if (evidence === 'proof') {
            assert.ok(step.kind === 'gone' && step.id === removed)
            continue
          }
          const lacking = history
            .slice(0, index + 1)
            .filter(it => it.step.kind === 'listing' && it.step.complete && it.step.lacks.includes(removed))
          assert.ok(step.kind === 'listing' && step.complete && step.lacks.includes(removed))
          assert.ok(lacking.some(earlier => atMs - earlier.atMs >= limits.intervalMs))
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('nothing that a word of now shows is removed by that word', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(listing(fc.boolean()), event), { maxLength: 40 }), steps => {
      for (const { step, decision } of play(steps).history)
        if (step.kind === 'listing') for (const { id: removed } of decision.removed) assert.ok(step.lacks.includes(removed))
    }),
  )
})

test('no more than a mass goes unasked within a minute', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(listing(fc.boolean()), event), { maxLength: 40 }), steps => {
      const unasked: { atMs: number; removals: number; population: number }[] = []
      for (const { atMs, decision, before } of play(steps).history) {
        const removals = decision.removed.filter(({ evidence }) => evidence === 'absent-twice').length
        if (removals > 0) unasked.push({ atMs, removals, population: before.size })
        const window = unasked.filter(it => atMs - it.atMs < massWindowMs)
        const sum = window.reduce((total, it) => total + it.removals, 0)
        if (window.length > 0) assert.ok(sum < massOf(window[0]!.population, limits.maxShrinkPercent), `${sum} of ${window[0]!.population}`)
      }
    }),
    { numRuns: 300 },
  )
})

test('holding is bounded: whatever came before, complete listings that agree for as long as removals are held end it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(listing(fc.boolean()), event), { maxLength: 20 }),
      fc.subarray(everything),
      fc.option(fc.integer({ min: 0, max: 30 })),
      (steps, lacks, count) => {
        const { state, nowMs } = play(steps)
        const kept = new Set(everything.filter(it => !lacks.includes(it)))
        for (let atMs = nowMs + limits.intervalMs; atMs <= nowMs + limits.holdForMs + 4 * limits.intervalMs; atMs += limits.intervalMs)
          onListing(
            state,
            { listing: aListing([...kept].map(it => anItem(it, {}, 9))), identity: undefined, startedAtMs: atMs, nowMs: atMs, count },
            limits,
          )
        assert.deepEqual(heldItems(state), [])
        assert.deepEqual(
          [...state.items.keys()].filter(it => !kept.has(it)),
          [],
        )
      },
    ),
    { numRuns: 200 },
  )
})
