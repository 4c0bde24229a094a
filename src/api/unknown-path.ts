import { findKind, kinds, suggestKinds } from '../model/kinds/index.ts'
import { nearest } from '../std/did-you-mean.ts'
import { ApiError } from './problem.ts'

/** The answer for a path or method that no route has, with a guess at what was meant. */
export function unknownPath(method: string, url: string): ApiError {
  const path = url.split('?', 1)[0] ?? ''
  const [first = '', , third = ''] = path.slice(1).split('/')
  const segment = first === 'meshes' && third !== '' ? third : first
  const known = kinds.find(kind => kind.path === segment)
  if (known && !third.startsWith('_')) {
    const hint = known.scope === 'mesh' ? `/meshes/MESH/${known.path}[/NAME], all meshes: GET /${known.path}` : `/${known.path}[/NAME]`
    return new ApiError({
      status: 405,
      code: 'SKERRY_METHOD_NOT_ALLOWED',
      title: 'Method not Allowed',
      detail: `${method} ${path} is not possible`,
      fix: `${known.kind} is at ${hint} (GET; PUT and DELETE with a name)`,
    })
  }
  return new ApiError({
    status: 404,
    code: 'SKERRY_PATH_UNKNOWN',
    title: 'Not Found',
    detail: `there is nothing at ${path}`,
    fix: guess(segment),
  })
}

function guess(segment: string): string {
  const kind = findKind(segment)?.path ?? suggestKinds(segment)[0] ?? nearest(segment, others)[0]
  return kind === undefined
    ? '`GET /_resources` lists the kinds and their paths'
    : `did you mean ${kind}? \`GET /_resources\` lists the kinds and their paths`
}

const others = ['meshes', 'dashboard', 'watch', 'bulk', 'tokens', '_resources', '_kri', 'policies', 'who-am-i', 'config', 'global-insight']
