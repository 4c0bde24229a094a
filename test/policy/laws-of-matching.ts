import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Dataplane } from '../../src/model/kinds/dataplane.ts'
import type { Policy } from '../../src/policy/rules/policy.ts'
import { type Law, law, names, rulesOf } from './law.ts'
import * as naive from './naive.ts'
import { dataplane, inNamespace, mesh, namespace, policies, resource, withLabels } from './worlds.ts'

/** Which policies reach a proxy and its parts, and in which order. */
export const lawsOfMatching: readonly Law[] = [
  law('the policies of a proxy are those that Kuma’s rules say, in their order', [policies, dataplane], (rules, all, proxy) => {
    assert.deepEqual(names(rulesOf(rules, all, proxy).policies), names(naive.matched(all, proxy)))
  }),

  law('policies are in a total order: only one and the same policy is equal to itself', [policies], ({ order }, all) => {
    const sign = (a: Policy, b: Policy) => Math.sign(order.comparePolicies(a, b)) + 0
    for (const a of all) {
      for (const b of all) {
        assert.equal(sign(a, b) === 0, a === b)
        assert.equal(sign(a, b) + sign(b, a), 0)
        for (const c of all) if (sign(a, b) <= 0 && sign(b, c) <= 0) assert.ok(sign(a, c) <= 0)
      }
    }
  }),

  law(
    'what holds for one proxy does not depend on which others were looked at',
    [policies, dataplane, dataplane],
    (rules, all, one, other) => {
      const shared = rules.policyIndex.PolicyIndex.of(all)
      for (const proxy of [one, other]) {
        const its = new rules.proxyRules.ProxyRules(shared, { dataplane: proxy, gateways: [] })
        const alone = rulesOf(rules, all, proxy)
        assert.deepEqual(names(its.policies), names(alone.policies))
        assert.deepEqual(its.proxyConf()?.conf, alone.proxyConf()?.conf)
        assert.deepEqual(its.confFor(mesh, '')?.conf, alone.confFor(mesh, '')?.conf)
        for (const place of naive.places(proxy)) assert.deepEqual(its.inboundConfFor(place)?.conf, alone.inboundConfFor(place)?.conf)
      }
    },
  ),

  law(
    'callers and workload owners speak for the proxies of their own namespace, the others for all',
    [fc.constantFrom('system', 'producer', 'consumer', 'workload-owner'), namespace, namespace],
    (rules, role, own, others) => {
      const policy = resource<Policy>('MeshTimeout', 'p', { default: {} }, { 'kuma.io/policy-role': role, ...inNamespace(own) })
      const networking = { address: '', inbound: [{ port: 80 }] }
      const proxy = resource<Dataplane>('Dataplane', 'dp-1', { networking }, inNamespace(others))
      const isBound = role === 'consumer' || role === 'workload-owner'
      assert.equal(rulesOf(rules, [policy], proxy).policies.length === 1, !isBound || (own !== '' && own === others))
    },
  ),

  law(
    'a label more on a proxy takes no policy away, a label more in a selector brings no proxy',
    [policies, dataplane],
    (rules, all, proxy) => {
      const before = new Set(names(rulesOf(rules, all, proxy).policies))
      const more = rulesOf(rules, all, withLabels(proxy, { 'example.com/new': 'yes' })).policies
      assert.deepEqual(new Set(names(more)), before)
      const narrowed = all.map(policy => {
        const { targetRef } = policy.spec
        if (targetRef?.kind !== 'Dataplane') return policy
        return {
          ...policy,
          spec: { ...policy.spec, targetRef: { ...targetRef, labels: { ...targetRef.labels, 'example.com/new': 'no' } } },
        }
      })
      for (const { name, spec } of rulesOf(rules, narrowed, proxy).policies) {
        assert.ok(before.has(name))
        assert.notEqual(spec.targetRef?.kind, 'Dataplane')
      }
    },
  ),

  law(
    'a policy reaches a place of a proxy only if it reaches the proxy, and with a section only places of that name or number',
    [policies, dataplane],
    ({ match }, all, proxy) => {
      for (const policy of all) {
        const reached = match.reaches(policy, { dataplane: proxy, gateways: [] })
        const expected = naive.selected(policy, proxy)
        if (!reached) assert.equal(expected.length, 0)
        else for (const place of naive.places(proxy)) assert.equal(match.reachesEntrance(policy, place), expected.includes(place))
      }
    },
  ),

  law(
    'an index of selectors misses none that a resource fulfils, and names each once',
    [fc.array(selectors(), { maxLength: 6 }), selectors()],
    ({ selectorIndex }, all, labels) => {
      const found = new selectorIndex.SelectorIndex(all).candidates(labels)
      assert.equal(new Set(found).size, found.length)
      all.forEach((selector, place) => {
        if (Object.entries(selector).every(([label, value]) => labels[label] === value)) assert.ok(found.includes(place))
        else if (!Object.entries(selector).some(([label, value]) => labels[label] === value)) assert.ok(!found.includes(place))
      })
    },
  ),
]

function selectors() {
  return fc.record(
    { app: fc.constantFrom('a', 'b'), env: fc.constantFrom('a', 'b'), team: fc.constantFrom('a', 'b') },
    { requiredKeys: [], noNullPrototype: true },
  ) as fc.Arbitrary<Record<string, string>>
}
