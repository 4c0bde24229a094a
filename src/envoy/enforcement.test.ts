import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kinds } from '../model/kinds/index.ts'
import { enforcement, enforces, unenforced } from './enforcement.ts'
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
