import fc from 'fast-check'
import type { Dataplane } from '../../src/model/kinds/dataplane.ts'
import type { Resource } from '../../src/model/resource.ts'
import type { Policy, RouteRuleItem } from '../../src/policy/rules/policy.ts'

/** Small meshes in which policies meet often: few names, labels and values. */

type Labels = Readonly<Record<string, string>>

export function resource<R extends Resource>(kind: string, name: string, spec: unknown, labels: Labels = {}, mesh = 'default'): R {
  const times = { creationTime: '2026-01-01T00:00:00Z', modificationTime: '2026-01-01T00:00:00Z' }
  return { kind, mesh, name, labels, spec, revision: 1, ...times } as Resource as R
}

/** With more labels, or others. */
export const withLabels = <R extends Resource>(one: R, labels: Labels): R => ({ ...one, labels: { ...one.labels, ...labels } })

export const mesh = resource('Mesh', 'default', {}, {}, '')

const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const labelsOf = (values: Record<string, readonly string[]>) =>
  fc.record(Object.fromEntries(Object.entries(values).map(([label, all]) => [label, fc.constantFrom(...all)])), {
    requiredKeys: [],
    noNullPrototype: true,
  }) as fc.Arbitrary<Labels>

const sectionNames = ['http', 'admin', '80', '81'] as const
const entrance = fc.record(
  { name: fc.constantFrom('http', 'admin'), port: fc.constantFrom(80, 81, 82) },
  { requiredKeys: ['port'], noNullPrototype: true },
)

const selecting = labelsOf({ app: ['web', 'shop'], version: ['v1', 'v2'], 'kuma.io/display-name': ['dp-1', 'dp-2'] })

export const dataplane = fc
  .record({
    name: fc.constantFrom('dp-1', 'dp-2'),
    labels: labelsOf({
      app: ['web', 'shop'],
      version: ['v1', 'v2'],
      'kuma.io/display-name': ['dp-1', 'dp-2'],
      'kuma.io/origin': ['zone', 'global'],
      'kuma.io/zone': ['east', 'west'],
      'k8s.kuma.io/namespace': ['ns-1', 'ns-2'],
    }),
    inbound: fc.array(entrance, { maxLength: 3 }),
    listeners: fc.array(entrance, { maxLength: 1 }),
    gateway: some(fc.constant({ type: 'DELEGATED' })),
  })
  .map(({ name, labels, gateway, inbound, listeners }) => {
    const networking = {
      address: '10.0.0.1',
      inbound,
      ...(gateway ? { gateway } : {}),
      listeners: listeners.map(one => ({ ...one, type: 'ZoneIngress', address: '10.0.0.1' })),
    }
    return resource<Dataplane>('Dataplane', name, { networking }, labels)
  })

/** A configuration: settings, a block, a list that replaces and one that is appended. */
export const conf: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc.record(
  {
    a: fc.constantFrom(1, 2, 3),
    block: fc.record(
      { b: fc.constantFrom(1, 2), deep: fc.record({ c: fc.constantFrom('x', 'y') }, { requiredKeys: [] }) },
      { requiredKeys: [] },
    ),
    list: fc.array(fc.constantFrom('p', 'q'), { maxLength: 2 }),
    appendList: fc.array(fc.constantFrom('m', 'n'), { maxLength: 2 }),
    none: fc.constant(null),
  },
  { requiredKeys: [], noNullPrototype: true },
)

const topRef = some(
  fc.record(
    { kind: fc.constantFrom('Mesh', 'Dataplane'), labels: selecting, sectionName: fc.constantFrom(...sectionNames, '') },
    { requiredKeys: ['kind'], noNullPrototype: true },
  ),
)

const toRef = fc.record(
  {
    kind: fc.constantFrom('Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute'),
    labels: labelsOf({ 'kuma.io/display-name': ['one', 'two'], env: ['dev', 'prod'] }),
    sectionName: fc.constantFrom('http', 'admin', '80'),
  },
  { requiredKeys: ['kind'], noNullPrototype: true },
)

const id = fc.record({ type: fc.constantFrom('Exact', 'Prefix'), value: fc.constantFrom('spiffe://x/a', 'spiffe://x/') })
const match = fc.record({ spiffeID: id, sni: fc.constant({ type: 'Exact', value: 'sni.x' }) }, { requiredKeys: [], noNullPrototype: true })

const policyLabels = labelsOf({
  'kuma.io/display-name': ['a', 'b', 'c'],
  'kuma.io/origin': ['zone', 'global'],
  'kuma.io/zone': ['east', 'west'],
  'kuma.io/policy-role': ['system', 'producer', 'consumer', 'workload-owner', 'unheard-of'],
  'k8s.kuma.io/namespace': ['ns-1', 'ns-2'],
})

/** Of one kind; each has `to`, `rules` and a `default`, so that one world tests all three. */
export const policies = fc
  .uniqueArray(
    fc.record({
      name: fc.stringMatching(/^[a-d]{1,2}$/),
      labels: policyLabels,
      shadow: fc.nat({ max: 5 }),
      targetRef: topRef,
      to: fc.array(fc.record({ targetRef: toRef, default: conf }, { noNullPrototype: true }), { maxLength: 3 }),
      rules: fc.array(
        fc.record({ matches: fc.array(match, { maxLength: 2 }), default: conf }, { requiredKeys: ['default'], noNullPrototype: true }),
        { maxLength: 2 },
      ),
      default: some(conf),
    }),
    { selector: ({ name }) => name, maxLength: 6 },
  )
  .map(all =>
    all.map(({ name, labels, shadow, targetRef, ...spec }) => {
      const marked = shadow === 0 ? { ...labels, 'kuma.io/effect': 'shadow' } : labels
      return resource<Policy>('MeshTimeout', name, { ...(targetRef ? { targetRef } : {}), ...spec }, marked)
    }),
  )

const port = fc.constantFrom({ name: 'http', port: 80 }, { name: 'admin', port: 81 }, { port: 80 })
const specs = {
  MeshService: (ports: unknown) => ({ ports }),
  MeshMultiZoneService: (ports: unknown) => ({ ports, selector: {} }),
  MeshExternalService: () => ({ match: { port: 80 } }),
  MeshHTTPRoute: () => ({ to: [] }),
} as const

/** What calls can go to, and routes. */
export const destinations = fc
  .uniqueArray(
    fc.record({
      kind: fc.constantFrom(...(Object.keys(specs) as (keyof typeof specs)[])),
      name: fc.constantFrom('s-1', 's-2', 's-3', 's-4'),
      labels: labelsOf({ 'kuma.io/display-name': ['one', 'two'], env: ['dev', 'prod'], 'k8s.kuma.io/namespace': ['ns-1', 'ns-2'] }),
      ports: fc.uniqueArray(port, { selector: ({ port }) => port, minLength: 1, maxLength: 2 }),
    }),
    // Two of one identity would be one resource.
    {
      selector: ({ kind, name, labels }) => `${kind}/${labels['k8s.kuma.io/namespace']}/${labels['kuma.io/display-name'] ?? name}`,
      maxLength: 5,
    },
  )
  .map(all => all.map(({ kind, name, labels, ports }) => resource(kind, name, specs[kind](ports), labels)))

export const routePolicies: fc.Arbitrary<readonly RouteRuleItem[][]> = fc.array(
  fc.array(
    fc.record({
      matches: fc.array(
        fc.constantFrom({ path: { type: 'Exact', value: '/' } }, { path: { type: 'PathPrefix', value: '/a' } }, { method: 'GET' }),
        { minLength: 1, maxLength: 2 },
      ),
      default: conf,
    }),
    { maxLength: 3 },
  ),
  { maxLength: 4 },
)

/** A namespace on Kubernetes; '' = none. */
export const namespace = fc.constantFrom('', 'ns-1', 'ns-2')

export function inNamespace(name: string): Record<string, string> {
  return name === '' ? {} : { 'k8s.kuma.io/namespace': name }
}
