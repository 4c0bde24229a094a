import { refusedHeader } from '../../envoy/headers.ts'
import { hopByHop } from './event.ts'

/** What the caller gets. */
export interface HttpAnswer {
  readonly status: number
  /** Names in lower case; a name may be there several times. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Buffer
  /** For whoever keeps the function: what is wrong with how it is set up. */
  readonly alert?: string
}

/** What the Lambda API said. */
export interface InvokeAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly payload: Buffer
}

/** Names the exception of a function that failed. Its message and stack stay in the function's log: they are not for callers. */
export const functionErrorHeader = 'x-skerry-function-error'

const json = 'application/json'

/**
 * From the Lambda API's answer to the caller's. A function that failed is a failure, and what was never run may run elsewhere: `refused` says so
 * to proxies of the mesh. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export function answerOf(invoked: InvokeAnswer, payload: 'http-2.0' | 'passthrough'): HttpAnswer {
  const { status, headers } = invoked
  if (status !== 200) return refusalOf(invoked)
  if (headers['x-amz-function-error'] !== undefined) {
    const type = /^[\w.$-]{1,100}$/.exec(String((parsed(invoked.payload) as { errorType?: unknown } | null)?.errorType))?.[0]
    return local(502, 'the function failed', [[functionErrorHeader, type ?? headers['x-amz-function-error']!]])
  }
  return payload === 'passthrough' ? { status: 200, headers: [['content-type', json]], body: invoked.payload } : readAnswer(invoked.payload)
}

/** Nothing was asked of the Lambda API, or nothing came back. */
export function unreachable(reason: string, wasSent: boolean): HttpAnswer {
  return local(wasSent ? 502 : 503, `the Lambda API could not be reached: ${reason}`, wasSent ? [] : [[refusedHeader, 'connect']])
}

/** `limit` bytes, base64 and envelope included. */
export function tooLarge(limit: number): HttpAnswer {
  return local(413, `the request is larger than the ${limit} bytes that a function takes`)
}

/** What a function returned, in payload format 2.0: with a statusCode it is an answer, without one it is a body. */
function readAnswer(payload: Buffer): HttpAnswer {
  const result = parsed(payload)
  if (result === undefined) return local(502, 'the function answered with no JSON')
  if (typeof result !== 'object' || result === null || !('statusCode' in result)) {
    return { status: 200, headers: [['content-type', json]], body: payload }
  }
  const { statusCode, headers = {}, cookies = [], body, isBase64Encoded } = result as Record<string, unknown>
  const status = Number(statusCode)
  if (!Number.isInteger(status) || status < 200 || status > 599) return local(502, 'the function answered with no valid statusCode')
  if (!isRecord(headers) || !Array.isArray(cookies)) return local(502, 'the function answered with headers or cookies of the wrong form')
  const given = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const)
  const kept = given.filter(([name]) => !hopByHop.has(name) && name !== 'content-length' && name !== refusedHeader)
  const all = [...kept, ...cookies.map(cookie => ['set-cookie', String(cookie)] as const)]
  if (!all.every(([name, value]) => headerName.test(name) && headerValue.test(value)))
    return local(502, 'the function answered with a header that HTTP does not allow')
  const text = body === undefined || body === null ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  const bytes = Buffer.from(text, isBase64Encoded === true ? 'base64' : 'utf8')
  const hasType = all.some(([name]) => name === 'content-type')
  return { status, headers: hasType || bytes.length === 0 ? all : [['content-type', json], ...all], body: bytes }
}

const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/

/** The function was not run, or that is not known. */
function refusalOf({ status, headers, payload }: InvokeAnswer): HttpAnswer {
  const said = parsed(payload) as { Message?: unknown; message?: unknown; retryAfterSeconds?: unknown } | null | undefined
  const type = (headers['x-amzn-errortype'] ?? '').split(':')[0]!
  const reason = [type, String(said?.Message ?? said?.message ?? '')].filter(text => text !== '').join(': ')
  const notRun = (text: string, retryAfter?: string): HttpAnswer => {
    const after: [string, string][] = retryAfter === undefined ? [] : [['retry-after', retryAfter]]
    return local(503, text, [...after, [refusedHeader, 'lambda']])
  }
  switch (status) {
    case 429:
      return notRun('the function is throttled', headers['retry-after'] ?? seconds(said?.retryAfterSeconds) ?? '1')
    case 413:
      return local(413, 'the request is larger than the function takes')
    case 404:
      return { ...notRun('there is no such function'), alert: `there is no such function, version or alias (${reason})` }
    case 401:
    case 403:
      return {
        ...local(502, 'the zone gateway may not invoke the function'),
        alert: `the zone gateway may not invoke it: give its role lambda:InvokeFunction (${reason})`,
      }
    case 409:
      return notRun('the function is being changed', '1')
    default:
      if (status >= 500) return local(503, `the Lambda API failed with ${status}`)
      return { ...local(502, 'the Lambda API did not take the request'), alert: `the Lambda API answered ${status} (${reason})` }
  }
}

function seconds(value: unknown): string | undefined {
  return typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value)) ? String(Math.ceil(Number(value))) : undefined
}

function local(status: number, body: string, headers: readonly (readonly [string, string])[] = []): HttpAnswer {
  return { status, headers: [['content-type', 'text/plain; charset=utf-8'], ...headers], body: Buffer.from(`${body}\n`) }
}

/** undefined = it is no JSON. */
function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
