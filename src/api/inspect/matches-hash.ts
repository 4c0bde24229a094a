import { createHash } from 'node:crypto'

/** The fields of a match in the order in which Kuma writes them: the hash is of a text. */
const matchFields = ['path', 'method', 'queryParams', 'headers'] as const

interface Match {
  readonly path?: Condition
  readonly method?: string
  readonly queryParams?: readonly Condition[]
  readonly headers?: readonly Condition[]
}

interface Condition {
  readonly type?: string
  readonly name?: string
  readonly value?: string
}

/** What Kuma calls the rule of a route by: the SHA-256 of its matches as JSON, in base64. */
export function matchesHash(matches: readonly unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify((matches as readonly Match[]).map(ordered)))
    .digest('base64')
}

function ordered(match: Match): Match {
  const { path, queryParams, headers } = match
  const inOrder: Match = {
    ...match,
    ...(path ? { path: { value: path.value, type: path.type } } : {}),
    ...(queryParams ? { queryParams: queryParams.map(({ type, name, value }) => ({ type, name, value })) } : {}),
    ...(headers ? { headers: headers.map(({ type, name, value }) => ({ type, name, value })) } : {}),
  }
  return Object.fromEntries(matchFields.filter(field => inOrder[field] !== undefined).map(field => [field, inOrder[field]]))
}
