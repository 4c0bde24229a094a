import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Dataplane } from '../../src/model/kinds/dataplane.ts'
import { kriOf } from '../../src/model/kri.ts'
import type { Policy } from '../../src/policy/rules/policy.ts'
import { type Law, law, names, rulesOf } from './law.ts'
import * as naive from './naive.ts'
import { dataplane, destinations, inNamespace, mesh, namespace, policies, resource, withLabels } from './worlds.ts'

/** What holds for calls, for what comes in, and for a proxy as a whole. */
export const lawsOfCalls: readonly Law[] = [
  law('items of all policies are in Kuma’s order', [policies], ({ policyIndex }, all) => {
    const applied = all.filter(({ labels }) => labels['kuma.io/effect'] !== 'shadow')
    assert.deepEqual(
      policyIndex.PolicyIndex.of(all).toEntries.map(({ origin, item }) => [origin.policy.name, origin.ruleIndex, item]),
      naive.sortedItems(applied).map(({ policy, index, item }) => [policy.name, index, item]),
    )
  }),

  law(
    'a producer’s policy means services of its own namespace, unless it names another',
    [namespace, namespace, namespace],
    (rules, own, named, others) => {
      const labels = { 'kuma.io/display-name': 'one', ...inNamespace(named) }
      const producer = resource<Policy>(
        'MeshTimeout',
        'producer',
        { to: [{ targetRef: { kind: 'MeshService', labels }, default: { a: 1 } }] },
        { 'kuma.io/policy-role': 'producer', ...inNamespace(own) },
      )
      const service = resource('MeshService', 's-1', { ports: [] }, { 'kuma.io/display-name': 'one', ...inNamespace(others) })
      const wanted = named === '' ? own : named
      const proxy = resource<Dataplane>('Dataplane', 'dp-1', {
        networking: { address: '', inbound: [{ port: 80 }] },
      })
      assert.equal(rulesOf(rules, [producer], proxy).confFor(service, '') !== null, wanted === '' || wanted === others)
    },
  ),

  law(
    'what holds for a call is what the items that cover it say, merged in order',
    [policies, dataplane, destinations],
    (rules, all, proxy, resources) => {
      const its = rulesOf(rules, all, proxy)
      const expected = naive.resourceRules(naive.matched(all, proxy), [mesh, ...resources])
      for (const one of resources.filter(({ kind }) => kind !== 'MeshHTTPRoute')) {
        const whole = one.kind === 'MeshExternalService' ? [] : ['']
        for (const section of [...whole, ...(naive.sections(one) ?? [])]) {
          for (const route of [undefined, ...resources.filter(({ kind }) => kind === 'MeshHTTPRoute')]) {
            const found = its.confFor(one, section, route)
            const items = naive.lookUp(expected, mesh, one, section, route)
            assert.deepEqual(found?.conf, items ? naive.mergeAll(items.map(({ item }) => item.default)) : undefined)
            assert.deepEqual(
              found?.origins.map(({ policy, ruleIndex }) => [policy.name, ruleIndex]),
              items?.map(({ policy, index }) => [policy.name, index]),
            )
          }
        }
      }
    },
  ),

  law('there is a rule for what items name, and for nothing else', [policies, dataplane, destinations], (rules, all, proxy, resources) => {
    const known = [mesh, ...resources]
    const found = rulesOf(rules, all, proxy).resourceRules(kind => known.filter(one => one.kind === kind))
    const expected = naive.resourceRules(naive.matched(all, proxy), known)
    assert.deepEqual(
      found.map(({ kri, conf, origins }) => [kri, conf, origins.map(({ policy, ruleIndex }) => [policy.name, ruleIndex])]),
      [...expected]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([kri, items]) => [
          kri,
          naive.mergeAll(items.map(({ item }) => item.default)),
          items.map(({ policy, index }) => [policy.name, index]),
        ]),
    )
  }),

  law(
    'where no item names a section it is as the whole, and where none names a resource as the mesh',
    [policies, dataplane, destinations],
    (rules, all, proxy, resources) => {
      const its = rulesOf(rules, all, proxy)
      const named = new Set(its.resourceRules(kind => resources.filter(one => one.kind === kind)).map(({ kri }) => kri))
      for (const one of resources) {
        const sections = naive.sections(one) ?? []
        for (const section of sections)
          if (!named.has(kriOf(one, section))) assert.deepEqual(its.confFor(one, section)?.conf, its.confFor(one, '')?.conf)
        const isNamed = [...named].some(kri => kri.startsWith(kriOf(one)))
        if (!isNamed) assert.deepEqual(its.confFor(one, '')?.conf, its.confFor(mesh, '')?.conf)
      }
    },
  ),

  law('a route that no item names takes what its destination has', [policies, dataplane, destinations], (rules, all, proxy, resources) => {
    const its = rulesOf(rules, all, proxy)
    const stranger = resource('MeshHTTPRoute', 'stranger', { to: [] })
    const namesAllRoutes = all.some(({ spec }) =>
      spec.to?.some(
        ({ targetRef: { kind, labels } }) => kind === 'MeshHTTPRoute' && labels !== undefined && Object.keys(labels).length === 0,
      ),
    )
    fc.pre(!namesAllRoutes)
    for (const one of resources) assert.deepEqual(its.confFor(one, '', stranger), its.confFor(one, ''))
  }),

  law('rules of what comes in are Kuma’s: one a match, the specific first, and not merged', [policies, dataplane], (rules, all, proxy) => {
    const its = rulesOf(rules, all, proxy)
    for (const place of naive.places(proxy)) {
      const expected = naive.inbound(all, proxy, place)
      assert.deepEqual(
        its
          .inboundRulesFor(place)
          .map(({ match, conf, origin }) => ({ match, conf, policy: origin.policy.name, ruleIndex: origin.ruleIndex })),
        expected,
      )
      const fromAll = expected.filter(({ match }) => match === undefined)
      assert.deepEqual(its.inboundConfFor(place)?.conf, naive.mergeAll(fromAll.map(({ conf }) => conf)))
    }
  }),

  law('a configuration for the whole proxy is all of them, merged in order', [policies, dataplane], (rules, all, proxy) => {
    const speaking = naive.matched(all, proxy).filter(({ spec }) => spec.default !== undefined)
    const found = rulesOf(rules, all, proxy).proxyConf()
    assert.deepEqual(found?.conf, naive.mergeAll(speaking.map(({ spec }) => spec.default)))
    assert.deepEqual(names(found?.origins.map(({ policy }) => policy) ?? []), names(speaking))
  }),

  law(
    'proxies that the same policies reach share what follows from them',
    [policies, dataplane, destinations],
    ({ policyIndex, proxyRules }, all, proxy, resources) => {
      const index = policyIndex.PolicyIndex.of(all)
      const [a, b] = [proxy, withLabels(proxy, { 'example.com/new': 'yes' })].map(
        one => new proxyRules.ProxyRules(index, { dataplane: one, gateways: [] }),
      )
      for (const one of resources) assert.equal(a!.confFor(one, ''), b!.confFor(one, ''))
    },
  ),
]
