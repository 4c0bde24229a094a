import type { Resource } from '../../model/resource.ts'
import type { Settings } from '../../policy/plan.ts'
import type { FieldOrigin } from '../../policy/rules/fields.ts'
import type { RuleOrigin } from '../../policy/rules/policy.ts'
import { type Setting, settingOf } from '../../policy/settings.ts'

/** A resource's name card, as Kuma's inspect answers have it. */
export function metaOf({ kind, mesh, name, labels }: Resource) {
  return { type: kind, mesh, name, labels }
}

/** Where a configuration comes from: policy and rule. */
export function originMeta({ policy, ruleIndex }: RuleOrigin) {
  return { resourceMeta: metaOf(policy), ruleIndex }
}

/** Where a configuration comes from, each rule of a policy for itself. */
export function originKris(origins: readonly RuleOrigin[]) {
  return origins.map(({ kri }) => ({ kri }))
}

/**
 * `withFields` (`?include=fields`) adds to Kuma's answers what ours have more: every setting as it is in force, with the policy and rule
 * that set it, and the kinds of which nothing but our defaults is in force.
 */
export interface ShowOptions {
  readonly withFields: boolean
}

/** A setting with what set it; `kri: null` = no policy: it is the default. */
export interface ShownField {
  readonly path: string
  readonly value: unknown
  readonly kri: string | null
  readonly ruleIndex: number | null
}

export function shownSettings(settings: readonly Setting[]): ShownField[] {
  return settings.map(({ path, value, origin }) => {
    const at = origin.lastIndexOf('#')
    return at < 0
      ? { path, value, kri: null, ruleIndex: null }
      : { path, value, kri: origin.slice(0, at), ruleIndex: Number(origin.slice(at + 1)) }
  })
}

export function shownFields(fields: readonly FieldOrigin[]): ShownField[] {
  return shownSettings(fields.map(settingOf))
}

/** Adds its settings in force to what is said of each kind, and kinds of which there are only defaults as `none` shows them. */
export function withSettings<T extends { readonly kind: string }>(shown: readonly T[], settings: Settings, none: (kind: string) => T): T[] {
  const silent = Object.keys(settings).filter(kind => !shown.some(one => one.kind === kind))
  return [...shown, ...silent.map(none)].map(one => {
    const own = settings[one.kind]
    return own ? { ...one, fields: shownSettings(own) } : one
  })
}
