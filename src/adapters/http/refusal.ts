import { SourceCallError } from '../adapter.ts'

interface Called {
  readonly method?: string
  readonly url: string
}

/** Of what a server says of a refusal, so much is quoted. */
const QUOTED = 200

/** The server answered, but not with 2xx. */
export class HttpCallError extends SourceCallError {
  override name = 'HttpCallError'
  readonly status: number

  constructor(status: number, ...args: ConstructorParameters<typeof SourceCallError>) {
    super(...args)
    this.status = status
  }
}

/** What an answer other than 2xx means. @param header a header's value by its lower-case name */
export function refusal(call: Called, status: number, header: (name: string) => string | undefined, text: string): HttpCallError {
  const { code, message } = errorOf(text)
  const retryAfterMs = retryAfter(header('retry-after'), Date.parse(header('date') ?? ''))
  const what = `${callName(call)} answered ${status}${code === '' ? '' : ` ${code}`}${message === '' ? '' : `: ${message}`}`
  return new HttpCallError(status, meaning(status, code, retryAfterMs), what, retryAfterMs === undefined ? {} : { retryAfterMs })
}

/** Without the query: page tokens are long, and say nothing to people. */
export function callName({ method = 'GET', url }: Called): string {
  return `${method} ${url.split('?')[0]}`
}

function meaning(status: number, code: string, retryAfterMs: number | undefined): SourceCallError['what'] {
  // Google Compute Engine refuses calls beyond its rate with 403: https://cloud.google.com/compute/api-quota
  if (status === 429 || /^(rateLimitExceeded|userRateLimitExceeded|RATE_LIMIT_EXCEEDED|RESOURCE_EXHAUSTED)$/.test(code)) return 'throttled'
  if (status === 503 && retryAfterMs !== undefined) return 'throttled'
  if (status === 401 || status === 403) return 'denied'
  return status >= 500 || status === 408 ? 'unreachable' : 'refused'
}

/** ARM: `{error: {code, message}}`; Google: `{error: {code: 403, status, message, errors: [{reason}]}}`; anything else: as it is. */
function errorOf(text: string): { readonly code: string; readonly message: string } {
  try {
    const { error } = JSON.parse(text)
    const code = error?.errors?.[0]?.reason ?? error?.status ?? error?.code ?? ''
    return { code: String(code), message: String(error?.message ?? '').slice(0, QUOTED) }
  } catch {
    return { code: '', message: text.trim().slice(0, QUOTED) }
  }
}

/** Seconds, or a date: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after. Dates are read by the server's own clock. */
function retryAfter(header: string | undefined, serverNowMs: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d+$/.test(header)) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) || Number.isNaN(serverNowMs) ? undefined : Math.max(0, at - serverNowMs)
}
