import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Resource } from '../model/resource.ts'
import { anInstance, aResource, aService, aView } from '../policy/testing.ts'
import type { ResourceChange } from '../registry/change-batch.ts'
import { traceChange } from './trace-change.ts'

const mesh = [anInstance('web-1', 'web'), anInstance('web-2', 'web'), anInstance('orders-1', 'orders'), aService('orders', 'azure-1')]

function aTimeout(targetRef: object | undefined): Resource {
  const to = [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: '1s' } }]
  return aResource('MeshTimeout', 'timeout', { ...(targetRef ? { targetRef } : {}), to } as never)
}

const forWorkload = (workload: string) => aTimeout({ kind: 'Dataplane', labels: { 'kuma.io/workload': workload } })

function touched(was: Resource | undefined, now: Resource | undefined) {
  const before = aView('azure-1', ...mesh, ...(was ? [was] : []))
  const after = aView('azure-1', ...mesh, ...(now ? [now] : []))
  const change: ResourceChange = now
    ? { kind: 'put', resource: now, ...(was ? { previous: was } : {}) }
    : { kind: 'delete', key: { kind: was!.kind, mesh: was!.mesh, name: was!.name }, previous: was!, revision: 2 }
  return traceChange(before, after, change)
    .map(part => (part.kind === 'proxy' ? part.name : part.kind))
    .sort()
}

test('a policy touches the proxies that it reaches, and those that it reached', () => {
  assert.deepEqual(touched(undefined, forWorkload('web')), ['web-1', 'web-2'])
  assert.deepEqual(touched(forWorkload('web'), forWorkload('orders')), ['orders-1', 'web-1', 'web-2'])
  assert.deepEqual(touched(forWorkload('orders'), undefined), ['orders-1'])
  assert.deepEqual(touched(undefined, forWorkload('billing')), [])
})

test('a policy for the whole mesh touches every proxy, also when it no longer is', () => {
  assert.deepEqual(touched(undefined, aTimeout(undefined)), ['mesh'])
  assert.deepEqual(touched(aTimeout({ kind: 'Mesh' }), forWorkload('web')), ['mesh'])
})
