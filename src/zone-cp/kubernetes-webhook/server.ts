import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { ServerCredentials } from '../../identity/control-plane-identity.ts'
import { listen } from '../../std/listen.ts'
import type { Log } from '../../std/log.ts'
import type { Address } from '../../std/option-value.ts'
import type { SidecarSettings } from './patch.ts'
import { answerReview } from './review.ts'

/** An object is at most 1.5 MiB in the cluster's store; a review holds one, and on an update two. bytes */
const longestReview = 8 * 1024 * 1024

export interface WebhookOptions {
  readonly address: Address
  readonly certificate: ServerCredentials
  readonly settings: SidecarSettings
  readonly log: Log
}

/** Where API servers ask what to add to a pod that is being made. Keeps nothing, so that asking for a dry run is as good as asking. */
export class KubernetesWebhook implements AsyncDisposable {
  readonly address: Address
  readonly #server: Server

  static async start(options: WebhookOptions): Promise<KubernetesWebhook> {
    const { cert, key } = options.certificate
    const server = createServer({ cert, key, requestTimeout: 10_000, headersTimeout: 5000 }, (request, response) => {
      serve(request, response, options.settings).catch(error => {
        options.log.warn('a review could not be answered', { error })
        if (!response.headersSent) response.writeHead(500)
        response.end()
      })
    })
    return new KubernetesWebhook(server, await listen(server, options.address, '--kubernetes-webhook'))
  }

  private constructor(server: Server, address: Address) {
    this.#server = server
    this.address = address
  }

  setCertificate({ cert, key }: ServerCredentials): void {
    this.#server.setSecureContext({ cert, key })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, settings: SidecarSettings): Promise<void> {
  const send = (status: number, body: unknown) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const type = typeof body === 'string' ? 'text/plain' : 'application/json'
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text)
  }
  const path = request.url?.split('?')[0]
  if (request.method === 'GET' && path === '/healthz') return send(200, 'ok\n')
  if (path !== '/inject') return send(404, 'there are POST /inject and GET /healthz\n')
  if (request.method !== 'POST') return send(405, 'an AdmissionReview is sent with POST\n')
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length
    if (bytes > longestReview) return send(413, 'the review is too large\n')
    chunks.push(chunk as Buffer)
  }
  const answer = answerReview(parsed(Buffer.concat(chunks).toString()), settings)
  return answer === null ? send(400, 'this is no AdmissionReview of admission.k8s.io/v1\n') : send(200, answer)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
