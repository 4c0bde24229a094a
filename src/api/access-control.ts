import type { AccessRole } from '../model/kinds/access-role.ts'
import type { AccessRoleBinding, AccessRoleBindingSpec } from '../model/kinds/access-role-binding.ts'
import type { Resource } from '../model/resource.ts'
import type { Registry } from '../registry/registry.ts'
import { type AccessDecision, type Action, decideAccess, narrow, type Principal, type Rule, readableBy } from './access.ts'
import { builtInRoles, isBuiltInRole, rolesOfGroup } from './built-in-roles.ts'

/** Everybody who has a good token is in it: Kuma's name. */
export const everybody = 'mesh-system:authenticated'

/** Who may do what, by the roles and bindings that are in the registry now: a change counts from the next decision on. */
export class AccessControl {
  readonly #registry: Pick<Registry, 'get' | 'list'>
  readonly #stop: () => void
  /** Until roles or bindings change. The authenticator gives a token one principal. */
  #held = new WeakMap<Principal, Held>()

  constructor(registry: Pick<Registry, 'get' | 'list' | 'onChange'>) {
    this.#registry = registry
    this.#stop = registry.onChange(({ changes }) => {
      const isOurs = ({ kind }: { readonly kind: string }) => kind === 'AccessRole' || kind === 'AccessRoleBinding'
      if (changes.some(change => isOurs(change.kind === 'put' ? change.resource : change.key))) this.#held = new WeakMap()
    })
  }

  close(): void {
    this.#stop()
  }

  decide(principal: Principal, action: Action): AccessDecision {
    return decideAccess(principal, this.rulesOf(principal), action)
  }

  /** Which resources of this kind he may read; undefined = all of them. */
  readable(principal: Principal, kind: string): ((resource: Resource) => boolean) | undefined {
    const held = this.#heldBy(principal)
    if (!held.readable.has(kind)) held.readable.set(kind, readableBy(held.rules, kind))
    return held.readable.get(kind)
  }

  /** All that he holds: by groups that are named like built-in roles, and by bindings. */
  rulesOf(principal: Principal): readonly Rule[] {
    return this.#heldBy(principal).rules
  }

  #heldBy(principal: Principal): Held {
    let held = this.#held.get(principal)
    if (!held) {
      const rules = [
        ...principal.groups.flatMap(rolesOfGroup).flatMap(role => this.rulesOfRole(role)),
        ...this.#bindings()
          .filter(({ spec }) => isSubject(principal, spec))
          .flatMap(({ spec }) => this.rulesOfBinding(spec)),
      ]
      held = { rules, readable: new Map() }
      this.#held.set(principal, held)
    }
    return held
  }

  rulesOfBinding(binding: Pick<AccessRoleBindingSpec, 'roles' | 'mesh' | 'zone'>): readonly Rule[] {
    return binding.roles.flatMap(role => this.rulesOfRole(role)).flatMap(rule => narrow(rule, binding) ?? [])
  }

  /** Nothing for a role that is not there. */
  rulesOfRole(name: string): readonly Rule[] {
    if (isBuiltInRole(name)) return builtInRoles[name]!.rules
    return this.#registry.get<AccessRole>({ kind: 'AccessRole', mesh: '', name })?.spec.rules ?? []
  }

  hasRole(name: string): boolean {
    return isBuiltInRole(name) || this.#registry.get({ kind: 'AccessRole', mesh: '', name }) !== undefined
  }

  /** Groups that give their members anything. */
  groups(): readonly string[] {
    const builtIn = Object.entries(builtInRoles).flatMap(([name, { groups = [] }]) => [name, ...groups])
    const bound = this.#bindings().flatMap(({ spec }) => spec.subjects.filter(({ type }) => type === 'Group').map(({ name }) => name))
    return [...new Set([...builtIn, ...bound])]
  }

  #bindings(): readonly AccessRoleBinding[] {
    return this.#registry.list<AccessRoleBinding>('AccessRoleBinding')
  }
}

interface Held {
  readonly rules: readonly Rule[]
  readonly readable: Map<string, ((resource: Resource) => boolean) | undefined>
}

function isSubject({ name, groups }: Principal, { subjects }: AccessRoleBindingSpec): boolean {
  return subjects.some(subject =>
    subject.type === 'User' ? subject.name === name : subject.name === everybody || groups.includes(subject.name),
  )
}
