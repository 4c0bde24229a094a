import { isDeepStrictEqual } from 'node:util'

export interface PlannedChange {
  readonly address: string
  readonly actions: readonly string[]
  /** Attributes whose values differ, `spec.to.0.default`; empty for what is made or deleted. */
  readonly paths: readonly string[]
}

/** What a plan will change, of what `terraform show -json` says of it. https://developer.hashicorp.com/terraform/internals/json-format#plan-representation */
export function plannedChanges(plan: {
  readonly resource_changes?: readonly {
    readonly address: string
    readonly change: { readonly actions: readonly string[]; readonly before: unknown; readonly after: unknown }
  }[]
}): PlannedChange[] {
  return (plan.resource_changes ?? [])
    .filter(({ change }) => change.actions.some(action => action !== 'no-op' && action !== 'read'))
    .map(({ address, change: { actions, before, after } }) => ({
      address,
      actions,
      paths: before === null || after === null ? [] : differences(before, after, []),
    }))
}

function differences(before: unknown, after: unknown, at: readonly string[]): string[] {
  if (isDeepStrictEqual(before, after)) return []
  if (typeof before !== 'object' || typeof after !== 'object' || before === null || after === null) return [at.join('.')]
  const [old, now] = [before as Record<string, unknown>, after as Record<string, unknown>]
  // What is computed anew has no value in a plan.
  const keys = new Set([...Object.keys(old).filter(key => at.length > 0 || key in now), ...Object.keys(now)])
  return [...keys].flatMap(key => differences(old[key], now[key], [...at, key]))
}
