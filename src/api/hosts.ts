import { isIP } from 'node:net'

/** Is this an address that only this machine can reach? */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/**
 * Is the request meant for us? A page that the operator's browser has open can point a name of its own at our address (DNS rebinding);
 * the `Host` header then still says that name. Addresses cannot be rebound, so they pass; names must be known.
 */
export function isAllowedHost(header: string | undefined, names: ReadonlySet<string>): boolean {
  if (header === undefined) return false
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/.exec(header.toLowerCase())
  const host = match?.[1] ?? match?.[2]
  return host !== undefined && (isIP(host) !== 0 || names.has(host))
}

/** The names under which a control plane answers: always these, and what its configuration adds. */
export function allowedNames(configured: readonly string[] = []): ReadonlySet<string> {
  return new Set(['localhost', 'skerry-cp', ...configured.map(name => name.toLowerCase())])
}

/** No page but those that we serve may use the API, token or not. Programs that are no browsers say nothing of where they come from. */
export function isSameOrigin(headers: {
  readonly origin?: string
  readonly host?: string
  readonly 'sec-fetch-site'?: string | readonly string[]
}): boolean {
  const { origin, host, 'sec-fetch-site': site } = headers
  if (site === 'cross-site' || site === 'same-site') return false
  if (origin === undefined) return true
  try {
    return new URL(origin).host === host?.toLowerCase()
  } catch {
    return false
  }
}
