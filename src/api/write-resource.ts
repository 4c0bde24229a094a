import { formatKey, type Resource, type ResourceKey } from '../model/resource.ts'
import type { Registry } from '../registry/registry.ts'
import { RevisionConflictError } from '../registry/store.ts'
import { mayChange, mayWriteKind } from './ownership.ts'
import { notOwned, planPut, preconditionFailed, type Target } from './plan-put.ts'
import { type ConditionHeaders, isConditional, mayWrite } from './preconditions.ts'
import { ApiError, notFound } from './problem.ts'
import type { ControlPlaneRole } from './role.ts'
import { refuseConnectedZone } from './zone-deletion.ts'

export interface Written {
  readonly result: 'created' | 'updated' | 'unchanged'
  /** Of the value that is in force now; of a dry run, of the one before. 0 = there is none. */
  readonly revision: number
  readonly warnings: readonly string[]
}

export interface WriteRequest {
  readonly registry: Registry
  readonly role: ControlPlaneRole
  readonly target: Target
  readonly headers: ConditionHeaders
  readonly dryRun: boolean
}

/** How often a write without a condition is tried anew when somebody else was faster. */
const ATTEMPTS = 5

export async function putResource(request: WriteRequest, body: unknown): Promise<Written> {
  const { registry, role, target, headers, dryRun } = request
  const key = keyOfTarget(target)
  for (let attempt = 1; ; attempt++) {
    const existing = registry.get(key)
    const meshExists = target.kind.scope === 'global' || hasMesh(registry, target.mesh)
    const plan = planPut({ role, target, body, headers, existing, meshExists })
    if (plan.kind === 'refused') throw plan.error
    const { draft, warnings } = plan
    const result = plan.isNew ? 'created' : 'updated'
    if (dryRun) return { result, revision: existing?.revision ?? 0, warnings }
    try {
      // What is there now was read to decide: the write stands on it, also where the caller set no condition.
      const batch = await registry.commit([{ kind: 'put', draft, expect: existing?.revision ?? 'absent' }])
      const mine = batch.changes.find(change => change.kind === 'put' && formatKey(change.resource) === formatKey(key))
      if (mine?.kind !== 'put') return { result: 'unchanged', revision: existing?.revision ?? batch.revision, warnings }
      return { result, revision: mine.resource.revision, warnings }
    } catch (error) {
      if (!(error instanceof RevisionConflictError)) throw error
      if (isConditional(headers)) throw preconditionFailed(target, registry.get(key))
      if (attempt === ATTEMPTS) throw error
    }
  }
}

/** Deletes it; a Mesh together with what is written in it. */
export async function deleteResource({ registry, role, target, headers, dryRun }: WriteRequest): Promise<void> {
  const { kind, name } = target
  const ofKind = mayWriteKind(role, kind)
  if (ofKind.kind === 'refused') throw notOwned(ofKind)
  const existing = registry.get(keyOfTarget(target))
  if (!existing)
    throw notFound('Could not delete a resource', `there is no ${kind.kind} '${name}': \`skerry get ${kind.path}\` lists what there is`)
  const owned = mayChange(role, existing)
  if (owned.kind === 'refused') throw notOwned(owned)
  if (!mayWrite(headers, existing)) throw preconditionFailed(target, existing)
  refuseConnectedZone(registry, existing)

  const alsoGone = kind.kind === 'Mesh' ? contentsOf(registry, role, name) : []
  if (dryRun) return
  const expect = isConditional(headers) ? existing.revision : undefined
  const deletions = [existing, ...alsoGone].map(({ kind, mesh, name }) => ({ kind: 'delete', key: { kind, mesh, name } }) as const)
  await registry.commit(deletions.map((deletion, i) => (i === 0 ? { ...deletion, expect } : deletion)))
}

export function keyOfTarget({ kind, mesh, name }: Target): ResourceKey {
  return { kind: kind.kind, mesh, name }
}

export function hasMesh(registry: Registry, mesh: string): boolean {
  return registry.get({ kind: 'Mesh', mesh: '', name: mesh }) !== undefined
}

/** What goes with a mesh. Proxies that are still in it would lose everything at once, so as long as there are any it stays. `isStaying`
 *  leaves out what is deleted together with it. */
export function contentsOf(
  registry: Registry,
  role: ControlPlaneRole,
  mesh: string,
  isStaying: (resource: Resource) => boolean = () => true,
): readonly Resource[] {
  const proxy = registry.list('Dataplane', mesh).find(isStaying)
  if (proxy) {
    throw new ApiError({
      status: 400,
      code: 'SKERRY_MESH_IN_USE',
      title: 'Could not delete a resource',
      detail: `mesh '${mesh}' still has Dataplanes, e.g. '${proxy.name}'`,
      fix: `stop its proxies first: \`skerry get dataplanes -m ${mesh}\` lists them`,
      violations: [{ field: 'mesh', reason: 'unable to delete mesh, there are still some dataplanes attached' }],
    })
  }
  return [...registry.all()].filter(
    resource => resource.mesh === mesh && (mayChange(role, resource).kind === 'ours' || resource.kind === 'Secret'),
  )
}
