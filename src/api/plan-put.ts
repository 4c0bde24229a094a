import { computeLabels } from '../model/compute-labels.ts'
import type { KindDefinition, Violation } from '../model/kind.ts'
import { displayNameLabel, managedByLabel, managedBySkerry } from '../model/labels.ts'
import type { Resource, ResourceDraft } from '../model/resource.ts'
import { checkChange, validateName } from '../model/validate.ts'
import { fromWire } from '../model/wire.ts'
import { withoutDeprecated } from './deprecated-fields.ts'
import { mayChange, mayWriteKind, type Ownership } from './ownership.ts'
import { type ConditionHeaders, mayWrite } from './preconditions.ts'
import { ApiError, invalidResource } from './problem.ts'
import { type ControlPlaneRole, originOf } from './role.ts'

/** Where a request wants to write. */
export interface Target {
  readonly kind: KindDefinition
  /** '' for kinds of global scope. */
  readonly mesh: string
  readonly name: string
}

export interface PutRequest {
  readonly role: ControlPlaneRole
  readonly target: Target
  readonly body: unknown
  readonly headers: ConditionHeaders
  /** What is there now. */
  readonly existing: Resource | undefined
  readonly meshExists: boolean
}

export type PutPlan =
  | { readonly kind: 'write'; readonly draft: ResourceDraft; readonly isNew: boolean; readonly warnings: readonly string[] }
  | { readonly kind: 'refused'; readonly error: ApiError }

/** What a PUT comes to: the draft to commit, or everything that is wrong with it. */
export function planPut({ role, target, body: sent, headers, existing, meshExists }: PutRequest): PutPlan {
  const ofKind = mayWriteKind(role, target.kind)
  if (ofKind.kind === 'refused') return refused(notOwned(ofKind))

  const { body, warnings } = withoutDeprecated(target.kind.kind, sent)
  const elsewhere = disagreements(target, body)
  // With another type the fields would be compared with the wrong kind's.
  const read = elsewhere.some(({ field }) => field === 'type') ? undefined : fromWire(body, { strict: true })
  const violations = [...elsewhere, ...(read?.kind === 'invalid' ? read.violations : [])]
  if (violations.length > 0 || read?.kind !== 'ok') return refused(invalidResource(violations, titleOf(violations, target, existing)))

  // The name is the display name of what is written here; Kuma overwrites another one, too.
  const { [displayNameLabel]: _, ...given } = read.draft.labels
  const labels = computeLabels({ ...read.draft, labels: given }, originOf(role))
  if (labels.kind === 'invalid') return refused(invalidResource(labels.violations))
  if (!meshExists) return refused(meshNotFound(target.mesh))

  if (existing) {
    const owned = mayChange(role, existing)
    if (owned.kind === 'refused') return refused(notOwned(owned))
    const changed = checkChange(target.kind, existing.spec, read.draft.spec)
    if (changed.length > 0) return refused(invalidResource(changed, 'Failed to update a resource'))
  }
  if (!mayWrite(headers, existing)) return refused(preconditionFailed(target, existing))

  // A status is the control planes' to write, and survives whatever users write.
  const status = existing?.status === undefined ? {} : { status: existing.status }
  return {
    kind: 'write',
    draft: { ...read.draft, labels: labels.labels, ...status },
    isNew: existing === undefined,
    warnings: [...warnings, ...warningsOf(existing)],
  }
}

export function notOwned(ownership: Extract<Ownership, { kind: 'refused' }>): ApiError {
  return new ApiError({ status: 405, code: ownership.code, title: 'Method not Allowed', detail: ownership.reason, fix: ownership.fix })
}

export function preconditionFailed(target: Target, existing: Resource | undefined): ApiError {
  const now = existing ? `is at revision ${existing.revision}` : 'does not exist'
  return new ApiError({
    status: 412,
    code: 'SKERRY_REVISION_CONFLICT',
    title: 'Precondition Failed',
    detail: `${target.kind.kind} '${target.name}' ${now}: the condition of the request does not hold`,
    fix: 'read it again and retry',
  })
}

/** Kuma's title: names are looked at twice, by the route as DNS subdomains and then by the kind. */
function titleOf(violations: readonly Violation[], { name }: Target, existing: Resource | undefined): string | undefined {
  const isOfKind =
    violations.length > 0 && violations.every(({ field }) => field === 'name') && validateName({ naming: 'rfc1123' }, name).length === 0
  if (!isOfKind) return undefined
  return existing ? 'Failed to update a resource' : 'Failed to create a resource'
}

function meshNotFound(mesh: string): ApiError {
  return new ApiError({
    status: 400,
    code: 'SKERRY_MESH_NOT_FOUND',
    title: 'Could not create a resource',
    detail: 'Mesh is not found',
    fix: '`skerry get meshes` lists what there is; apply a Mesh first for a new one',
    violations: [{ field: 'mesh', reason: `mesh of name ${mesh} is not found` }],
  })
}

/** The path names the resource; a body that names another is a mistake, not a rename. */
function disagreements({ kind, mesh, name }: Target, body: unknown): Violation[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return []
  const said = body as Readonly<Record<string, unknown>>
  const violations: Violation[] = []
  const compare = (field: 'type' | 'mesh' | 'name', expected: string) => {
    if (said[field] !== expected) violations.push({ field, reason: `${field} from the URL has to be the same as in body` })
  }
  // A missing or unknown type has a message of its own.
  if (typeof said.type === 'string' && said.type !== kind.kind) compare('type', kind.kind)
  if (kind.scope === 'mesh') compare('mesh', mesh)
  compare('name', name)
  return violations
}

function warningsOf(existing: Resource | undefined): readonly string[] {
  if (existing?.labels[managedByLabel] !== managedBySkerry) return []
  return [`this ${existing.kind} is generated; what you change may be generated anew`]
}

function refused(error: ApiError): PutPlan {
  return { kind: 'refused', error }
}
