/** Fields that Kuma's clients still send, and that mean nothing any more: kind → field → why. */
const deprecated: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // kumactl writes it into everything that it exports.
  Mesh: { skipCreatingInitialPolicies: 'no policies are created with a mesh' },
}

/** What was sent without the fields that mean nothing, and a warning for each of them. */
export function withoutDeprecated(kind: string, body: unknown): { readonly body: unknown; readonly warnings: readonly string[] } {
  const fields = deprecated[kind]
  if (fields === undefined || typeof body !== 'object' || body === null) return { body, warnings: [] }
  const found = Object.keys(fields).filter(field => Object.hasOwn(body, field))
  if (found.length === 0) return { body, warnings: [] }
  return {
    body: Object.fromEntries(Object.entries(body).filter(([field]) => !found.includes(field))),
    warnings: found.map(field => `${field} has no effect: ${fields[field]}`),
  }
}
