import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromWire } from '../../../model/wire.ts'
import { type RouteFacts, type RouteSpec, routeFacts } from './route-objects.ts'
import { controllerName, parentsWithOurs } from './route-status.ts'
import { type FindService, translateRoute } from './translate-route.ts'

const web = { group: '', kind: 'Service', name: 'web' }
const findService: FindService = (namespace, name) =>
  ['web', 'web-v2', 'api'].includes(name)
    ? { meshService: `${name}-${namespace}`, portName: port => ({ 80: 'http', 90: '90' })[port] }
    : undefined

test('a route beside its Service is for all callers of it, and is a valid MeshHTTPRoute', () => {
  const spec = specOf('HTTPRoute', {
    parentRefs: [{ ...web, port: 80 }],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/v2/' }, method: 'GET', headers: [{ name: 'X-Canary', value: 'yes' }] }],
        filters: [
          { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'X-Way', value: 'mesh' }], remove: ['X-Old'] } },
          { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } },
          { type: 'RequestMirror', requestMirror: { backendRef: { name: 'api', port: 90 }, percent: 10 } },
        ],
        backendRefs: [
          { name: 'web', port: 80, weight: 9 },
          { name: 'web-v2', port: 80, weight: 1 },
        ],
      },
      {},
    ],
  })

  assert.deepEqual(fromWire({ type: 'MeshHTTPRoute', mesh: 'default', name: 'r', spec }, { strict: true }).kind, 'ok')
  assert.equal(spec.targetRef, undefined)
  const [to] = spec.to
  assert.deepEqual(to!.targetRef, {
    kind: 'MeshService',
    labels: { 'kuma.io/display-name': 'web-shop', 'kuma.io/zone': 'east' },
    sectionName: 'http',
  })
  assert.deepEqual(to!.rules[0]!.matches, [
    { path: { type: 'PathPrefix', value: '/v2' }, method: 'GET', headers: [{ type: 'Exact', name: 'x-canary', value: 'yes' }] },
  ])
  assert.deepEqual(
    to!.rules[0]!.default.backendRefs!.map(({ labels, weight }) => [labels['kuma.io/display-name'], weight]),
    [
      ['web-shop', 9],
      ['web-v2-shop', 1],
    ],
  )
  assert.deepEqual(to!.rules[1], { matches: [{ path: { type: 'PathPrefix', value: '/' } }], default: {} })
})

test('a route in another namespace than its Service is for the callers of its own', () => {
  const spec = specOf('HTTPRoute', { parentRefs: [{ ...web, namespace: 'other' }] })

  assert.deepEqual(spec.targetRef, { kind: 'Dataplane', labels: { 'k8s.kuma.io/namespace': 'shop' } })
  assert.equal(spec.to[0]!.targetRef.labels!['kuma.io/display-name'], 'web-other')
})

test('a GRPCRoute is about paths, whatever of service and method it names', () => {
  const pathOf = (method: object) =>
    specOf('GRPCRoute', { parentRefs: [web], rules: [{ matches: [{ method }] }] }).to[0]!.rules[0]!.matches[0]!.path
  assert.deepEqual(pathOf({ service: 'shop.Cart', method: 'Add' }), { type: 'Exact', value: '/shop.Cart/Add' })
  assert.deepEqual(pathOf({ service: 'shop.Cart' }), { type: 'PathPrefix', value: '/shop.Cart' })
  assert.deepEqual(pathOf({ method: 'Add' }), { type: 'RegularExpression', value: '/[^/]+/Add' })
  assert.deepEqual(pathOf({ type: 'RegularExpression', service: 'shop[.].*' }), {
    type: 'RegularExpression',
    value: '/(?:shop[.].*)/[^/]+',
  })
})

test('a route of which one part cannot be taken over is left out as a whole, with the reason of the Gateway API', () => {
  const reasonsOf = (spec: RouteSpec) => {
    const translated = translateRoute(aRoute('HTTPRoute', spec), 'east', findService)
    assert.equal(translated.kind, 'left-out')
    return translated.parents.map(({ accepted, resolved }) => [accepted.reason, resolved.reason].join(', '))
  }
  const rule = { backendRefs: [{ name: 'web', port: 80 }] }
  assert.deepEqual(reasonsOf({ parentRefs: [web], rules: [rule, { timeouts: { request: '1s' } }] }), ['UnsupportedValue, ResolvedRefs'])
  assert.deepEqual(reasonsOf({ parentRefs: [web], rules: [{ filters: [{ type: 'ExtensionRef' }] }] }), ['UnsupportedValue, ResolvedRefs'])
  assert.deepEqual(reasonsOf({ parentRefs: [{ ...web, name: 'none' }] }), ['NoMatchingParent, ResolvedRefs'])
  assert.deepEqual(reasonsOf({ parentRefs: [{ ...web, port: 81 }] }), ['NoMatchingParent, ResolvedRefs'])
  assert.deepEqual(reasonsOf({ parentRefs: [web], rules: [{ backendRefs: [{ name: 'none', port: 80 }] }] }), ['Accepted, BackendNotFound'])
  assert.deepEqual(reasonsOf({ parentRefs: [web], rules: [{ backendRefs: [{ name: 'web', namespace: 'other', port: 80 }] }] }), [
    'Accepted, RefNotPermitted',
  ])
  assert.deepEqual(reasonsOf({ parentRefs: [web], rules: [{ backendRefs: [{ group: 'x', kind: 'Bucket', name: 'b' }] }] }), [
    'Accepted, InvalidKind',
  ])
  assert.deepEqual(reasonsOf({ parentRefs: [{ name: 'gateway' }] }), [])
})

test('the status of a route has our words beside those of others, and is written when they change', () => {
  const theirs = { parentRef: { name: 'gateway' }, controllerName: 'example.com/other', conditions: [] }
  const route = { ...aRoute('HTTPRoute', { parentRefs: [web] }), parents: [theirs] }
  const { parents: verdicts } = translateRoute(route, 'east', findService)

  const written = parentsWithOurs(route, verdicts, '2026-01-01T00:00:00Z')!
  assert.deepEqual(
    written.map(it => it.controllerName),
    ['example.com/other', controllerName],
  )
  assert.deepEqual(
    written[1]!.conditions!.map(it => `${it.type} ${it.status} ${it.observedGeneration}`),
    ['Accepted True 3', 'ResolvedRefs True 3'],
  )

  const after = { ...route, parents: written }
  assert.equal(parentsWithOurs(after, verdicts, '2026-01-02T00:00:00Z'), null)
  const changed = parentsWithOurs({ ...after, generation: 4 }, verdicts, '2026-01-02T00:00:00Z')!
  assert.equal(changed[1]!.conditions![0]!.lastTransitionTime, '2026-01-01T00:00:00Z', 'its status is the same')
  assert.deepEqual(parentsWithOurs(after, [], '2026-01-02T00:00:00Z'), [theirs])
})

function aRoute(kind: RouteFacts['kind'], spec: RouteSpec): RouteFacts {
  return routeFacts(kind, { metadata: { uid: 'r', name: 'r', namespace: 'shop', generation: 3 }, spec })
}

function specOf(kind: RouteFacts['kind'], spec: RouteSpec) {
  const translated = translateRoute(aRoute(kind, spec), 'east', findService)
  return translated.kind === 'route' ? translated.spec : assert.fail(JSON.stringify(translated.parents))
}
