import assert from 'node:assert/strict'
import fc from 'fast-check'
import { kriOf } from '../../src/model/kri.ts'
import type { Policy } from '../../src/policy/rules/policy.ts'
import { type Law, law } from './law.ts'
import * as naive from './naive.ts'
import { conf, resource, routePolicies } from './worlds.ts'

/** How configurations become one, and who set what. */
export const lawsOfMerging: readonly Law[] = [
  law(
    'merging takes steps of any size: what is merged can be merged on',
    [fc.array(conf, { maxLength: 3 }), fc.array(conf, { maxLength: 3 })],
    ({ merge }, first, then) => {
      const expected = naive.mergeAll([...first, ...then])
      assert.deepEqual(merge.mergeConfs<unknown>([...first, ...then]), expected)
      const merged = merge.mergeConfs<unknown>(first)
      assert.deepEqual(merge.mergeConfs<unknown>([...(merged === undefined ? [] : [merged]), ...then]), expected)
    },
  ),

  law('merging is associative where nothing is taken out', [conf, conf, conf], ({ merge }, a, b, c) => {
    const [x, y, z] = [a, b, c].map(({ none: _, ...one }) => one) as [object, object, object]
    assert.deepEqual(merge.mergeConfs([x, merge.mergeConfs([y, z])!]), merge.mergeConfs([merge.mergeConfs([x, y])!, z]))
  }),

  law(
    'every setting is what the last layer that has it says, and defaults fill the rest',
    [fc.array(conf, { maxLength: 4 }), conf],
    ({ fields, merge }, confs, defaults) => {
      const policy = resource<Policy>('MeshTimeout', 'p', {})
      const layers = confs.map((one, ruleIndex) => ({ conf: one, origin: { policy, kri: 'kri', ruleIndex } }))
      const shown = fields.fieldsOf({ layers }, defaults)
      const merged = merge.mergeConfs<unknown>([defaults, ...confs])
      const rebuilt = {}
      for (const { path, value } of shown) put(rebuilt, path, value)
      assert.deepEqual(rebuilt, withoutEmptyLists(merged))
      for (const { path, origin, value } of shown) {
        if (path.includes('[') || isEmptyObject(value)) continue
        const last = confs.findLastIndex(one => has(one, path))
        assert.equal(origin?.ruleIndex ?? -1, last, path)
      }
      const appended = [defaults, ...confs].flatMap((one, index) => ((one.appendList ?? []) as unknown[]).map(() => index - 1))
      assert.deepEqual(
        shown.filter(({ path }) => path.startsWith('appendList[')).map(({ origin }) => origin?.ruleIndex ?? -1),
        appended,
      )
    },
  ),

  law('routes of several policies merge as Kuma merges them', [routePolicies], ({ mergeRoutes }, lists) => {
    const layers = lists.map((rules, index) => {
      const policy = resource<Policy>('MeshHTTPRoute', `r-${index}`, {})
      return { conf: { rules }, origin: { policy, kri: kriOf(policy), ruleIndex: 0 } }
    })
    const found = mergeRoutes.mergeRouteRules(layers)
    assert.deepEqual(
      found.map(({ matches, conf }) => ({ matches, conf })),
      naive.routeRules(lists),
    )
    for (const { matches, origin } of found) {
      const last = lists.findLastIndex(rules => rules.some(rule => JSON.stringify(rule.matches) === JSON.stringify(matches)))
      assert.equal(origin.policy.name, `r-${last}`)
    }
  }),

  law('requests meet the most specific route first', [fc.constant(null)], ({ routePrecedence }) => {
    const path = (type: 'Exact' | 'PathPrefix' | 'RegularExpression', value: string) => ({ path: { type, value } })
    const inOrder = [
      { ...path('Exact', '/a'), method: 'GET' },
      path('Exact', '/a'),
      path('PathPrefix', '/a/b'),
      { ...path('PathPrefix', '/a'), method: 'GET', headers: [1, 2] },
      { ...path('PathPrefix', '/a'), method: 'GET', headers: [1], queryParams: [1, 2] },
      { ...path('PathPrefix', '/a'), method: 'GET', headers: [1], queryParams: [1] },
      { ...path('PathPrefix', '/a'), headers: [1, 2, 3] },
      path('PathPrefix', '/a'),
      path('RegularExpression', '/a/.*'),
      path('RegularExpression', '/.*'),
      { method: 'GET' },
      {},
    ]
    assert.deepEqual(inOrder.toReversed().sort(routePrecedence.comparePrecedence), inOrder)
    assert.equal(routePrecedence.comparePrecedence(path('Exact', '/a'), path('Exact', '/longer')), 0)
  }),
]

/** Sets `block.deep.c`, `appendList[1]`. */
function put(target: Record<string, unknown>, path: string, value: unknown): void {
  const [, list, index] = /^(.*)\[(\d+)\]$/.exec(path) ?? []
  if (list !== undefined) {
    const items = (target[list] ?? []) as unknown[]
    assert.equal(items.length, Number(index))
    target[list] = [...items, value]
    return
  }
  const [first = '', ...rest] = path.split('.')
  if (rest.length === 0) {
    target[first] = value
    return
  }
  const part = (target[first] ?? {}) as Record<string, unknown>
  target[first] = part
  put(part, rest.join('.'), value)
}

function has(one: unknown, path: string): boolean {
  const found = path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], one)
  return found !== undefined
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
}

/** Nothing is shown of a list to which nothing was appended. */
function withoutEmptyLists(value: unknown): unknown {
  return Object.fromEntries(Object.entries((value ?? {}) as object).filter(([name, part]) => name !== 'appendList' || part.length > 0))
}
