import type { Resource } from '../../model/resource.ts'
import type { FieldOrigin } from '../../policy/rules/fields.ts'
import type { RuleOrigin } from '../../policy/rules/policy.ts'

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

/** `withFields` (`?include=fields`) adds to Kuma's answers what ours have more: every setting with the policy and rule that set it. */
export interface ShowOptions {
  readonly withFields: boolean
}

export function fieldsIf({ withFields }: ShowOptions, fields: () => readonly FieldOrigin[]) {
  if (!withFields) return {}
  return {
    fields: fields().map(({ path, value, origin }) => ({ path, value, kri: origin?.kri ?? null, ruleIndex: origin?.ruleIndex ?? null })),
  }
}
