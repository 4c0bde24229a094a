import type { AccessRule, Permission } from '../model/kinds/access-role.ts'
import { kindByName } from '../model/kinds/index.ts'
import { zoneLabel } from '../model/labels.ts'
import type { Resource } from '../model/resource.ts'

/** Who sends a request. */
export interface Principal {
  readonly name: string
  readonly groups: readonly string[]
  /** `jti` of his token; absent for the admin's own where that is no JWT. */
  readonly tokenId?: string
}

export type Verb = 'read' | 'create' | 'update' | 'delete' | 'write'

/** What a request wants to do, in the words that a rule can speak of. */
export interface Action {
  /** `write` of a resource: any of create, update and delete. */
  readonly verb: Verb
  readonly area: 'resources' | 'tokens' | 'inspect' | 'status' | 'audit'
  /** For `resources` the kind; for `tokens` what of them: `dataplane`, `zone`, `user`, `revocation` or `key`. */
  readonly kind?: string
  readonly mesh?: string
  readonly name?: string
  /** The zone that it belongs to. */
  readonly zone?: string
  /**
   * `some`: is there anything of this that the caller may do it to? Asked where what a request is about stands in its body or is a list;
   * whoever asks so asks again for each thing.
   */
  readonly scope?: 'some' | undefined
}

/**
 * What a route needs; each route says it, and one that says nothing needs an admin. `signed-in`: any good token. With `scope: 'handler'`
 * the guard lets pass who may do it to something, and the handler decides on each thing (`request.access`): without it, the route's
 * parameters `mesh` and `name` are all that it is about.
 */
export type RouteAccess = 'open' | 'signed-in' | (Pick<Action, 'verb' | 'area' | 'kind'> & { readonly scope?: 'handler' })

export type AccessDecision =
  | { readonly kind: 'allowed' }
  /** `missing`: the permission that would do. */
  | { readonly kind: 'denied'; readonly reason: string; readonly missing: string }

/** What a rule can give, and what only the admin's can: whatever no other permission stands for. */
export type AnyPermission = Permission | 'ADMIN'
export type Rule = Omit<AccessRule, 'access'> & { readonly access: readonly AnyPermission[] }

/** Who may read or write these can give himself the rest: a rule speaks of them only by name. */
export const sensitiveKinds: ReadonlySet<string> = new Set(['Secret', 'GlobalSecret', 'AccessRole', 'AccessRoleBinding'])

const resourcePermissions: ReadonlySet<AnyPermission> = new Set(['READ', 'CREATE', 'UPDATE', 'DELETE'])

/** Deny by default: what no rule allows is refused. */
export function decideAccess(principal: Principal, rules: readonly Rule[], action: Action): AccessDecision {
  const permissions = permissionsOf(action)
  if (rules.some(rule => permissions.some(permission => allows(rule, permission, action)))) return { kind: 'allowed' }
  const groups = principal.groups.length === 0 ? 'no group' : principal.groups.join(', ')
  const missing = describePermission(permissions, action)
  return { kind: 'denied', reason: `user "${principal.name}" (${groups}) cannot ${describe(action)}: that needs ${missing}`, missing }
}

/** Which resources of a kind these rules let read; undefined = all of them. */
export function readableBy(rules: readonly Rule[], kind: string): ((resource: Resource) => boolean) | undefined {
  const reading = rules.filter(rule => rule.access.includes('READ') && coversType(rule.types, kind))
  if (reading.some(rule => rule.names === undefined && rule.mesh === undefined && rule.zone === undefined)) return undefined
  return resource => {
    const action = { verb: 'read', area: 'resources', kind, mesh: resource.mesh, name: resource.name, zone: zoneOf(resource) } as const
    return reading.some(rule => allows(rule, 'READ', action))
  }
}

/** The zone that a resource belongs to, as rules speak of it. */
export function zoneOf({ kind, name, labels }: Pick<Resource, 'kind' | 'name' | 'labels'>): string | undefined {
  return kind === 'Zone' || kind === 'ZoneInsight' ? name : labels[zoneLabel]
}

/** Does whoever holds `holding` hold all that `wanted` gives? May say no where several rules together would; never yes where one is missing. */
export function holds(holding: readonly Rule[], wanted: Rule): boolean {
  return wanted.access.every(permission => {
    const types = resourcePermissions.has(permission) ? (wanted.types ?? [undefined]) : [undefined]
    const isEither = (rule: Rule, type: string | undefined, name: string | undefined) =>
      rule.access.includes(permission) &&
      (!resourcePermissions.has(permission) || coversType(rule.types, type)) &&
      (rule.names === undefined || (name !== undefined && rule.names.includes(name))) &&
      (rule.mesh === undefined || rule.mesh === wanted.mesh) &&
      (rule.zone === undefined || rule.zone === wanted.zone)
    return types.every(type => (wanted.names ?? [undefined]).every(name => holding.some(rule => isEither(rule, type, name))))
  })
}

/** The rule within a mesh or a zone; undefined when it gives nothing there. */
export function narrow(rule: Rule, { mesh, zone }: { readonly mesh?: string; readonly zone?: string }): Rule | undefined {
  const differs = (one: string | undefined, other: string | undefined) => one !== undefined && other !== undefined && one !== other
  if (differs(rule.mesh, mesh) || differs(rule.zone, zone)) return undefined
  return { ...rule, ...(mesh === undefined ? {} : { mesh }), ...(zone === undefined ? {} : { zone }) }
}

function allows(rule: Rule, permission: AnyPermission, action: Action): boolean {
  if (!rule.access.includes(permission)) return false
  const { area, kind, name, zone } = action
  const isSome = action.scope === 'some'
  const isResource = area === 'resources'
  if (isResource && !(kind === undefined ? isSome : coversType(rule.types, kind))) return false
  // What is about the control plane as a whole is allowed by a rule for the whole alone.
  const isScoped =
    isResource || area === 'inspect' || (area === 'tokens' && (kind === 'dataplane' || kind === 'zone' || kind === 'revocation'))
  if (!isScoped) return rule.mesh === undefined && rule.zone === undefined && rule.names === undefined
  return (
    fits(rule.mesh, meshOf(action, permission), isSome && mayHaveMesh(kind, area)) &&
    fits(rule.zone, zone, isSome) &&
    (rule.names === undefined || (name === undefined ? isSome : rule.names.includes(name)))
  )
}

function fits(wanted: string | undefined, given: string | undefined, ifUnknown: boolean): boolean {
  return wanted === undefined || (given === undefined ? ifUnknown : wanted === given)
}

/** A Mesh counts as being in itself for who looks at it or changes it. To make or delete one is more than to have it. */
function meshOf({ area, kind, mesh, name }: Action, permission: AnyPermission): string | undefined {
  if (area === 'resources' && kind === 'Mesh') return permission === 'READ' || permission === 'UPDATE' ? name : undefined
  return mesh === '' ? undefined : mesh
}

function mayHaveMesh(kind: string | undefined, area: Action['area']): boolean {
  return area !== 'resources' || kind === undefined || kind === 'Mesh' || kindByName(kind)?.scope === 'mesh'
}

/** `undefined` for a type stands for every kind that need not be named. */
function coversType(types: readonly string[] | undefined, type: string | undefined): boolean {
  if (types === undefined) return type === undefined || (type !== '*' && !sensitiveKinds.has(type))
  return types.includes('*') || (type !== undefined && types.includes(type))
}

/** Any of these will do. */
function permissionsOf({ verb, area, kind }: Action): readonly AnyPermission[] {
  switch (area) {
    case 'resources':
      return { read: ['READ'], create: ['CREATE'], update: ['UPDATE'], delete: ['DELETE'], write: ['CREATE', 'UPDATE', 'DELETE'] }[
        verb
      ] as AnyPermission[]
    case 'tokens':
      return [tokenPermissions[kind ?? ''] ?? 'ADMIN']
    case 'inspect':
      return [verb === 'read' ? 'INSPECT' : 'ADMIN']
    case 'status':
      return [verb === 'read' ? 'VIEW_STATUS' : 'ADMIN']
    case 'audit':
      return [verb === 'read' ? 'VIEW_AUDIT' : 'ADMIN']
  }
}

const tokenPermissions: Readonly<Record<string, Permission>> = {
  dataplane: 'GENERATE_DATAPLANE_TOKEN',
  zone: 'GENERATE_ZONE_TOKEN',
  user: 'GENERATE_USER_TOKEN',
  revocation: 'REVOKE_TOKEN',
  key: 'MANAGE_SIGNING_KEYS',
}

function describe({ verb, area, kind, mesh, name }: Action): string {
  if (area === 'tokens') return kind === 'revocation' ? 'see and revoke tokens' : kind === 'key' ? 'change signing keys' : 'make tokens'
  const where = mesh && `in mesh "${mesh}"`
  if (area === 'inspect') return [verb, 'the configuration of proxies', where].filter(Boolean).join(' ')
  if (area !== 'resources') return `${verb} the control plane's ${area === 'audit' ? 'audit log' : area}`
  return [verb, kind ?? 'resources', name && `"${name}"`, where].filter(Boolean).join(' ')
}

function describePermission(permissions: readonly AnyPermission[], { area, kind, mesh }: Action): string {
  if (permissions.includes('ADMIN')) return 'the role admin'
  const words = [permissions.join(' or '), area === 'resources' && kind && `on ${kind}`, mesh && `in mesh ${mesh}`]
  return words.filter(Boolean).join(' ')
}
