import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Rules } from './law.ts'

export const rulesFolder: string = resolve(import.meta.dirname, '../../src/policy/rules')

/** The rules in a folder: the project's own, or a copy of them. */
export async function loadRules(folder = rulesFolder): Promise<Rules> {
  const load = (file: string) => import(pathToFileURL(join(folder, file)).href)
  const [fields, match, merge, mergeRoutes, order, policyIndex, proxyRules, routePrecedence, selectorIndex] = await Promise.all([
    load('fields.ts'),
    load('match.ts'),
    load('merge.ts'),
    load('merge-routes.ts'),
    load('order.ts'),
    load('policy-index.ts'),
    load('proxy-rules.ts'),
    load('route-precedence.ts'),
    load('selector-index.ts'),
  ])
  return { fields, match, merge, mergeRoutes, order, policyIndex, proxyRules, routePrecedence, selectorIndex }
}
