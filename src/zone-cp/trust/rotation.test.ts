import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bundled,
  issuing,
  named,
  needsRoot,
  noRoots,
  type RootFacts,
  type RootsRecord,
  retiringAtLeastMs,
  retiringAtMostMs,
  settleMs,
  signing,
  stepRoots,
  type Wish,
  withRoot,
} from './rotation.ts'

const wish: Wish = { trustDomain: 'default.east.mesh.local', rotation: '' }
const again: Wish = { ...wish, rotation: '2026-11-21' }

const facts = (over: Partial<RootFacts> = {}): RootFacts => ({
  now: 0,
  zones: ['east', 'west'],
  believes: () => true,
  holders: () => 0,
  complete: true,
  ...over,
})

const first = withRoot(noRoots, wish, { id: 'a', ca: 'identity' }, 0)
const ids = (roots: readonly { readonly id: string }[]) => roots.map(root => root.id).join()

function steps(record: RootsRecord, over: Partial<RootFacts>, times = 3): RootsRecord {
  let next = record
  for (let time = 0; time < times; time++) next = stepRoots(next, facts(over))
  return next
}

test('the first root signs at once, and nothing more is needed', () => {
  assert.equal(issuing(first)?.id, 'a')
  assert.ok(!needsRoot(first, wish))
  assert.equal(stepRoots(first, facts()), first)
})

test('another value of the label, or another trust domain, needs a new root, once', () => {
  assert.ok(needsRoot(first, again))
  assert.ok(needsRoot(first, { ...wish, trustDomain: 'corp.example' }))
  assert.ok(!needsRoot(withRoot(first, again, { id: 'b', ca: 'identity-2' }, 10), again))
})

test('a root signs when every zone has believed it for a while, and the one before leaves when nobody holds its certificates', () => {
  const staged = withRoot(first, again, { id: 'b', ca: 'identity-2' }, 0)
  assert.equal(ids(bundled(staged)), 'a')

  const notByWest = { believes: (zone: string, _domain: string, id: string) => id === 'a' || zone === 'east' }
  const waiting = steps(staged, { ...notByWest, now: settleMs * 10 })
  assert.deepEqual([ids(bundled(waiting)), issuing(waiting)?.id, ids(named(waiting, facts(notByWest)))], ['a,b', 'a', 'a'])

  const trustedAt = waiting.roots[1]!.sinceMs
  assert.equal(issuing(steps(waiting, { now: trustedAt + settleMs - 1 }))?.id, 'a')
  assert.equal(ids(named(waiting, facts())), 'a,b', 'its identities are named before it signs')
  const over = steps(waiting, { now: trustedAt + settleMs })
  assert.deepEqual([ids(bundled(over)), issuing(over)?.id], ['a,b', 'b'])

  const retiredAt = over.roots[0]!.sinceMs
  const stillHeld = { now: retiredAt + retiringAtLeastMs * 2, holders: () => 1 }
  assert.equal(ids(bundled(steps(over, stillHeld))), 'a,b')
  const idle = { now: retiredAt + retiringAtLeastMs }
  assert.deepEqual([ids(signing(over, facts(idle))), ids(bundled(steps(over, idle)))], ['b', 'a,b'], 'out of use before out of the bundle')
  assert.equal(ids(bundled(steps(over, { now: retiredAt + retiringAtLeastMs + settleMs }))), 'b')
  assert.equal(ids(bundled(steps(over, { ...stillHeld, now: retiredAt + retiringAtMostMs + settleMs }))), 'b', 'nothing of it is in date')
})

test('while other zones cannot be heard nothing advances', () => {
  const staged = steps(withRoot(first, again, { id: 'b', ca: 'identity-2' }, 0), {}, 1)
  assert.equal(issuing(steps(staged, { complete: false, now: settleMs * 100 }))?.id, 'a')
})

test('a wish that is taken back before its root signs leaves nothing behind', () => {
  const staged = steps(withRoot(first, { ...wish, trustDomain: 'corp.example' }, { id: 'b', ca: 'identity' }, 0), {}, 1)
  assert.ok(needsRoot(staged, wish))
  const back = withRoot(staged, wish, { id: 'c', ca: 'identity-3' }, 10)
  assert.deepEqual(
    back.roots.map(root => `${root.id} ${root.state}`),
    ['a issuing', 'c staged'],
  )
})

test('whatever zones say and proxies hold: what signs or is held is in the bundle, and every zone believed it before it signed', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('wish' as const), domain: fc.constantFrom('d1', 'd2'), rotation: fc.constantFrom('x', 'y') }),
    fc.record({ kind: fc.constant('believe' as const), zone: fc.constantFrom('east', 'west') }),
    fc.record({ kind: fc.constant('renew' as const) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(100, settleMs, retiringAtLeastMs) }),
    fc.record({ kind: fc.constant('cut' as const), complete: fc.boolean() }),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), events => {
      let record = withRoot(noRoots, { trustDomain: 'd1', rotation: 'x' }, { id: 'r0', ca: 'r0' }, 0)
      let [now, made, complete, asked] = [0, 1, true, { trustDomain: 'd1', rotation: 'x' } as Wish]
      let held = 'r0'
      const believed = new Map([
        ['east', new Set(['r0'])],
        ['west', new Set(['r0'])],
      ])
      for (const it of events) {
        if (it.kind === 'wish') asked = { trustDomain: it.domain, rotation: it.rotation }
        else if (it.kind === 'believe') believed.set(it.zone, new Set(bundled(record).map(root => root.id)))
        else if (it.kind === 'renew') held = issuing(record)!.id
        else if (it.kind === 'cut') complete = it.complete
        else now += it.ms
        const before = issuing(record)!.id
        const known = { now, zones: ['east', 'west'], believes: (zone: string, _: string, id: string) => believed.get(zone)!.has(id) }
        if (needsRoot(record, asked)) record = withRoot(record, asked, { id: `r${made}`, ca: `r${made++}` }, now)
        else record = stepRoots(record, { ...known, complete, holders: id => (held === id ? 1 : 0) })
        // Nothing is valid for ever: who never renews has nothing in the end.
        const isHeldInDate = now - (record.roots.find(root => root.id === held)?.sinceMs ?? Number.NEGATIVE_INFINITY) < retiringAtMostMs
        const inBundle = bundled(record).map(root => root.id)
        const signs = issuing(record)!.id
        assert.ok(inBundle.includes(signs))
        if (isHeldInDate) assert.ok(inBundle.includes(held))
        if (signs !== before) for (const zone of believed.values()) assert.ok(zone.has(signs), `${signs} signs, and not all believe it`)
        assert.equal(record.roots.filter(root => root.state === 'issuing').length, 1)
      }
    }),
  )
})
