import type { FastifyRequest } from 'fastify'
import type { KindDefinition, Violation } from '../model/kind.ts'
import { findKind, kinds, suggestKinds } from '../model/kinds/index.ts'
import type { Revision } from '../model/resource.ts'
import type { Interest } from './change-feed.ts'
import { matches, readListQuery } from './list-query.ts'
import { invalidResource } from './problem.ts'

export interface WatchQuery {
  /** One for each kind. */
  readonly interests: readonly Interest[]
  /** The revision that the reader has; undefined = it has none, and begins with what is now. */
  readonly from: Revision | undefined
  /** Everything that is there first. */
  readonly initial: boolean
}

/**
 * `kind` (several, by comma or repeated; none = all), `mesh`, `name` and `filter[labels.k]=v` as lists have them, `from`, `initial=true`.
 * A Last-Event-ID is where the reader left off: it wins over `from` and `initial`. Throws ApiError with all that is wrong.
 */
export function readWatchQuery(request: Pick<FastifyRequest, 'query' | 'headers'>): WatchQuery {
  const parameters = request.query as Readonly<Record<string, unknown>>
  const violations: Violation[] = []
  const watched = readKinds(parameters.kind, violations)
  const list = readListQuery(parameters, 'watch')
  if (list.kind === 'invalid') violations.push(...list.violations)

  const lastEvent = request.headers['last-event-id']
  const from = readRevision(lastEvent ?? parameters.from, violations)
  const { initial = 'false' } = parameters
  if (!['true', 'false', ''].includes(String(initial))) violations.push({ field: 'initial', reason: 'must be true or false' })
  if (violations.length > 0 || list.kind === 'invalid') throw invalidResource(violations, 'Could not watch resources')
  const { mesh } = parameters
  return {
    interests: watched.flatMap(kind => interestsIn(kind, typeof mesh === 'string' && mesh !== '' ? mesh : undefined, list.query)),
    from,
    initial: initial !== 'false' && lastEvent === undefined,
  }
}

/** What is global belongs to no mesh; the Mesh itself is part of what is watched in it. */
function interestsIn(kind: KindDefinition, mesh: string | undefined, query: Parameters<typeof matches>[1]): readonly Interest[] {
  const rest = { kind: kind.kind, label: query.labels[0], matches: (resource: Parameters<typeof matches>[0]) => matches(resource, query) }
  if (mesh === undefined) return [rest]
  if (kind.scope === 'mesh') return [{ ...rest, mesh }]
  return kind.kind === 'Mesh' ? [{ ...rest, mesh: '', name: mesh }] : []
}

function readKinds(given: unknown, violations: Violation[]): readonly KindDefinition[] {
  const words = (Array.isArray(given) ? given : [given]).flatMap(word => (typeof word === 'string' ? word.split(',') : []))
  if (given === undefined) return kinds.filter(kind => !kind.secret)
  const found = words.flatMap(word => {
    const kind = findKind(word)
    if (kind && !kind.secret) return [kind]
    const [guess] = suggestKinds(word)
    violations.push({ field: 'kind', reason: `unknown kind ${JSON.stringify(word)}${guess ? `; did you mean ${guess}?` : ''}` })
    return []
  })
  return [...new Set(found)]
}

function readRevision(given: unknown, violations: Violation[]): Revision | undefined {
  if (given === undefined) return undefined
  if (/^\d{1,15}$/.test(String(given))) return Number(given)
  violations.push({ field: 'from', reason: 'must be a revision: a whole number' })
  return undefined
}
