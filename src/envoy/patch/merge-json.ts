/** As protobuf merges messages, in their JSON form: objects field by field, lists one after the other, everything else replaced. */
export function mergeJson(into: unknown, from: unknown): unknown {
  if (Array.isArray(into) && Array.isArray(from)) return [...into, ...from]
  if (!isObject(into) || !isObject(from)) return from
  // Messages of different types in an Any have nothing to do with each other.
  if (from['@type'] !== undefined && into['@type'] !== from['@type']) return from
  const merged: Record<string, unknown> = { ...into }
  for (const [name, value] of Object.entries(from)) merged[name] = Object.hasOwn(into, name) ? mergeJson(into[name], value) : value
  return merged
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
