import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Dataplane } from '../../model/kinds/dataplane.ts'
import { aResource, aView } from '../testing.ts'
import { isShadow, reaches, servedGateways } from './match.ts'
import type { Policy } from './policy.ts'
import { reachedBy } from './reach.ts'

function aProxy(name: string, labels: Record<string, string>, networking: object = { inbound: [{ name: 'http', port: 80 }] }): Dataplane {
  return aResource<Dataplane>('Dataplane', name, { networking: { address: '10.0.0.1', ...networking } }, labels)
}

const gateway = aResource('MeshGateway', 'edge', { selector: { matchLabels: { app: 'edge' } }, listeners: [] } as never)
const proxies = [
  aProxy('web-1', { app: 'web', 'kuma.io/origin': 'zone', 'kuma.io/zone': 'east' }),
  aProxy('web-2', { app: 'web', tier: 'front' }),
  aProxy('shop-1', { app: 'shop' }),
  aProxy('edge-1', { app: 'edge' }, { gateway: { type: 'BUILTIN' } }),
  aProxy('edge-2', { app: 'edge' }),
]
const view = aView('east', gateway, ...proxies)

const targetRef = fc.option(
  fc.record(
    {
      kind: fc.constantFrom('Mesh', 'Dataplane', 'MeshGateway'),
      labels: fc.record(
        {
          app: fc.constantFrom('web', 'shop', 'edge'),
          tier: fc.constant('front'),
          'kuma.io/display-name': fc.constantFrom('web-1', 'edge', 'nobody'),
        },
        { requiredKeys: [], noNullPrototype: true },
      ),
      sectionName: fc.constantFrom('http', '80', 'other'),
    },
    { requiredKeys: ['kind'], noNullPrototype: true },
  ),
  { nil: undefined },
)
const labels = fc.record(
  {
    'kuma.io/origin': fc.constantFrom('zone', 'global'),
    'kuma.io/zone': fc.constantFrom('east', 'west'),
    'kuma.io/policy-role': fc.constantFrom('producer', 'consumer'),
    'kuma.io/effect': fc.constant('shadow'),
  },
  { requiredKeys: [], noNullPrototype: true },
)

test('the proxies that a policy reaches are found without asking each', () => {
  fc.assert(
    fc.property(targetRef, labels, (targetRef, labels) => {
      const policy = aResource<Policy>(
        'MeshTimeout',
        'p',
        targetRef ? { targetRef: targetRef as never } : {},
        labels as Record<string, string>,
      )
      const asked = proxies.filter(
        dataplane => !isShadow(policy) && reaches(policy, { dataplane, gateways: servedGateways(dataplane, [gateway as never]) }),
      )
      assert.deepEqual(new Set(reachedBy(view, policy).map(({ name }) => name)), new Set(asked.map(({ name }) => name)))
    }),
  )
})

test('a policy for one workload looks at no other proxies', () => {
  const policy = aResource<Policy>('MeshTimeout', 'p', { targetRef: { kind: 'Dataplane', labels: { app: 'web' } } })
  const watched = aView('east', ...proxies)
  watched.list = () => assert.fail('all proxies are looked at')
  assert.deepEqual(
    reachedBy(watched, policy).map(({ name }) => name),
    ['web-1', 'web-2'],
  )
})
