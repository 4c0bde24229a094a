import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boundListeners, metricsOf, underWay } from './envoy-state.ts'

test('what accepts is bound, and what was refused says why', () => {
  const listeners = JSON.stringify({ listener_statuses: [{ name: 'b', local_address: {} }, { name: 'a' }] })
  const refused = JSON.stringify({ configs: [{ name: 'a' }, { name: 'c', error_state: { details: 'address in use' } }] })

  assert.deepEqual(boundListeners(listeners, refused), { listeners: ['a', 'b'], failures: [{ listener: 'c', reason: 'address in use' }] })
  assert.deepEqual(boundListeners('{}', '{}'), { listeners: [], failures: [] })
})

test('requests of its administration keep an Envoy from nothing', () => {
  const stats = [
    { name: 'http.admin.downstream_rq_active', value: 1 },
    { name: 'http.self_inbound_dp_main.downstream_rq_active', value: 2 },
    { name: 'tcp.cache.downstream_cx_active', value: 3 },
    {},
  ]

  assert.equal(underWay(JSON.stringify({ stats })), 5)
})

test('of many metrics the wanted ones are read with their labels', () => {
  const text = '# TYPE envoy_a counter\nenvoy_a{envoy_cluster_name="x y"} 7\nenvoy_b{} 1\n'

  assert.deepEqual([...metricsOf(text, ['envoy_a'])], [['envoy_a{envoy_cluster_name="x y"}', 7]])
})
