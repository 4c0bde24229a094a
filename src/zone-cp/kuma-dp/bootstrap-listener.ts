import type { IncomingMessage, RequestListener } from 'node:http'
import type { Log } from '../../std/log.ts'
import { type Address, parseOptionValue } from '../../std/option-value.ts'
import { answerBootstrap, type BootstrapParts } from './bootstrap-answer.ts'

/** A Dataplane and a token; some have long lists of labels. */
const maxBodyBytes = 1024 * 1024

/** `POST /bootstrap`; everything else is `otherwise`'s. */
export function serveBootstrap(parts: BootstrapParts, fallback: Address, log: Log, otherwise: RequestListener): RequestListener {
  return (request, response) => {
    if (request.method !== 'POST' || request.url?.split('?')[0] !== '/bootstrap') return otherwise(request, response)
    const answer = async () => {
      const body = await read(request)
      if (body === null) return { status: 413, body: { status: 413, title: 'SKERRY_BODY_TOO_LARGE', detail: 'the request is too large' } }
      return answerBootstrap(parts, body, reachedBy(request, fallback))
    }
    answer()
      .catch(error => {
        log.error('a bootstrap request could not be answered', { peer: request.socket.remoteAddress, error })
        return { status: 500, body: { status: 500, title: 'SKERRY_INTERNAL', detail: 'the zone failed on this request: see its log' } }
      })
      .then(({ status, body }) => {
        if (status >= 400) log.warn('a kuma-dp was refused', { peer: request.socket.remoteAddress, status, reason: JSON.stringify(body) })
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
  }
}

/** As the client sees it: there may be a load balancer in between. */
function reachedBy({ headers, socket }: IncomingMessage, fallback: Address): { host: string; port: number } {
  const host = headers.host ?? ''
  const parsed = parseOptionValue('address', host.includes(':') ? host : `${host}:443`)
  if (parsed.kind === 'ok' && host !== '') return parsed.value as Address
  return { host: socket.localAddress ?? fallback.host, port: fallback.port }
}

/** null = it is too large. */
async function read(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > maxBodyBytes) return null
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
