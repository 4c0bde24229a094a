import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Violation } from '../model/kind.ts'
import { formatKey, type Resource, type Revision } from '../model/resource.ts'
import type { Registry, RegistryChange } from '../registry/registry.ts'
import { hasSameContent } from '../registry/resource-codec.ts'
import { RevisionConflictError } from '../registry/store.ts'
import type { BulkItem } from './bulk-body.ts'
import { mayChange, mayWriteKind } from './ownership.ts'
import { notOwned, planPut, preconditionFailed } from './plan-put.ts'
import { mayWrite } from './preconditions.ts'
import { ApiError, notFound } from './problem.ts'
import type { ControlPlaneRole } from './role.ts'
import { contentsOf, hasMesh, keyOfTarget } from './write-resource.ts'
import { refuseConnectedZone } from './zone-deletion.ts'

export interface BulkRequest {
  readonly registry: Registry
  readonly role: ControlPlaneRole
  readonly items: readonly BulkItem[]
  readonly dryRun: boolean
  /** Why the caller may not write an item; undefined = he may. */
  readonly refuse: (item: BulkItem) => ApiError | undefined
}

export interface BulkWritten {
  /** From which on all of it is in force; of a dry run, the one before. */
  readonly revision: Revision
  readonly items: readonly BulkResult[]
}

export interface BulkResult {
  readonly item: BulkItem
  readonly result: 'created' | 'updated' | 'unchanged' | 'deleted' | 'absent'
  readonly warnings: readonly string[]
}

/** How often a bulk is planned anew when somebody else changed what it rests on. */
const ATTEMPTS = 5
/** Items that are looked at before other requests get their turn. */
const BREATH = 100

/** All of it in one commit, or none: then the ApiError holds all that is wrong with every item. */
export async function writeBulk(request: BulkRequest): Promise<BulkWritten> {
  const { registry, dryRun } = request
  for (let attempt = 1; ; attempt++) {
    const planned = await planAll(request)
    if (dryRun) return { revision: registry.revision, items: planned.map(({ result }) => result) }
    try {
      const { revision } = await registry.commit(withoutRepeats(planned.flatMap(({ changes }) => changes)))
      return { revision, items: planned.map(({ result }) => result) }
    } catch (error) {
      if (!(error instanceof RevisionConflictError)) throw error
      // Planned anew, a condition that no longer holds is told as such, with its item.
      if (attempt === ATTEMPTS) throw error
    }
  }
}

interface Planned {
  readonly result: BulkResult
  readonly changes: readonly RegistryChange[]
}

/** What the other items of the same bulk make true. */
interface Together {
  readonly meshesMade: ReadonlySet<string>
  readonly deleted: ReadonlySet<string>
}

async function planAll(request: BulkRequest): Promise<readonly Planned[]> {
  const { items } = request
  const ofKind = (kind: BulkItem['kind']) => items.filter(item => item.kind === kind)
  const together = {
    meshesMade: new Set(ofKind('put').flatMap(({ target }) => (target.kind.kind === 'Mesh' ? [target.name] : []))),
    deleted: new Set(ofKind('delete').map(({ target }) => formatKey(keyOfTarget(target)))),
  }
  const planned: Planned[] = []
  const errors: { item: BulkItem; error: ApiError }[] = []
  for (const [position, item] of items.entries()) {
    if (position > 0 && position % BREATH === 0) await nextTurn()
    try {
      const refused = request.refuse(item)
      if (refused) throw refused
      planned.push(item.kind === 'put' ? planOnePut(request, item, together) : planOneDelete(request, item, together))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      errors.push({ item, error })
    }
  }
  if (errors.length > 0) throw allErrors(errors, items.length)
  return planned
}

function planOnePut({ registry, role }: BulkRequest, item: Extract<BulkItem, { kind: 'put' }>, { meshesMade, deleted }: Together): Planned {
  const { target, headers, resource } = item
  const existing = registry.get(keyOfTarget(target))
  const isMeshLeft = hasMesh(registry, target.mesh) && !deleted.has(formatKey({ kind: 'Mesh', mesh: '', name: target.mesh }))
  const meshExists = target.kind.scope === 'global' || meshesMade.has(target.mesh) || isMeshLeft
  const plan = planPut({ role, target, body: resource, headers, existing, meshExists })
  if (plan.kind === 'refused') throw plan.error
  const { draft, warnings } = plan
  const isSame = existing !== undefined && hasSameContent(draft, existing)
  const change: RegistryChange = { kind: 'put', draft, expect: existing?.revision ?? 'absent' }
  return { result: { item, result: isSame ? 'unchanged' : existing ? 'updated' : 'created', warnings }, changes: [change] }
}

function planOneDelete({ registry, role }: BulkRequest, item: Extract<BulkItem, { kind: 'delete' }>, { deleted }: Together): Planned {
  const { target, headers, ignoreNotFound } = item
  const { kind, name } = target
  const ofKind = mayWriteKind(role, kind)
  if (ofKind.kind === 'refused') throw notOwned(ofKind)
  const existing = registry.get(keyOfTarget(target))
  if (!existing) {
    if (ignoreNotFound) return { result: { item, result: 'absent', warnings: [] }, changes: [] }
    throw notFound('Could not delete a resource', `there is no ${kind.kind} '${name}': \`skerry get ${kind.path}\` lists what there is`)
  }
  const owned = mayChange(role, existing)
  if (owned.kind === 'refused') throw notOwned(owned)
  if (!mayWrite(headers, existing)) throw preconditionFailed(target, existing)
  refuseConnectedZone(registry, existing)
  const isStaying = (resource: Resource) => !deleted.has(formatKey(resource))
  const contents = kind.kind === 'Mesh' ? contentsOf(registry, role, name, isStaying) : []
  const changes = [existing, ...contents].map(({ kind, mesh, name }): RegistryChange => ({ kind: 'delete', key: { kind, mesh, name } }))
  changes[0] = { ...changes[0]!, expect: existing.revision }
  return { result: { item, result: 'deleted', warnings: [] }, changes }
}

/** A mesh and something in it may both be named: what goes with the mesh is then deleted twice. */
function withoutRepeats(changes: readonly RegistryChange[]): readonly RegistryChange[] {
  const byKey = new Map<string, RegistryChange>()
  for (const change of changes) {
    const key = formatKey(change.kind === 'put' ? change.draft : change.key)
    if (!byKey.has(key) || change.expect !== undefined) byKey.set(key, change)
  }
  return byKey.size === changes.length ? changes : [...byKey.values()]
}

/** One answer for all: of their own status where they agree, each violation with the item it is of. */
function allErrors(errors: readonly { readonly item: BulkItem; readonly error: ApiError }[], count: number): ApiError {
  const violations = errors.flatMap(({ item, error: { fields } }): readonly Violation[] => {
    const at = item.kind === 'put' ? `items[${item.index}].resource` : `items[${item.index}].delete`
    if (!fields.violations?.length) return [{ field: `items[${item.index}]`, reason: fields.detail }]
    return fields.violations.map(({ field, reason }) => ({ field: field === '' ? at : `${at}.${field}`, reason }))
  })
  const [first] = errors
  const same = <K extends 'status' | 'code' | 'title' | 'fix'>(field: K) => {
    const value = first!.error.fields[field]
    return errors.every(({ error }) => error.fields[field] === value) ? value : undefined
  }
  return new ApiError({
    status: same('status') ?? 400,
    code: same('code') ?? 'SKERRY_BULK_REFUSED',
    title: same('title') ?? 'Could not process resources',
    detail: `${errors.length} of ${count} items are refused, and nothing was written`,
    fix: same('fix') ?? 'correct or leave out the items named, and send all of it again',
    violations,
  })
}
