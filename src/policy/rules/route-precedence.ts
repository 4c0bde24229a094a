/** What a rule of an HTTP route asks of a request, as far as it counts for precedence. */
export interface RequestMatch {
  readonly path?: { readonly type: 'Exact' | 'PathPrefix' | 'RegularExpression'; readonly value: string }
  readonly method?: string
  readonly headers?: readonly unknown[]
  readonly queryParams?: readonly unknown[]
}

/**
 * Gateway API's order: exact path, longer prefix, longer regular expression, no path; then a method, more headers, more query
 * parameters. 0 = equally specific: then the order of the rules decides. https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule
 */
export function comparePrecedence(a: RequestMatch, b: RequestMatch): number {
  return (
    pathRank(a) - pathRank(b) ||
    pathLength(b) - pathLength(a) ||
    Number(b.method !== undefined) - Number(a.method !== undefined) ||
    (b.headers?.length ?? 0) - (a.headers?.length ?? 0) ||
    (b.queryParams?.length ?? 0) - (a.queryParams?.length ?? 0)
  )
}

function pathRank({ path }: RequestMatch): number {
  return path ? ['Exact', 'PathPrefix', 'RegularExpression'].indexOf(path.type) : 3
}

/** No request has two exact paths: their lengths say nothing. */
function pathLength({ path }: RequestMatch): number {
  return !path || path.type === 'Exact' ? 0 : path.value.length
}
