import type { FastifyRequest } from 'fastify'
import { invalidResource } from '../problem.ts'
import { urlOf } from '../request-url.ts'
import { readListRequest } from './list-request.ts'
import type { ChangeLog } from './model/change-log.ts'
import type { Table, Visibility } from './model/table.ts'

export interface PageRequest<Row, Shown> {
  readonly request: FastifyRequest
  readonly table: Table<Row>
  readonly changes: ChangeLog
  readonly visible: Visibility | undefined
  readonly show: (row: Row) => Shown
  /** Parameters that this list has beside those of all. */
  readonly also?: readonly string[]
}

/** The page of a list that a request asks for. Throws the 400 that names what it does not understand. */
export function answerPage<Row, Shown>({ request, table, changes, visible, show, also }: PageRequest<Row, Shown>) {
  const read = readListRequest(request.query as Readonly<Record<string, unknown>>, table.shape, also)
  if (read.kind === 'invalid') throw invalidResource(read.violations, 'Could not read the list')
  const { total, rows } = table.query({ ...read.query, visible })
  const end = read.query.offset + read.query.size
  return {
    revision: changes.token(changes.revision),
    total,
    items: rows.map(show),
    next: end < total ? withOffset(urlOf(request), end) : null,
  }
}

function withOffset(url: string, offset: number): string {
  const next = new URL(url)
  next.searchParams.set('offset', String(offset))
  return next.href
}
