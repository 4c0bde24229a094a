/** SPIFFE IDs. https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md */
export interface SpiffeId {
  /** Lower case. */
  readonly trustDomain: string
  /** '' for the ID of a trust domain itself, else it begins with '/'. */
  readonly path: string
}

export type Parsed<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'invalid'; readonly reason: string }

const invalid = (reason: string) => ({ kind: 'invalid', reason }) as const

const scheme = 'spiffe://'

/** A trust domain, in lower case: domains compare without case (§2.1), paths with it. */
export function parseTrustDomain(text: string): Parsed<string> {
  const domain = text.toLowerCase()
  if (domain === '') return invalid('a trust domain must not be empty')
  if (domain.length > 255) return invalid('a trust domain must be at most 255 characters')
  if (!/^[a-z0-9._-]+$/.test(domain))
    return invalid('a trust domain holds letters, digits, ".", "-" and "_" only: no port, no user, no percent sign')
  return { kind: 'ok', value: domain }
}

export function parseSpiffeId(text: string): Parsed<SpiffeId> {
  if (text.length > 2048) return invalid('a SPIFFE ID must be at most 2048 bytes')
  if (text.slice(0, scheme.length).toLowerCase() !== scheme) return invalid('a SPIFFE ID must begin with "spiffe://"')
  const rest = text.slice(scheme.length)
  const slash = rest.indexOf('/')
  const trustDomain = parseTrustDomain(slash < 0 ? rest : rest.slice(0, slash))
  if (trustDomain.kind === 'invalid') return trustDomain
  const path = slash < 0 ? '' : rest.slice(slash)
  const reason = pathProblem(path)
  return reason === null ? { kind: 'ok', value: { trustDomain: trustDomain.value, path } } : invalid(reason)
}

function pathProblem(path: string): string | null {
  if (path === '') return null
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') return 'the path of a SPIFFE ID must have no empty segment and no trailing slash'
    if (segment === '.' || segment === '..') return 'the path of a SPIFFE ID must have no "." or ".." segment'
    if (!/^[a-zA-Z0-9._-]+$/.test(segment))
      return 'the path of a SPIFFE ID holds letters, digits, ".", "-" and "_" only: no query, no fragment, no percent sign'
  }
  return null
}

export function formatSpiffeId(id: SpiffeId): string {
  return `${scheme}${id.trustDomain}${id.path}`
}

/** The trust domain of a mesh in a zone. */
export function trustDomainOf(mesh: string, zone: string): string {
  return `${mesh}.${zone}.mesh.local`
}

/** The identity of a workload's proxies in a zone. */
export function workloadSpiffeId(mesh: string, zone: string, workload: string): string {
  return formatSpiffeId({ trustDomain: trustDomainOf(mesh, zone), path: `/workload/${workload}` })
}
