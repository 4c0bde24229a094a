import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { permission } from '../model/kinds/access-role.ts'
import { kinds } from '../model/kinds/index.ts'
import { type Action, decideAccess, holds, narrow, type Rule, readableBy, sensitiveKinds } from './access.ts'
import { builtInRoles } from './built-in-roles.ts'

const ann = { name: 'ann', groups: [] }
const allowed = (rules: readonly Rule[], action: Action) => decideAccess(ann, rules, action).kind === 'allowed'

const scoped = (role: string, scope: { mesh?: string; zone?: string }) =>
  builtInRoles[role]!.rules.flatMap(rule => narrow(rule, scope) ?? [])

/** Who: rules. */
const principals: Record<string, readonly Rule[]> = {
  nobody: [],
  admin: builtInRoles.admin!.rules,
  operator: builtInRoles.operator!.rules,
  viewer: builtInRoles.viewer!.rules,
  auditor: builtInRoles.auditor!.rules,
  'shop-admin': scoped('mesh-admin', { mesh: 'shop' }),
  'shop-viewer': scoped('mesh-viewer', { mesh: 'shop' }),
  'east-operator': scoped('operator', { zone: 'east' }),
  'route-writer': [{ access: ['UPDATE'], types: ['MeshHTTPRoute'], names: ['pay'], mesh: 'shop' }],
}

const item = (verb: Action['verb'], kind: string, mesh: string | undefined, name: string, zone?: string): Action => ({
  verb,
  area: 'resources',
  kind,
  mesh,
  name,
  zone,
})

/** What: who may, of all there are. */
const table: readonly (readonly [string, Action, readonly string[]])[] = [
  ['read a route of shop', item('read', 'MeshHTTPRoute', 'shop', 'pay'), ['admin', 'operator', 'viewer', 'shop-admin', 'shop-viewer']],
  ['read a route of blog', item('read', 'MeshHTTPRoute', 'blog', 'pay'), ['admin', 'operator', 'viewer']],
  ['change that route of shop', item('update', 'MeshHTTPRoute', 'shop', 'pay'), ['admin', 'operator', 'shop-admin', 'route-writer']],
  ['change another route of shop', item('update', 'MeshHTTPRoute', 'shop', 'refund'), ['admin', 'operator', 'shop-admin']],
  ['make that route of shop', item('create', 'MeshHTTPRoute', 'shop', 'pay'), ['admin', 'operator', 'shop-admin']],
  [
    'delete a Dataplane of east',
    item('delete', 'Dataplane', 'shop', 'web-1', 'east'),
    ['admin', 'operator', 'shop-admin', 'east-operator'],
  ],
  ['delete a Dataplane of west', item('delete', 'Dataplane', 'shop', 'web-1', 'west'), ['admin', 'operator', 'shop-admin']],
  ['read the Mesh shop', item('read', 'Mesh', undefined, 'shop'), ['admin', 'operator', 'viewer', 'shop-admin', 'shop-viewer']],
  ['read the Mesh blog', item('read', 'Mesh', undefined, 'blog'), ['admin', 'operator', 'viewer']],
  ['change the Mesh shop', item('update', 'Mesh', undefined, 'shop'), ['admin', 'operator', 'shop-admin']],
  ['delete the Mesh shop', item('delete', 'Mesh', undefined, 'shop'), ['admin', 'operator']],
  ['read the Zone east', item('read', 'Zone', undefined, 'east', 'east'), ['admin', 'operator', 'viewer', 'east-operator']],
  ['read a Secret of shop', item('read', 'Secret', 'shop', 'key'), ['admin', 'shop-admin']],
  ['read a Secret of blog', item('read', 'Secret', 'blog', 'key'), ['admin']],
  ['write a GlobalSecret', item('create', 'GlobalSecret', undefined, 'key'), ['admin']],
  ['read a role', item('read', 'AccessRole', undefined, 'x'), ['admin', 'operator', 'viewer', 'auditor']],
  ['write a role', item('create', 'AccessRole', undefined, 'x'), ['admin']],
  ['bind a role', item('create', 'AccessRoleBinding', undefined, 'x'), ['admin']],
  ['make a proxy token of shop', { verb: 'write', area: 'tokens', kind: 'dataplane', mesh: 'shop' }, ['admin', 'operator', 'shop-admin']],
  ['make a proxy token of blog', { verb: 'write', area: 'tokens', kind: 'dataplane', mesh: 'blog' }, ['admin', 'operator']],
  ['make the zone token of east', { verb: 'write', area: 'tokens', kind: 'zone', zone: 'east' }, ['admin', 'operator', 'east-operator']],
  ['make the zone token of west', { verb: 'write', area: 'tokens', kind: 'zone', zone: 'west' }, ['admin', 'operator']],
  ['make a user token', { verb: 'write', area: 'tokens', kind: 'user' }, ['admin']],
  ['revoke a token', { verb: 'write', area: 'tokens', kind: 'revocation' }, ['admin', 'operator']],
  [
    'revoke a proxy token of shop',
    { verb: 'write', area: 'tokens', kind: 'revocation', mesh: 'shop' },
    ['admin', 'operator', 'shop-admin'],
  ],
  ['rotate a key', { verb: 'write', area: 'tokens', kind: 'key' }, ['admin']],
  ['make what is no token that is known', { verb: 'write', area: 'tokens' }, ['admin']],
  [
    'inspect a proxy of shop',
    { verb: 'read', area: 'inspect', mesh: 'shop', name: 'web-1' },
    ['admin', 'operator', 'viewer', 'shop-admin', 'shop-viewer'],
  ],
  ['inspect a proxy of blog', { verb: 'read', area: 'inspect', mesh: 'blog', name: 'web-1' }, ['admin', 'operator', 'viewer']],
  ['see the status', { verb: 'read', area: 'status' }, ['admin', 'operator', 'viewer', 'auditor']],
  ['change the status', { verb: 'write', area: 'status' }, ['admin']],
  ['read the audit log', { verb: 'read', area: 'audit' }, ['admin', 'auditor']],
  ['write the audit log', { verb: 'write', area: 'audit' }, ['admin']],
  [
    'see anything of routes',
    { verb: 'read', area: 'resources', kind: 'MeshHTTPRoute', scope: 'some' },
    ['admin', 'operator', 'viewer', 'shop-admin', 'shop-viewer', 'east-operator'],
  ],
  [
    'see anything of routes in blog',
    { verb: 'read', area: 'resources', kind: 'MeshHTTPRoute', mesh: 'blog', scope: 'some' },
    ['admin', 'operator', 'viewer', 'east-operator'],
  ],
  ['see any Zone', { verb: 'read', area: 'resources', kind: 'Zone', scope: 'some' }, ['admin', 'operator', 'viewer', 'east-operator']],
  [
    'write anything',
    { verb: 'write', area: 'resources', scope: 'some' },
    ['admin', 'operator', 'shop-admin', 'east-operator', 'route-writer'],
  ],
]

for (const [what, action, who] of table) {
  test(`who may ${what}`, () => {
    assert.deepEqual(
      Object.keys(principals).filter(name => allowed(principals[name]!, action)),
      who,
    )
  })
}

test('a refusal says what would do', () => {
  const decision = decideAccess({ name: 'ann', groups: ['viewer'] }, builtInRoles.viewer!.rules, item('update', 'Mesh', undefined, 'shop'))

  assert.deepEqual(decision, {
    kind: 'denied',
    reason: 'user "ann" (viewer) cannot update Mesh "shop": that needs UPDATE on Mesh',
    missing: 'UPDATE on Mesh',
  })
})

const someOf = <T>(values: readonly T[]) => fc.subarray([...values], { minLength: 1 })
const kindNames = kinds.map(({ kind }) => kind)
const aScope = fc.record({ mesh: fc.constantFrom('shop', 'blog'), zone: fc.constantFrom('east', 'west') }, { requiredKeys: [] })
const aRule: fc.Arbitrary<Rule> = fc
  .record(
    {
      access: someOf(permission.enum),
      types: fc.oneof(someOf(['Mesh', 'Secret', 'Dataplane', 'MeshHTTPRoute', 'Zone', 'AccessRole']), fc.constant(['*'])),
      names: someOf(['a', 'b', 'shop']),
    },
    { requiredKeys: ['access'] },
  )
  .chain(rule => aScope.map(scope => ({ ...rule, ...scope }) as Rule))
const anAction: fc.Arbitrary<Action> = fc.record(
  {
    verb: fc.constantFrom<Action['verb']>('read', 'create', 'update', 'delete', 'write'),
    area: fc.constantFrom<Action['area']>('resources', 'tokens', 'inspect', 'status', 'audit'),
    kind: fc.oneof(fc.constantFrom('dataplane', 'zone', 'user', 'revocation', 'key'), fc.constantFrom(...kindNames)),
    mesh: fc.constantFrom('shop', 'blog'),
    name: fc.constantFrom('a', 'b', 'c', 'shop'),
    zone: fc.constantFrom('east', 'west'),
  },
  { requiredKeys: ['verb', 'area'] },
)

test('nothing is allowed that no rule allows, and a rule more takes nothing away', () => {
  fc.assert(
    fc.property(fc.array(aRule), aRule, anAction, (rules, more, action) => {
      assert.equal(allowed([], action), false)
      if (allowed(rules, action)) assert.ok(allowed([...rules, more], action))
    }),
  )
})

test('within a mesh or a zone nothing is allowed that is not without', () => {
  fc.assert(
    fc.property(aRule, aScope, anAction, (rule, scope, action) => {
      const narrowed = narrow(rule, scope)
      if (narrowed && allowed([narrowed], action)) assert.ok(allowed([rule], action))
    }),
  )
})

test('whoever holds a rule by others may do all that it allows', () => {
  fc.assert(
    fc.property(fc.array(aRule, { maxLength: 6 }), aRule, anAction, (own, wanted, action) => {
      if (holds(own, wanted) && allowed([wanted], action)) assert.ok(allowed(own, action))
    }),
    { numRuns: 2000 },
  )
  fc.assert(fc.property(aRule, rule => assert.ok(holds([rule], rule) && holds(builtInRoles.admin!.rules, rule))))
})

test('what is sensitive is given by its name alone', () => {
  for (const kind of sensitiveKinds) {
    for (const verb of ['read', 'create', 'update', 'delete'] as const) {
      assert.equal(allowed([{ access: ['READ', 'CREATE', 'UPDATE', 'DELETE'] }], item(verb, kind, 'shop', 'a')), false, `${verb} ${kind}`)
    }
  }
})

test('a list shows what a look at each would', () => {
  fc.assert(
    fc.property(
      fc.array(aRule),
      fc.constantFrom('Mesh', 'Secret', 'Dataplane', 'Zone', 'MeshHTTPRoute'),
      fc.constantFrom('a', 'b', 'shop'),
      fc.constantFrom('shop', 'blog'),
      fc.constantFrom('east', 'west', undefined),
      (rules, kind, name, mesh, zone) => {
        const isGlobal = kind === 'Mesh' || kind === 'Zone'
        const resource = {
          kind,
          name,
          mesh: isGlobal ? '' : mesh,
          labels: (zone ? { 'kuma.io/zone': zone } : {}) as Record<string, string>,
          spec: {},
          creationTime: '',
          modificationTime: '',
          revision: 1,
        }
        const one = item('read', kind, isGlobal ? undefined : mesh, name, kind === 'Zone' ? name : zone)
        assert.equal(readableBy(rules, kind)?.(resource) ?? true, allowed(rules, one))
      },
    ),
    { numRuns: 1000 },
  )
})
