import type { Condition, ParentRef, ParentStatus, RouteFacts } from './route-objects.ts'
import type { ParentVerdict } from './translate-route.ts'

/** By which our part of a route's status is known. */
export const controllerName = 'skerry.io/mesh-controller'

/** The status of a route with what we say of it, others' words untouched; null: it says so already. @param now RFC 3339 */
export function parentsWithOurs(route: RouteFacts, verdicts: readonly ParentVerdict[], now: string): readonly ParentStatus[] | null {
  const others = route.parents.filter(it => it.controllerName !== controllerName)
  const before = route.parents.filter(it => it.controllerName === controllerName)
  const ours = verdicts.map(({ parentRef, accepted, resolved }): ParentStatus => {
    const known = before.find(it => isSame(it.parentRef, parentRef))?.conditions ?? []
    const condition = (type: string, verdict: ParentVerdict['accepted']): Condition => {
      const status = verdict.status ? 'True' : 'False'
      const last = known.find(it => it.type === type)
      const { reason, message } = verdict
      // A transition is a change of the status, and not of its reasons.
      const lastTransitionTime = last?.status === status && last.lastTransitionTime ? last.lastTransitionTime : now
      return { type, status, reason, message, observedGeneration: route.generation, lastTransitionTime }
    }
    return { parentRef, controllerName, conditions: [condition('Accepted', accepted), condition('ResolvedRefs', resolved)] }
  })
  return same(before, ours) ? null : [...others, ...ours]
}

function isSame(a: ParentRef, b: ParentRef): boolean {
  return (['group', 'kind', 'namespace', 'name', 'port', 'sectionName'] as const).every(field => a[field] === b[field])
}

function same(a: readonly ParentStatus[], b: readonly ParentStatus[]): boolean {
  const plain = (parents: readonly ParentStatus[]) =>
    parents.map(({ parentRef, conditions }) => [
      ...(['kind', 'namespace', 'name', 'port', 'sectionName'] as const).map(field => parentRef[field] ?? ''),
      ...(conditions ?? []).map(it => [it.type, it.status, it.reason, it.message, it.observedGeneration ?? 0]),
    ])
  return JSON.stringify(plain(a)) === JSON.stringify(plain(b))
}
