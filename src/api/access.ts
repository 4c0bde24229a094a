/** Who sends a request. */
export interface Principal {
  readonly name: string
  readonly groups: readonly string[]
}

export type Verb = 'read' | 'write'

/** What a request wants to do, in the words that a rule can speak of. */
export interface Action {
  readonly verb: Verb
  readonly area: 'resources' | 'tokens' | 'inspect' | 'status'
  /** For `resources`: which, as far as the request says. */
  readonly kind?: string
  readonly mesh?: string
  readonly name?: string
}

/** What a route needs; each route says it, and one that says nothing needs an admin. */
export type RouteAccess = 'open' | Pick<Action, 'verb' | 'area' | 'kind'>

export type AccessDecision = { readonly kind: 'allowed' } | { readonly kind: 'denied'; readonly reason: string }

type Role = (action: Action) => boolean

/** Roles are groups of the user's token. Deny by default: what no role of the caller allows is refused. */
const roles: Readonly<Record<string, Role>> = {
  admin: () => true,
  viewer: action => action.verb === 'read' && action.area !== 'tokens',
}

export function decideAccess(principal: Principal, action: Action): AccessDecision {
  if (principal.groups.some(group => Object.hasOwn(roles, group) && roles[group]!(action))) return { kind: 'allowed' }
  const groups = principal.groups.length === 0 ? 'no group' : principal.groups.join(', ')
  return { kind: 'denied', reason: `user "${principal.name}" (${groups}) cannot ${describe(action)}` }
}

function describe({ verb, area, kind, mesh, name }: Action): string {
  if (area === 'tokens') return 'make tokens'
  if (area !== 'resources') return `${verb} the control plane's ${area}`
  return [verb, kind ?? 'resources', name && `"${name}"`, mesh && `in mesh "${mesh}"`].filter(Boolean).join(' ')
}
