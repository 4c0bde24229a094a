import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kinds } from '../model/kinds/index.ts'
import { enforcement, enforces, notDone, unenforced } from './enforcement.ts'
import { anInbound, aProxyPlan, aServiceCluster } from './test-plans.ts'

test('every policy kind stands in the table', () => {
  const policies = kinds.filter(kind => kind.policy).map(kind => kind.kind)
  assert.deepEqual(Object.keys(enforcement).sort(), policies.sort())
})

test('a path stands for what is under it, and for nothing that only begins alike', () => {
  assert.ok(enforces('MeshRetry', 'http.backOff.baseInterval', 'skerry'))
  assert.ok(!enforces('MeshRetry', 'http.backOffice', 'skerry'))
  assert.ok(!enforces('MeshHealthCheck', 'interval', 'skerry'))
  assert.ok(enforces('MeshHealthCheck', 'interval', 'envoy'))
})

test('what a policy sets and a data plane does not do is reported on the policy; defaults are not', () => {
  const settings = {
    MeshHealthCheck: [{ path: 'interval', value: '5s', origin: 'kri_mhc_default___probe_#0' }],
    MeshTimeout: [
      { path: 'connectionTimeout', value: '2s', origin: 'kri_mt_default___fast_#0' },
      { path: 'http.maxConnectionDuration', value: '0s', origin: 'default' },
    ],
  }
  const limit = { match: null, value: { http: null, tcp: { count: 1, intervalMs: 1000 } }, origin: 'kri_mrl_default___few_#0' }
  const plan = aProxyPlan({ clusters: [aServiceCluster({ settings })], listeners: [anInbound({ rateLimits: [limit] })] })

  assert.deepEqual(
    unenforced(plan, 'skerry').map(({ resource }) => resource),
    ['kri_mhc_default___probe_', 'kri_mrl_default___few_'],
  )
  assert.deepEqual(unenforced(plan, 'envoy'), [])
})

test('a value that a data plane treats otherwise is reported, and one that it knows is not', () => {
  const reported = (kind: string, path: string, value: string, client: 'skerry' | 'envoy' | 'grpc') => {
    const settings = { [kind]: [{ path, value, origin: 'kri_x_default___p_#0' }] }
    return unenforced(aProxyPlan({ clusters: [aServiceCluster({ settings })] }), client).length > 0
  }

  assert(reported('MeshLoadBalancingStrategy', 'loadBalancer.type', 'RingHash', 'skerry'))
  assert(!reported('MeshLoadBalancingStrategy', 'loadBalancer.type', 'RingHash', 'grpc'))
  assert(reported('MeshLoadBalancingStrategy', 'loadBalancer.type', 'LeastRequest', 'grpc'))
  assert(!reported('MeshLoadBalancingStrategy', 'loadBalancer.type', 'Maglev', 'envoy'))
  assert(reported('MeshLoadBalancingStrategy', 'hashPolicies[1].type', 'Cookie', 'grpc'))
  assert(!reported('MeshLoadBalancingStrategy', 'hashPolicies[0].type', 'Header', 'grpc'))
  assert(reported('MeshTLS', 'mode', 'Permissive', 'grpc'))
  assert(!reported('MeshTLS', 'mode', 'Strict', 'grpc'))
})

test('an Envoy that cannot learn hosts is reported where its Dataplane has an HTTP proxy port', () => {
  const plan = aProxyPlan({ listeners: [{ kind: 'http-proxy', name: 'http_proxy', address: '127.0.0.1', port: 3128 }] })

  assert.match(notDone(plan, 'envoy 1.36.4')[0]!.reason, /1\.37 or later/)
  assert.deepEqual(notDone(plan, 'envoy 1.40.0'), [])
  assert.deepEqual(notDone(aProxyPlan(), 'envoy 1.36.4'), [])
})
