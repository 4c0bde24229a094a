import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Dataplane } from '../../src/model/kinds/dataplane.ts'
import type { Resource } from '../../src/model/resource.ts'
import type { Policy, RuleConf } from '../../src/policy/rules/policy.ts'
import { type Law, law, names, type Rules, rulesOf } from './law.ts'
import * as naive from './naive.ts'
import { dataplane, destinations, mesh, policies } from './worlds.ts'

/** What may not change any answer. */
export const lawsOfWholeWorlds: readonly Law[] = [
  law(
    'the order in which policies came changes nothing',
    [policies, dataplane, destinations, fc.nat()],
    (rules, all, proxy, resources, seed) => {
      assert.deepEqual(answers(rules, shuffled(all, seed), proxy, resources), answers(rules, all, proxy, resources))
    },
  ),

  law('shadow policies have no effect, unless they are asked for', [policies, dataplane, destinations], (rules, all, proxy, resources) => {
    const isShadow = ({ labels }: Policy) => labels['kuma.io/effect'] === 'shadow'
    const applied = all.filter(policy => !isShadow(policy))
    assert.deepEqual(answers(rules, all, proxy, resources), answers(rules, applied, proxy, resources))
    const asked = rules.policyIndex.PolicyIndex.of(all, { withShadows: true })
    assert.equal(asked.policies.length, all.length)
  }),
]

/** Everything that can be asked about a world, as plain data. */
function answers(rules: Rules, all: readonly Policy[], proxy: Dataplane, resources: readonly Resource[]) {
  const its = rulesOf(rules, all, proxy)
  const show = (found: RuleConf | null) =>
    found && { conf: found.conf, origins: found.origins.map(({ policy, ruleIndex }) => `${policy.name}/${ruleIndex}`) }
  return {
    policies: names(its.policies),
    to: resources.flatMap(one => ['', ...(naive.sections(one) ?? [])].map(section => show(its.confFor(one, section)))),
    rules: its.resourceRules(kind => [mesh, ...resources].filter(one => one.kind === kind)).map(rule => [rule.kri, show(rule)]),
    inbound: naive
      .places(proxy)
      .map(place => [
        its.inboundRulesFor(place).map(({ match, conf, origin }) => [match, conf, origin.policy.name, origin.ruleIndex]),
        show(its.inboundConfFor(place)),
      ]),
    proxy: show(its.proxyConf()),
  }
}

const shuffled = <T>(all: readonly T[], seed: number) =>
  all
    .map((one, index) => ({ one, key: (seed * (index + 7919)) % 104_729 }))
    .sort((a, b) => a.key - b.key)
    .map(({ one }) => one)
