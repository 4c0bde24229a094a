import type { Violation } from '../model/kind.ts'
import { accessRoleKind } from '../model/kinds/access-role.ts'
import { type AccessRoleBindingSpec, accessRoleBindingKind } from '../model/kinds/access-role-binding.ts'
import { kindByName, kinds } from '../model/kinds/index.ts'
import { fromWire } from '../model/wire.ts'
import { nearest } from '../std/did-you-mean.ts'
import { holds, type Principal, type Rule } from './access.ts'
import type { AccessControl } from './access-control.ts'
import { builtInRoles, isBuiltInRole } from './built-in-roles.ts'
import { ApiError, invalidResource } from './problem.ts'

/** What somebody wants to write. */
export interface RoleWrite {
  readonly kind: string
  readonly name: string
  readonly body: unknown
  /** AccessRoles that come in the same write, each of them checked by itself: a binding may name them already. */
  readonly newRoles?: ReadonlySet<string>
}

/** Throws ApiError when the write would give more than its writer holds, or names a kind or role that is not there. */
export function checkRoleWrite(control: AccessControl, principal: Principal, { kind, name, body, newRoles }: RoleWrite): void {
  if (kind !== accessRoleKind.kind && kind !== accessRoleBindingKind.kind) return
  if (kind === accessRoleKind.kind) refuseBuiltIn(kind, name)
  // Not strict: whatever the route may take must be looked at here.
  const read = fromWire(body, { strict: false })
  if (read.kind === 'invalid' || read.draft.kind !== kind) {
    // What cannot be read here is the route's to refuse, in its own words; but it passes unseen for nobody who could gain by it.
    if (builtInRoles.admin!.rules.every(rule => holds(control.rulesOf(principal), rule))) return
    throw invalidResource(
      read.kind === 'invalid' ? read.violations : [{ field: 'type', reason: 'type from the URL has to be the same as in body' }],
    )
  }
  if (kind === accessRoleKind.kind) {
    const { rules } = read.draft.spec as { readonly rules: readonly Rule[] }
    refuse(rules.flatMap((rule, i) => unknownTypes(rule, `rules[${i}]`)))
    requireHeld(control, principal, rules, `the role "${name}"`)
  } else {
    const binding = read.draft.spec as AccessRoleBindingSpec
    refuse(binding.roles.flatMap((role, i) => (newRoles?.has(role) ? [] : unknownRole(control, role, `roles[${i}]`))))
    requireHeld(control, principal, control.rulesOfBinding(binding), `the binding "${name}"`)
  }
}

/** Built-in roles are what the program says. */
export function refuseBuiltIn(kind: string, name: string): void {
  if (kind !== accessRoleKind.kind || !isBuiltInRole(name)) return
  throw new ApiError({
    status: 405,
    code: 'SKERRY_READ_ONLY',
    title: 'Method not Allowed',
    detail: `the role '${name}' is built in`,
    fix: 'write a role of another name, and bind that',
  })
}

export function requireHeld(control: AccessControl, principal: Principal, rules: readonly Rule[], what: string): void {
  const own = control.rulesOf(principal)
  const lacking = rules.find(rule => !holds(own, rule))
  if (!lacking) return
  const { access, types, names, mesh, zone } = lacking
  const scope = [
    types && `on ${types.join(', ')}`,
    names && `named ${names.join(', ')}`,
    mesh && `in mesh ${mesh}`,
    zone && `in zone ${zone}`,
  ]
  throw new ApiError({
    status: 403,
    code: 'SKERRY_FORBIDDEN',
    title: 'Access Denied',
    detail: `${what} would give what user "${principal.name}" does not hold: ${[access.join(', '), ...scope].filter(Boolean).join(' ')}`,
    fix: 'give only what you may do yourself, or ask an admin',
  })
}

function unknownTypes({ types = [] }: Rule, at: string): Violation[] {
  return types.flatMap((type, i) => {
    if (type === '*' || kindByName(type)) return []
    const [guess] = nearest(
      type,
      kinds.map(({ kind }) => kind),
    )
    return [{ field: `${at}.types[${i}]`, reason: `there is no kind ${type}${guess ? `: did you mean ${guess}?` : ''}` }]
  })
}

function unknownRole(control: AccessControl, role: string, field: string): Violation[] {
  if (control.hasRole(role)) return []
  return [
    { field, reason: `there is no AccessRole ${role}: apply it first, or name a built-in one (${Object.keys(builtInRoles).join(', ')})` },
  ]
}

function refuse(violations: readonly Violation[]): void {
  if (violations.length > 0) throw invalidResource(violations)
}
