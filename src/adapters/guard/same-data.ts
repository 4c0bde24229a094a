/** Do two pieces of plain data say the same? For thousands of things in every listing: much cheaper than to write them both as JSON. */
export function isSameData(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => isSameData(item, b[index]))
  if (Array.isArray(b)) return false
  let members = 0
  for (const name in a) {
    if (!Object.hasOwn(b, name) || !isSameData(a[name as never], b[name as never])) return false
    members++
  }
  for (const _ in b) members--
  return members === 0
}
