/** What stands in `after` and not so in `before`: objects are compared part by part, and so are lists of as many objects; everything else as a
 *  whole. undefined = nothing. */
export function difference(before: unknown, after: unknown): unknown {
  if (equal(before, after)) return undefined
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length && after.every(isObject))
    return difference(byPlace(before), byPlace(after))
  if (!isObject(before) || !isObject(after)) return after
  const parts: [string, unknown][] = []
  for (const [name, value] of Object.entries(after)) {
    const changed = difference(before[name], value)
    if (changed !== undefined) parts.push([name, changed])
  }
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) parts.push([name, '(gone)'])
  return Object.fromEntries(parts)
}

/** Lists of things with a name become objects by name, so that each is compared with its own former self. */
export function byName(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(byName)
    const names = value.map(item => (isObject(item) && typeof item.name === 'string' ? item.name : null))
    if (items.length === 0 || names.includes(null) || new Set(names).size < names.length) return items
    return Object.fromEntries(items.map((item, index) => [names[index], without(item as Record<string, unknown>, 'name')]))
  }
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, byName(part)]))
}

function byPlace(list: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(list.map((item, index) => [`[${index}]`, item]))
}

function without(value: Record<string, unknown>, name: string): Record<string, unknown> {
  const { [name]: _dropped, ...rest } = value
  return rest
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
