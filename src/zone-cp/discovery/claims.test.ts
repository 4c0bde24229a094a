import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FoundWorkload } from '../../adapters/adapter.ts'
import { anItem } from '../../adapters/test-support.ts'
import type { Dataplane } from '../../model/kinds/dataplane.ts'
import type { DiscoverySourceType } from '../../model/kinds/discovery-source.ts'
import { aDraft } from '../testing.ts'
import { type Claim, judgeClaims } from './claims.ts'

function aClaim(key: string, type: DiscoverySourceType, over: Partial<FoundWorkload> = {}): Claim {
  const { outcome } = anItem(key, over)
  return { key, type, source: `default/${type}`, workload: (outcome as { workload: FoundWorkload }).workload }
}

function verdictsOf(claims: readonly Claim[], proxied: readonly Dataplane[] = []) {
  return Object.fromEntries(
    [...judgeClaims(claims, proxied)].map(([key, verdict]) => [key, verdict.kind === 'shadowed' ? `behind ${verdict.by}` : verdict.kind]),
  )
}

const dataplane = (name: string, options?: Parameters<typeof aDraft>[1]) => aDraft(name, options) as unknown as Dataplane

test('of two sources that find the same address and port, the nearer one counts, in whatever order they come', () => {
  const claims = [aClaim('dns', 'DNS'), aClaim('vm', 'EC2'), aClaim('task', 'ECS')]

  const expected = { task: 'dataplane', vm: 'behind default/ECS', dns: 'behind default/ECS' }
  assert.deepEqual(verdictsOf(claims), expected)
  assert.deepEqual(verdictsOf(claims.toReversed()), expected)
})

test('other ports at the same address are other workloads', () => {
  const other = { ports: [{ name: 'http', port: 9090, protocol: 'http' as const }] }

  assert.deepEqual(verdictsOf([aClaim('a', 'ECS'), aClaim('b', 'EC2', other)]), { a: 'dataplane', b: 'dataplane' })
})

test('one that a proxy registered is that one: by its workload or its port, and by its address alone only with a proxy of its own', () => {
  const proxied = [dataplane('web-1', { workload: 'web' })]

  assert.deepEqual(verdictsOf([aClaim('same', 'ECS', { ports: [] })], proxied), { same: 'joined' })
  assert.deepEqual(verdictsOf([aClaim('port', 'ECS', { workload: 'x' })], proxied), { port: 'joined' })
  const elsewhere = { workload: 'x', ports: [{ name: 'h', port: 99, protocol: 'http' as const }] }
  assert.deepEqual(verdictsOf([aClaim('other', 'ECS', elsewhere)], proxied), { other: 'dataplane' })
  assert.deepEqual(verdictsOf([aClaim('sidecar', 'ECS', { ...elsewhere, hasSidecar: true })], proxied), { sidecar: 'joined' })
  assert.deepEqual(verdictsOf([aClaim('sidecar', 'ECS', { hasSidecar: true })]), { sidecar: 'awaited' })
})

test('functions share the address of their platform', () => {
  const lambda = (name: string) => ({
    lambda: { arn: `arn:aws:lambda:eu-central-1:123456789012:function:${name}`, payload: 'http-2.0' as const },
  })

  assert.deepEqual(verdictsOf([aClaim('a', 'Lambda', lambda('a')), aClaim('b', 'Lambda', lambda('b')), aClaim('c', 'EC2')]), {
    a: 'dataplane',
    b: 'dataplane',
    c: 'dataplane',
  })
})
