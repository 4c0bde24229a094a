/** An answer that the proxy gives by itself. */
export interface LocalAnswer {
  readonly status: number
  readonly body: string | Uint8Array
  /** For proxies of the mesh: the request was never handed over, for this reason. */
  readonly refused?: string
  readonly location?: string
}

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  410: 'Gone',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}

export function composeLocalAnswer(answer: LocalAnswer, options: { readonly closes: boolean; readonly withoutBody: boolean }): Buffer {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : Buffer.from(answer.body)
  const isBodiless = answer.status === 204 || answer.status === 304
  const head = [
    `HTTP/1.1 ${answer.status} ${reasons[answer.status] ?? ''}`,
    ...(isBodiless ? [] : [`content-length: ${body.length}`]),
    ...(body.length === 0 || isBodiless ? [] : ['content-type: text/plain; charset=utf-8']),
    ...(answer.location === undefined ? [] : [`location: ${answer.location}`]),
    ...(answer.refused === undefined ? [] : [`x-skerry-refused: ${answer.refused}`]),
    ...(options.closes ? ['connection: close'] : []),
    '\r\n',
  ].join('\r\n')
  const bytes = Buffer.from(head, 'latin1')
  return options.withoutBody || isBodiless ? bytes : Buffer.concat([bytes, body])
}
