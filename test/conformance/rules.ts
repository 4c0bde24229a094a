import { join } from 'node:path'
import { parse } from 'yaml'
import { matchesHash } from '../../src/api/inspect/matches-hash.ts'
import { completeSpec } from '../../src/model/complete.ts'
import type { Dataplane } from '../../src/model/kinds/dataplane.ts'
import { kriOf } from '../../src/model/kri.ts'
import type { Resource } from '../../src/model/resource.ts'
import { fromWire, toWire } from '../../src/model/wire.ts'
import type { InboundRule } from '../../src/policy/rules/inbound-rules.ts'
import { entrancesOf } from '../../src/policy/rules/match.ts'
import { mergeRouteRules } from '../../src/policy/rules/merge-routes.ts'
import type { Policy, RuleOrigin } from '../../src/policy/rules/policy.ts'
import { PolicyIndex } from '../../src/policy/rules/policy-index.ts'
import type { ResourceRule } from '../../src/policy/rules/policy-set.ts'
import { ProxyRules } from '../../src/policy/rules/proxy-rules.ts'
import { filesUnder, readText, readTextIfThere, yamlDocuments } from './data.ts'
import { jsonDifference } from './difference.ts'
import { dataplaneKindForms, type Held, resourceRuleForms } from './rules-meta.ts'
import type { ConformanceCase, ConformanceSuite } from './suite.ts'

/** Matching, order and merging of policies, as the goldens of Kuma's policy engine have them (`pkg/plugins/policies/core`). */
export const rulesSuite: ConformanceSuite = {
  name: 'rules',
  open(dataFolder) {
    const core = join(dataFolder, 'pkg/plugins/policies/core')
    const rules = join(core, 'rules')
    const matched = join(core, 'matchers/testdata/matchedpolicies')
    return {
      cases: [
        ...resourceRuleCases(join(rules, 'outbound/testdata')),
        ...inputCases(join(rules, 'outbound/testdata'), 'sort', sortedItems),
        ...inputCases(join(rules, 'inbound/testdata'), 'inboundrules', policies => ({
          rules: showInbound(setOf(policies).inboundRules()),
        })),
        ...inputCases(join(rules, 'testdata/rules'), 'single', singleConf),
        ...matchedCases(matched, 'dataplanepolicies', matchedPolicies),
        ...matchedCases(matched, 'torules', toRules),
        ...matchedCases(matched, 'meshexternalservice', toRules),
        ...matchedCases(matched, 'fromrules', fromRules),
        ...dataplaneKindCases(matched),
      ],
    }
  },
}

function resourceRuleCases(folder: string): ConformanceCase[] {
  return inputsOf(folder, 'resourcerules').flatMap(({ name, path }) =>
    Object.entries(resourceRuleForms).map(([form, rewrite]) => ({
      name: `${name}/${form}`,
      run() {
        const held = readResources(folder, path).map(resource =>
          resource.kind === 'Mesh' ? { resource, nameExtensions: null } : rewrite(resource),
        )
        const policies = held.map(({ resource }) => resource as Policy).filter(({ name }) => name.includes('matched-for-rules'))
        const found = setOf(policies).resourceRules(kind => held.map(({ resource }) => resource).filter(resource => resource.kind === kind))
        return jsonDifference(showResourceRules(found, held), goldenOf(folder, `${name}/${form}`))
      },
    })),
  )
}

function inputCases(folder: string, below: string, run: (policies: readonly Policy[]) => unknown): ConformanceCase[] {
  return inputsOf(folder, below).map(({ name, path }) => ({
    name,
    run: () => jsonDifference(run(readResources(folder, path)), goldenOf(folder, name)),
  }))
}

/** The policies of the kind that a case is about: routes beside others are there to be pointed at. */
interface Matched {
  readonly dataplane: Dataplane
  readonly index: PolicyIndex
  readonly all: readonly Resource[]
}

function matchedCases(folder: string, below: string, show: (matched: Matched) => unknown): ConformanceCase[] {
  return filesUnder(join(folder, below), path => path.endsWith('.dataplane.yaml')).map(path => {
    const name = `${below}/${path.slice(0, -'.dataplane.yaml'.length)}`
    return {
      name: `matchedpolicies/${name}`,
      run() {
        const external = readTextIfThere(folder, `${name}.mes.yaml`) === undefined ? [] : readResources(folder, `${name}.mes.yaml`)
        const policies = readResources(folder, `${name}.policies.yaml`)
        const [dataplane] = readResources(folder, `${name}.dataplane.yaml`)
        return jsonDifference(
          show({ dataplane: dataplane as Dataplane, index: indexOf(policies), all: [...policies, ...external] }),
          goldenOf(folder, name),
        )
      },
    }
  })
}

function dataplaneKindCases(folder: string): ConformanceCase[] {
  const below = 'dataplane-kind'
  return filesUnder(join(folder, below), path => path.endsWith('.dataplane.yaml')).flatMap(path => {
    const name = `${below}/${path.slice(0, -'.dataplane.yaml'.length)}`
    return Object.entries(dataplaneKindForms).map(([form, { dataplane, policy }]) => ({
      name: `matchedpolicies/${name}/${form}`,
      run() {
        const [read] = readResources(folder, `${name}.dataplane.yaml`)
        const policies = readResources(folder, `${name}.policies.yaml`).map(read => policy(read).resource as Policy)
        const matched = { dataplane: dataplane(read!).resource as Dataplane, index: indexOf(policies), all: policies }
        return jsonDifference(matchedPolicies(matched), goldenOf(folder, `${name}/${form}`))
      },
    }))
  })
}

function matchedPolicies({ dataplane, index }: Matched): unknown {
  return { items: new ProxyRules(index, { dataplane, gateways: [] }).policies.map(show), next: null, total: 0 }
}

function toRules({ dataplane, index, all }: Matched): unknown {
  const rules = new ProxyRules(index, { dataplane, gateways: [] })
  const found = rules.resourceRules(kind => all.filter(resource => resource.kind === kind))
  return { ResourceRules: showResourceRules(found, []) }
}

function fromRules({ dataplane, index }: Matched): unknown {
  const rules = new ProxyRules(index, { dataplane, gateways: [] })
  const entries = entrancesOf(dataplane).map(entrance => {
    const { address } = entrance as { readonly address?: string }
    const shown = showInbound(rules.inboundRulesFor(entrance))
    return [`${address ?? dataplane.spec.networking.address}:${entrance.port}`, shown] as const
  })
  return { InboundRules: Object.fromEntries(entries.filter(([, shown]) => shown.length > 0)) }
}

function sortedItems(policies: readonly Policy[]): unknown {
  return PolicyIndex.of(policies).toEntries.map(({ origin, item }) => ({
    Entry: item,
    Meta: meta(origin.policy),
    RuleIndex: origin.ruleIndex,
    TopLevel: origin.policy.spec.targetRef ?? { kind: 'Mesh' },
  }))
}

function singleConf(policies: readonly Policy[]): unknown {
  const { conf, origins } = setOf(policies).proxyConf()!
  return { Conf: conf, Origin: origins.map(({ policy }) => meta(policy)) }
}

function showResourceRules(rules: readonly ResourceRule[], held: readonly Held[]): unknown {
  const origin = ({ policy, ruleIndex }: RuleOrigin) => ({ Resource: goMeta(policy, held), RuleIndex: ruleIndex })
  return Object.fromEntries(
    rules.map(({ kri, conf, origins, layers, resource, section }) => [
      kri,
      {
        Conf: [conf],
        Origin: origins.map(origin),
        OriginByMatches: Object.fromEntries(
          origins[0]?.policy.kind === 'MeshHTTPRoute'
            ? mergeRouteRules(layers).map(rule => [matchesHash(rule.matches), origin(rule.origin)])
            : [],
        ),
        Resource: resource.kind === 'Mesh' ? meta(resource) : goMeta(resource, held),
        ResourceSectionName: section,
      },
    ]),
  )
}

function showInbound(rules: readonly InboundRule[]) {
  return rules.map(({ conf, match, origin }) => ({
    conf,
    match: match ?? null,
    origin: { Resource: meta(origin.policy), RuleIndex: origin.ruleIndex },
  }))
}

const zeroTime = '0001-01-01T00:00:00Z'

/** A resource's envelope as Kuma's API shows it. */
function meta(resource: Resource): unknown {
  const { kind, mesh, name, labels } = resource
  return {
    creationTime: zeroTime,
    kri: kriOf(resource),
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(mesh === '' ? {} : { mesh }),
    modificationTime: zeroTime,
    name,
    type: kind,
  }
}

/** As a Go struct. */
function goMeta(resource: Resource, held: readonly Held[]): unknown {
  return {
    CreationTime: zeroTime,
    Labels: resource.labels,
    Mesh: resource.mesh,
    ModificationTime: zeroTime,
    Name: resource.name,
    NameExtensions: held.find(one => one.resource === resource)?.nameExtensions ?? null,
    Version: '',
  }
}

function show(resource: Resource): unknown {
  const { creationTime, modificationTime, ...rest } = toWire(resource)
  return { ...rest, creationTime: zeroTime, modificationTime: zeroTime }
}

function setOf(policies: readonly Policy[]) {
  const index = PolicyIndex.of(policies)
  return index.setOf([...index.policies.keys()])
}

function indexOf(resources: readonly Policy[]): PolicyIndex {
  const kinds = [...new Set(resources.map(resource => resource.kind))]
  const kind = kinds.length === 1 ? kinds[0] : kinds.find(one => one !== 'MeshHTTPRoute')
  return PolicyIndex.of(resources.filter(resource => resource.kind === kind))
}

function inputsOf(folder: string, below: string): { name: string; path: string }[] {
  const ending = '.input.yaml'
  return filesUnder(join(folder, below), path => path.endsWith(ending)).map(path => ({
    name: `${below}/${path.slice(0, -ending.length)}`,
    path: join(below, path),
  }))
}

function goldenOf(folder: string, name: string): unknown {
  return parse(readText(folder, `${name}.golden.yaml`))
}

/** Read leniently, as Kuma's decoder does it: fields that were removed are dropped, defaults filled in, labels stay as they are. */
function readResources(folder: string, path: string): Policy[] {
  return yamlDocuments(readText(folder, path)).map(document => {
    const read = fromWire(document, { strict: false })
    if (read.kind === 'invalid')
      throw new Error(`cannot read ${document.type} ${document.name}: ${read.violations.map(({ field, reason }) => `${field}: ${reason}`)}`)
    const spec = completeSpec(read.definition, read.draft.spec)
    return { ...read.draft, spec, creationTime: zeroTime, modificationTime: zeroTime, revision: 1 } as Policy
  })
}
