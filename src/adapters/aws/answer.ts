import { SourceCallError } from '../adapter.ts'

/**
 * A member that AWS sends even when there is nothing in it. An answer without it came from something else – a proxy's page, an empty body with
 * status 200 – and must not be read as "there are none".
 */
export function requireAnswer<T>(value: T | undefined, member: string, action: string): T {
  if (value === undefined || value === null) throw new SourceCallError('garbled', `${action}: the answer has no ${member}`)
  return value
}

/** What a Describe call says of those that it did not describe. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Failure.html */
export interface Failure {
  readonly arn?: string | undefined
  readonly reason?: string | undefined
  readonly detail?: string | undefined
}
