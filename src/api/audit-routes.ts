import type { FastifyInstance } from 'fastify'
import type { AuditLog } from '../audit/audit-log.ts'
import type { AuditPage, AuditQuery } from '../audit/query.ts'
import type { Violation } from '../model/kind.ts'
import { invalidResource } from './problem.ts'
import { urlOf } from './request-url.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000
const words = ['who', 'verb', 'area', 'kind', 'mesh', 'name', 'decision'] as const
const known = new Set<string>([...words, 'from', 'before', 'limit', 'since'])

/** Reading the log of what people did, and having it verified. That it was read is in it, too. */
export function auditRoutes(app: FastifyInstance, audit: AuditLog): void {
  const config = { access: { verb: 'read', area: 'audit' } } as const
  app.get('/audit', { config }, async request => {
    const query = readQuery(request.query as Readonly<Record<string, unknown>>)
    const page = await audit.query(query)
    return {
      items: page.items,
      next: nextUrl(urlOf(request), query, page),
      head: audit.head,
      ...(audit.broken === undefined ? {} : { broken: audit.broken }),
    }
  })
  app.get('/audit/verification', { config }, () => audit.verify())
}

function readQuery(parameters: Readonly<Record<string, unknown>>): AuditQuery {
  const violations: Violation[] = []
  const number = (field: 'from' | 'before' | 'limit', max: number) => {
    const text = parameters[field]
    if (text === undefined) return undefined
    if (typeof text === 'string' && /^\d{1,15}$/.test(text) && Number(text) >= 1 && Number(text) <= max) return Number(text)
    violations.push({
      field,
      reason: field === 'limit' ? `must be a number from 1 to ${MAX_LIMIT}` : 'must be the sequence of an entry, from 1',
    })
    return undefined
  }
  const query: Record<string, unknown> = {
    from: number('from', Number.MAX_SAFE_INTEGER),
    before: number('before', Number.MAX_SAFE_INTEGER),
    limit: number('limit', MAX_LIMIT) ?? DEFAULT_LIMIT,
  }
  for (const field of [...words, 'since']) {
    const text = parameters[field]
    if (text === undefined || text === '') continue
    if (typeof text === 'string') query[field] = text
    else violations.push({ field, reason: 'can be given once' })
  }
  if (typeof query.since === 'string' && Number.isNaN(Date.parse(query.since))) {
    violations.push({ field: 'since', reason: 'must be a time such as 2026-06-01T12:00:00Z' })
  }
  if (query.from !== undefined && query.before !== undefined)
    violations.push({ field: 'before', reason: 'goes another way than from: give one of the two' })
  // A misspelt filter would show everything.
  for (const field of Object.keys(parameters))
    if (!known.has(field)) violations.push({ field, reason: `is not one of ${[...known].join(', ')}` })
  if (violations.length > 0) throw invalidResource(violations, 'Could not read the audit log')
  return query as unknown as AuditQuery
}

function nextUrl(url: string, query: AuditQuery, { next }: AuditPage): string | null {
  if (next === null) return null
  const there = new URL(url)
  there.searchParams.set(query.from === undefined ? 'before' : 'from', String(next))
  return there.href
}
