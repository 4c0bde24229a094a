/**
 * Folds configurations, least important first, into one: JSON merge patch (https://www.rfc-editor.org/rfc/rfc7396), except that
 * fields whose name starts with `append` concatenate. What is merged stays as it is.
 */
export function mergeConfs<T>(confs: readonly T[]): T | undefined {
  let merged: unknown
  for (const conf of confs) merged = mergePatch(merged, conf)
  return merged as T | undefined
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === undefined) continue
    if (value === null) delete result[name]
    else if (isAppended(name, value)) result[name] = [...(Array.isArray(result[name]) ? result[name] : []), ...value]
    else result[name] = mergePatch(result[name], value)
  }
  return result
}

/** Is this a list that is put after those of less important policies, instead of in their place? */
export function isAppended(name: string, value: unknown): value is readonly unknown[] {
  return name.startsWith('append') && Array.isArray(value)
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
