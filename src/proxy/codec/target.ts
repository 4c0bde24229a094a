/** Where a request wants to go, in the one form that is matched and sent. */
export type Target =
  | {
      readonly kind: 'ok'
      readonly path: string
      readonly query: string /** From an absolute-form target: outranks `Host`. */
      readonly authority: string | null
    }
  | { readonly kind: 'bad'; readonly reason: string }

const bad = (reason: string): Target => ({ kind: 'bad', reason })

/** Origin-form, absolute-form (`GET http://hello.mesh/path`) or `*` of OPTIONS. `isPlain`: nothing in it needs a second look. */
export function readTarget(text: string, isPlain: boolean): Target {
  let rest = text
  let authority: string | null = null
  if (rest.charCodeAt(0) !== 47) {
    if (rest === '*') return { kind: 'ok', path: '*', query: '', authority: null }
    const scheme = /^http:\/\//i.exec(rest)
    if (!scheme) return bad('the request target is neither a path nor an http:// address')
    const slash = rest.slice(7).search(/[/?]/)
    authority = slash < 0 ? rest.slice(7) : rest.slice(7, 7 + slash)
    if (authority === '') return bad('the request target names no host')
    rest = slash < 0 ? '/' : rest.slice(7 + slash)
    if (rest.charCodeAt(0) !== 47) rest = `/${rest}`
  }
  const mark = rest.indexOf('?')
  const query = mark < 0 ? '' : rest.slice(mark)
  const raw = mark < 0 ? rest : rest.slice(0, mark)
  if (isPlain) return { kind: 'ok', path: raw, query, authority }
  if (rest.includes('#')) return bad('a request target has no fragment')
  const path = canonicalPath(raw)
  return path.kind === 'bad' ? path : { kind: 'ok', path: path.value, query, authority }
}

/**
 * Two spellings of one path must not be two paths to those who decide about it: escapes of unreserved characters are decoded, all others
 * kept in upper case (`%2F` stays an escape and is never a separator), dot segments removed. What readers are known to disagree about is refused.
 * https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2
 */
export function canonicalPath(raw: string): { kind: 'ok'; value: string } | { kind: 'bad'; reason: string } {
  if (raw.includes('\\')) return { kind: 'bad', reason: 'a backslash in a path' }
  if (/%(?![0-9a-fA-F]{2})/.test(raw)) return { kind: 'bad', reason: 'a broken percent escape in a path' }
  if (raw.includes('%00')) return { kind: 'bad', reason: 'an escaped NUL in a path' }
  const decoded = raw.replace(/%[0-9a-fA-F]{2}/g, encoded => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
    return /[A-Za-z0-9._~-]/.test(character) ? character : encoded.toUpperCase()
  })
  if (!/\/\.{1,2}(\/|$)/.test(decoded)) return { kind: 'ok', value: decoded }
  const segments: string[] = []
  const parts = decoded.slice(1).split('/')
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1
    if (part === '..') segments.pop()
    else if (part !== '.') {
      segments.push(part)
      continue
    }
    if (isLast) segments.push('')
  }
  return { kind: 'ok', value: `/${segments.join('/')}` }
}

/** Host without port and trailing dot, lower case; null when it is no host. */
export function hostOf(authority: string): string | null {
  // Nearly every host is sent as it is stored.
  if (/^[a-z0-9][a-z0-9._-]*$/.test(authority) && !authority.endsWith('.')) return authority
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.exec(authority)
  if (!match) return null
  const host = match[1]!.toLowerCase()
  return host.endsWith('.') ? host.slice(0, -1) || null : host
}
