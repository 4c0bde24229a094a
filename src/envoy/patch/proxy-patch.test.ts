import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProxyModification } from '../../model/kinds/mesh-proxy-patch.ts'
import { unenforced } from '../enforcement.ts'
import { proxyResources } from '../proxy-resources.ts'
import { toResourceJson } from '../resource-json.ts'
import { typeUrls } from '../resources.ts'
import { anApplication, anInbound, anOutbound, aProxyPlan, aServiceCluster } from '../test-plans.ts'

const origin = 'kri_mpp_default___patch_#0'

function aPlan(...modifications: ProxyModification[]) {
  return aProxyPlan({
    listeners: [anInbound(), anOutbound()],
    clusters: [anApplication(8080), aServiceCluster()],
    patches: modifications.map(modification => ({ modification, origin })),
  })
}

/** What an Envoy is told of one type, by name, in JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the JSON of Envoy's messages, read at a few places
function told(type: keyof typeof typeUrls, ...modifications: ProxyModification[]): Record<string, any> {
  const resources = proxyResources(aPlan(...modifications), 'envoy').filter(resource => resource.type === typeUrls[type])
  return Object.fromEntries(resources.map(resource => [resource.name, toResourceJson(resource)]))
}

const [application, service] = [anApplication(8080).name, aServiceCluster().name]
const [inbound, outbound] = [anInbound().name, anOutbound().name]
const problems = (...modifications: ProxyModification[]) => unenforced(aPlan(...modifications), 'envoy')

test('a value is merged into all clusters, or into those of one origin, whichever way its fields are named', () => {
  const all = told('cluster', { cluster: { operation: 'Patch', value: 'per_connection_buffer_limit_bytes: 1234' } })
  const some = told('cluster', { cluster: { operation: 'Patch', match: { origin: 'inbound' }, value: 'connectTimeout: 9s' } })

  assert.deepEqual([all[application]!.perConnectionBufferLimitBytes, all[service]!.perConnectionBufferLimitBytes], [1234, 1234])
  assert.equal(some[application]!.connectTimeout, '9s')
  assert.notEqual(some[service]!.connectTimeout, '9s')
})

test('whole resources come and go', () => {
  const value = 'name: extra\ntype: STATIC\nconnect_timeout: 1s\nload_assignment: { cluster_name: extra }'
  const clusters = told('cluster', { cluster: { operation: 'Add', value } }, { cluster: { operation: 'Remove', match: { name: service } } })

  assert.deepEqual(Object.keys(clusters).sort(), [application, 'extra'].sort())
})

test('single changes follow pointers into a resource', () => {
  const jsonPatches = [
    { op: 'replace' as const, path: '/connect_timeout', value: '7s' },
    { op: 'add' as const, path: '/altStatName', value: 'short' },
    { op: 'move' as const, from: '/altStatName', path: '/alt_stat_name' },
  ]
  const clusters = told('cluster', { cluster: { operation: 'Patch', match: { name: service }, jsonPatches } })

  assert.deepEqual([clusters[service]!.connectTimeout, clusters[service]!.altStatName], ['7s', 'short'])
})

test('filters are put before, after, first and last, changed and taken away', () => {
  const fault = (name: string) =>
    `name: ${name}\ntyped_config: { '@type': type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault }`
  const match = { name: 'envoy.filters.http.router' }
  const listeners = told(
    'listener',
    { httpFilter: { operation: 'AddBefore', match: { ...match, listenerName: outbound }, value: fault('before') } },
    { httpFilter: { operation: 'AddFirst', match: { origin: 'outbound' }, value: fault('first') } },
    {
      networkFilter: {
        operation: 'Patch',
        match: { name: 'envoy.filters.network.http_connection_manager' },
        value:
          "typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, server_name: skerry }",
      },
    },
    { networkFilter: { operation: 'Remove', match: { name: 'envoy.filters.network.http_connection_manager', listenerName: inbound } } },
  )

  const [manager] = listeners[outbound]!.filterChains[0].filters
  assert.deepEqual(
    manager.typedConfig.httpFilters.map((filter: { name: string }) => filter.name),
    ['first', 'before', 'envoy.filters.http.router'],
  )
  assert.equal(manager.typedConfig.serverName, 'skerry')
  assert.equal(listeners[inbound]!.filterChains[0].filters, undefined)
})

test('virtual hosts are changed where they stand: in routes of their own, and in those of a listener', () => {
  const patch: ProxyModification = { virtualHost: { operation: 'Patch', match: {}, value: 'include_request_attempt_count: true' } }

  assert.equal(told('routes', patch)[outbound]!.virtualHosts[0].includeRequestAttemptCount, true)
  assert.equal(
    told('listener', patch)[inbound]!.filterChains[0].filters.at(-1).typedConfig.routeConfig.virtualHosts[0].includeRequestAttemptCount,
    true,
  )
})

test('what cannot be applied is reported on its policy, and leaves everything else as it is', () => {
  const bad: ProxyModification = { cluster: { operation: 'Patch', value: 'no_such_field: 1' } }
  const unfit: ProxyModification = { cluster: { operation: 'Patch', jsonPatches: [{ op: 'remove', path: '/nothing/here' }] } }
  const good: ProxyModification = { cluster: { operation: 'Patch', value: 'connect_timeout: 9s' } }

  assert.equal(told('cluster', bad, unfit, good)[service]!.connectTimeout, '9s')
  assert.deepEqual(told('listener', bad, unfit), told('listener'))
  const [first, second, ...rest] = problems(bad, unfit, good)
  assert.deepEqual([first?.resource, second?.resource, rest], ['kri_mpp_default___patch_', 'kri_mpp_default___patch_', []])
  assert.match(first!.reason, /no_such_field/)
  assert.match(second!.reason, /jsonPatches\[0\] \(remove \/nothing\/here\)/)
})

test('nothing of it is for the built-in proxy', () => {
  const patch: ProxyModification = { cluster: { operation: 'Patch', value: 'connect_timeout: 9s' } }

  assert.deepEqual(proxyResources(aPlan(patch), 'skerry'), proxyResources(aPlan(), 'skerry'))
  assert.equal(unenforced(aPlan(patch), 'skerry').length, 1)
})
