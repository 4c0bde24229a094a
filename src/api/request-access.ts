import { kindByName } from '../model/kinds/index.ts'
import type { Resource } from '../model/resource.ts'
import type { Registry } from '../registry/registry.ts'
import { type AccessDecision, type Action, type Principal, type Verb, zoneOf } from './access.ts'
import type { AccessControl } from './access-control.ts'
import { ApiError } from './problem.ts'
import type { ControlPlaneRole } from './role.ts'
import { checkRoleWrite, refuseBuiltIn } from './role-write.ts'

/** What the sender of one request may do, asked of the roles that are in force at that moment. */
export class RequestAccess {
  readonly principal: Principal
  readonly #control: AccessControl

  constructor(control: AccessControl, principal: Principal) {
    this.#control = control
    this.principal = principal
  }

  decide(action: Action): AccessDecision {
    return this.#control.decide(this.principal, action)
  }

  /** Throws the 403 that says which permission is missing. */
  require(action: Action): void {
    const decision = this.decide(action)
    if (decision.kind === 'denied') throw accessDenied(decision.reason)
  }

  /** Which resources of this kind he may read; undefined = all. A long-lived reader asks anew for each change: roles may have changed. */
  readable(kind: string): ((resource: Resource) => boolean) | undefined {
    return this.#control.readable(this.principal, kind)
  }

  /** Is it one that he may read? */
  mayRead(resource: Resource): boolean {
    return this.readable(resource.kind)?.(resource) ?? true
  }

  /** For a PUT of an AccessRole or AccessRoleBinding: nobody gives what he does not have, nor names what is not there; `newRoles`
   *  are AccessRoles of the same write. Throws ApiError. */
  requireWritable(kind: string, name: string, body: unknown, newRoles?: ReadonlySet<string>): void {
    checkRoleWrite(this.#control, this.principal, { kind, name, body, ...(newRoles ? { newRoles } : {}) })
  }

  /** For a DELETE: built-in roles stay. Throws ApiError. */
  requireDeletable(kind: string, name: string): void {
    refuseBuiltIn(kind, name)
  }

  get control(): AccessControl {
    return this.#control
  }
}

/** What a request for one resource comes to, as things are now: a `put` creates or changes it, and it belongs to a zone. */
export function itemAction(
  verb: Verb | 'put',
  { kind, mesh = '', name }: { readonly kind: string; readonly mesh?: string; readonly name: string },
  registry: Registry,
  role: ControlPlaneRole,
): Action {
  const existing = registry.get({ kind, mesh: kindByName(kind)?.scope === 'mesh' ? mesh : '', name })
  // What is written here for the first time is this zone's.
  const zone = existing ? zoneOf(existing) : (zoneOf({ kind, name, labels: {} }) ?? (role.kind === 'zone' ? role.zone : undefined))
  return { verb: verb !== 'put' ? verb : existing ? 'update' : 'create', area: 'resources', kind, mesh: mesh || undefined, name, zone }
}

export function accessDenied(reason: string): ApiError {
  return new ApiError({
    status: 403,
    code: 'SKERRY_FORBIDDEN',
    title: 'Access Denied',
    detail: reason,
    fix: 'ask an admin for a role that has it: `skerry get access-roles` lists them, an AccessRoleBinding gives them',
  })
}
