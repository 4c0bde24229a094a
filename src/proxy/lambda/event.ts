/** A request, read in full. */
export interface WholeRequest {
  readonly method: string
  /** Path and query, as they stand in the request line. */
  readonly target: string
  readonly httpVersion: string
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
}

/** Who and where, for `requestContext`. */
export interface EventContext {
  readonly requestId: string
  /** Of the function. */
  readonly accountId: string
  /** What stands for the API's id: the function's name. */
  readonly apiId: string
  /** Unix ms. */
  readonly timeMs: number
}

/** These say something of one connection, and nothing of the request. https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
export const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * A request as a function gets it behind a function URL or an API Gateway HTTP API: payload format 2.0. A body that is no text of a known kind,
 * is compressed, or is not UTF-8 goes in base64.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html#http-api-develop-integrations-lambda.proxy-format
 */
export function eventOf(request: WholeRequest, { requestId, accountId, apiId, timeMs }: EventContext): object {
  const { method, target, httpVersion, body } = request
  const { headers, cookies } = headersOf(request.rawHeaders)
  const mark = target.indexOf('?')
  const rawPath = mark < 0 ? target : target.slice(0, mark)
  const rawQueryString = mark < 0 ? '' : target.slice(mark + 1)
  const query = queryOf(rawQueryString)
  const domainName = headers.host ?? ''
  const isBase64Encoded = !isText(headers, body)
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    ...(cookies.length === 0 ? {} : { cookies }),
    headers,
    ...(Object.keys(query).length === 0 ? {} : { queryStringParameters: query }),
    requestContext: {
      accountId,
      apiId,
      domainName,
      domainPrefix: domainName.split('.')[0]!,
      http: {
        method,
        path: rawPath,
        protocol: `HTTP/${httpVersion}`,
        sourceIp: (headers['x-forwarded-for'] ?? '').split(',')[0]!.trim(),
        userAgent: headers['user-agent'] ?? '',
      },
      requestId,
      routeKey: '$default',
      stage: '$default',
      time: commonLogTime(timeMs),
      timeEpoch: timeMs,
    },
    ...(body.length === 0 ? {} : { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') }),
    isBase64Encoded: body.length > 0 && isBase64Encoded,
  }
}

/** Names in lower case, several values of one joined by commas. Cookies stand apart, one an entry. */
function headersOf(raw: readonly string[]): { readonly headers: Record<string, string>; readonly cookies: string[] } {
  const headers = new Map<string, string>()
  const cookies: string[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name, value] = [raw[i]!.toLowerCase(), raw[i + 1]!]
    if (hopByHop.has(name)) continue
    if (name === 'cookie') cookies.push(...value.split(/; */).filter(cookie => cookie !== ''))
    else headers.set(name, headers.has(name) ? `${headers.get(name)},${value}` : value)
  }
  return { headers: Object.fromEntries(headers), cookies }
}

/** Decoded; several values of one name joined by commas. */
function queryOf(text: string): Record<string, string> {
  const query = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(text)) query.set(name, query.has(name) ? `${query.get(name)},${value}` : value)
  return Object.fromEntries(query)
}

/** With parameters, as in `application/json; charset=utf-8`; JSON and XML of any vocabulary. */
const textType = /^(text\/[^;]+|application\/(json|javascript|xml)|[^;]+\+(json|xml))\s*(;|$)/i

function isText(headers: Readonly<Record<string, string>>, body: Buffer): boolean {
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity' || !textType.test(headers['content-type'] ?? '')) return false
  const charset = /charset\s*=\s*"?([^";\s]+)/i.exec(headers['content-type']!)?.[1] ?? 'utf-8'
  return /^(utf-?8|us-ascii)$/i.test(charset) && isUtf8(body)
}

function isUtf8(body: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
    return true
  } catch {
    return false
  }
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `12/Mar/2026:19:03:58 +0000` */
function commonLogTime(timeMs: number): string {
  const [date, time] = new Date(timeMs).toISOString().split('T') as [string, string]
  const [year, month, day] = date.split('-') as [string, string, string]
  return `${day}/${months[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`
}
