import Type, { type Static } from 'typebox'
import type { Violation } from './kind.ts'
import { isRegularExpression } from './regular-expression.ts'
import { violation } from './rules.ts'
import { closed, headerName } from './schema.ts'

/** A condition on a header of a request or an answer. Absent type = Exact; `Present` and `Absent` take no value. */
export const headerMatch = closed({
  type: Type.Optional(Type.Enum(['Exact', 'Present', 'RegularExpression', 'Absent', 'Prefix'], { default: 'Exact' })),
  name: headerName,
  value: Type.Optional(Type.String()),
})
export type HeaderMatch = Static<typeof headerMatch>

export function checkHeaderMatch({ type = 'Exact', value }: HeaderMatch, at: string): Violation[] {
  if (type === 'Present' || type === 'Absent') return value ? violation(`${at}.value`, 'must not be defined') : []
  if (value === undefined) return violation(`${at}.value`, 'must be defined')
  return type === 'RegularExpression' && !isRegularExpression(value) ? violation(`${at}.value`, 'is not a regular expression') : []
}
