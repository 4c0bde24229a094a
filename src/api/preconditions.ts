import type { Resource, Revision } from '../model/resource.ts'

/** The tag of a resource's present value. https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3 */
export function etagOf(revision: Revision): string {
  return `"${revision}"`
}

export interface ConditionHeaders {
  readonly 'if-match'?: string
  readonly 'if-none-match'?: string
}

/** Does what is there (or is not) meet the conditions of a write? https://www.rfc-editor.org/rfc/rfc9110#section-13.1 */
export function mayWrite(headers: ConditionHeaders, existing: Resource | undefined): boolean {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  if (match !== undefined && !(existing && lists(match, existing))) return false
  return noneMatch === undefined || !(existing && lists(noneMatch, existing))
}

export function isConditional(headers: ConditionHeaders): boolean {
  return headers['if-match'] !== undefined || headers['if-none-match'] !== undefined
}

/** Does the reader have this value already? */
export function isUnmodified(headers: ConditionHeaders, existing: Resource): boolean {
  const noneMatch = headers['if-none-match']
  return noneMatch !== undefined && lists(noneMatch, existing)
}

function lists(header: string, { revision }: Resource): boolean {
  return header.trim() === '*' || header.split(',').some(tag => tag.trim().replace(/^W\//, '') === etagOf(revision))
}
