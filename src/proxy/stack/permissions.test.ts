import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Permissions } from '../compile/table.ts'
import { isPermitted, PermissionCheck } from './permissions.ts'

const web = 'spiffe://default.azure-1.mesh.local/workload/web'

test('deny comes first, and who is not allowed is refused', () => {
  const cases: [Permissions | null, string | null, boolean][] = [
    [null, null, true],
    [{ deny: [], allow: [] }, web, false],
    [{ deny: [], allow: [{ type: 'any' }] }, null, true],
    [{ deny: [], allow: [{ type: 'exact', value: web }] }, web, true],
    [{ deny: [], allow: [{ type: 'exact', value: web }] }, `${web}2`, false],
    [{ deny: [], allow: [{ type: 'prefix', value: 'spiffe://default.azure-1.mesh.local/' }] }, web, true],
    [{ deny: [], allow: [{ type: 'prefix', value: 'spiffe://default.azure-1.mesh.local/' }] }, null, false],
    [{ deny: [{ type: 'exact', value: web }], allow: [{ type: 'any' }] }, web, false],
    [{ deny: [{ type: 'any' }], allow: [{ type: 'any' }] }, web, false],
  ]
  for (const [permissions, peer, expected] of cases)
    assert.equal(isPermitted(permissions, peer), expected, JSON.stringify([permissions, peer]))
})

test('a verdict is kept until the rules are others', () => {
  const check = new PermissionCheck(web)
  assert.equal(check.permits({ deny: [], allow: [{ type: 'any' }] }), true)
  assert.equal(check.permits({ deny: [], allow: [] }), false)
  assert.equal(check.permits(null), true)
})
