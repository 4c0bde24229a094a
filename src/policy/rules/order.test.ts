import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TargetRef } from '../../model/target-ref.ts'
import { aResource } from '../testing.ts'
import { comparePolicies, compareToItems } from './order.ts'
import type { Policy } from './policy.ts'

function aPolicy(name: string, targetRef?: Partial<TargetRef>, labels: Record<string, string> = {}): Policy {
  return aResource<Policy>('MeshTimeout', name, { ...(targetRef ? { targetRef: targetRef as TargetRef } : {}) }, labels)
}

/** Least important first. */
function checkOrder(...policies: Policy[]) {
  const names = (sorted: Policy[]) => sorted.map(policy => policy.name)
  assert.deepEqual(names(policies.toReversed().sort(comparePolicies)), names(policies))
}

test('the more specific a target, the later', () => {
  checkOrder(
    aPolicy('m'),
    aPolicy('g', { kind: 'MeshGateway' }),
    aPolicy('d', { kind: 'Dataplane' }),
    aPolicy('d-section', { kind: 'Dataplane', sectionName: 'http' }),
  )
})

test('a zone’s policy overrides global’s, and then roles decide', () => {
  checkOrder(
    aPolicy('global', undefined, { 'kuma.io/origin': 'global' }),
    aPolicy('unlabelled'),
    aPolicy('system', undefined, { 'kuma.io/origin': 'zone', 'kuma.io/policy-role': 'system' }),
    aPolicy('producer', undefined, { 'kuma.io/origin': 'zone', 'kuma.io/policy-role': 'producer' }),
    aPolicy('consumer', undefined, { 'kuma.io/origin': 'zone', 'kuma.io/policy-role': 'consumer' }),
    aPolicy('owner', undefined, { 'kuma.io/origin': 'zone', 'kuma.io/policy-role': 'workload-owner' }),
  )
})

test('at last the smaller display name wins, whatever the name that sync stores it under', () => {
  const stored = (name: string, displayName: string) => aPolicy(name, undefined, { 'kuma.io/display-name': displayName })
  checkOrder(stored('a-x1', 'b'), stored('z-x1', 'a'))
  checkOrder(stored('a-x2', 'a'), stored('a-x1', 'a'))
})

const targetRef = fc.option(
  fc.record(
    { kind: fc.constantFrom('Mesh', 'MeshGateway', 'Dataplane'), sectionName: fc.constantFrom('http', 'main') },
    { requiredKeys: ['kind'] },
  ),
  { nil: undefined },
)
const labels = fc.record(
  {
    'kuma.io/origin': fc.constantFrom('global', 'zone'),
    'kuma.io/policy-role': fc.constantFrom('system', 'producer', 'consumer', 'workload-owner', 'unheard-of'),
    'kuma.io/display-name': fc.constantFrom('a', 'b', 'c'),
  },
  { requiredKeys: [] },
)
const policies = fc.uniqueArray(
  fc
    .record({ name: fc.stringMatching(/^[a-d]{1,2}$/), targetRef, labels })
    .map(({ name, targetRef, labels }) => aPolicy(name, targetRef as TargetRef, labels)),
  { selector: policy => policy.name, minLength: 1, maxLength: 6 },
)
const itemKind = fc.constantFrom('Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute')

function assertTotalOrder<T>(values: readonly T[], compare: (a: T, b: T) => number, isSame: (a: T, b: T) => boolean): void {
  const sign = (a: T, b: T) => Math.sign(compare(a, b)) || 0
  for (const a of values) {
    for (const b of values) {
      assert.equal(sign(a, b), -sign(b, a) || 0, 'antisymmetric')
      assert.equal(sign(a, b) === 0, isSame(a, b), 'equal only where nothing tells them apart')
      for (const c of values) if (sign(a, b) <= 0 && sign(b, c) <= 0) assert.ok(sign(a, c) <= 0, 'transitive')
    }
  }
}

test('policies are in a total order: what wins does not depend on the order in which they came', () => {
  fc.assert(
    fc.property(policies, fc.infiniteStream(fc.nat()), (all, random) => {
      assertTotalOrder(all, comparePolicies, (a, b) => a === b)
      const keys = new Map(all.map(policy => [policy, random.next().value]))
      const shuffled = all.toSorted((a, b) => keys.get(a)! - keys.get(b)!)
      assert.deepEqual(shuffled.sort(comparePolicies), all.toSorted(comparePolicies))
    }),
  )
})

test('to items are in a total order too; items of one policy that cover alike stay in its order', () => {
  fc.assert(
    fc.property(policies, fc.array(fc.record({ kind: itemKind, section: fc.boolean() }), { minLength: 1, maxLength: 4 }), (all, kinds) => {
      const items = all.flatMap(policy =>
        kinds.map(({ kind, section }) => ({
          policy,
          targetRef: { kind, ...(section ? { sectionName: 'http' } : {}) } as TargetRef,
        })),
      )
      type Item = (typeof items)[number]
      // A section counts for a MeshService alone.
      const section = ({ targetRef: { kind, sectionName } }: Item) => (kind === 'MeshService' ? sectionName : undefined)
      const coversAlike = (a: Item, b: Item) => a.policy === b.policy && a.targetRef.kind === b.targetRef.kind && section(a) === section(b)
      assertTotalOrder(items, compareToItems, coversAlike)
    }),
  )
})
