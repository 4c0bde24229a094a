import { createHash, createHmac } from 'node:crypto'
import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Lambda } from '../../model/kinds/dataplane.ts'
import type { Clock } from '../../std/clock.ts'
import type { InvokeAnswer } from './answer.ts'
import type { Credentials } from './credentials.ts'

/** What the Lambda API takes and gives at most, envelope and base64 included, bytes.
 *  https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const payloadLimit = 6 * 1024 * 1024

/** Of an answer: its limit is the API's to hold; this is for one that is none. */
const readLimit = payloadLimit + 1024 * 1024

/** Connections to one endpoint; the limits of the cluster are narrower. */
const maxSockets = 1024

/** No answer of the function came. `wasSent`: it may have run nevertheless. */
export class InvokeError extends Error {
  override name = 'InvokeError'
  readonly code = 'SKERRY_INVOKE_FAILED'
  readonly wasSent: boolean
  constructor(reason: string, wasSent: boolean, options?: ErrorOptions) {
    super(reason, options)
    this.wasSent = wasSent
  }
}

/** Calls one function over connections that are kept. */
export class Invoker {
  readonly #lambda: Lambda
  readonly #credentials: Credentials
  readonly #clock: Clock
  readonly #url: URL
  readonly #agent: HttpAgent
  readonly #signer: SignatureV4

  constructor(lambda: Lambda, options: { readonly credentials: Credentials; readonly clock: Clock; readonly endpoint: string }) {
    this.#lambda = lambda
    this.#credentials = options.credentials
    this.#clock = options.clock
    this.#url = new URL(options.endpoint)
    const keeping = { keepAlive: true, maxSockets }
    this.#agent = this.#url.protocol === 'https:' ? new HttpsAgent(keeping) : new HttpAgent(keeping)
    this.#signer = new SignatureV4({ service: 'lambda', region: lambda.region, credentials: options.credentials, sha256: Sha256 })
  }

  /** @throws InvokeError */
  async invoke(payload: Buffer, signal: AbortSignal): Promise<InvokeAnswer> {
    const { hostname, port, host, protocol } = this.#url
    const path = `/2015-03-31/functions/${encodeURIComponent(this.#lambda.arn)}/invocations`
    const headers = { host, 'content-type': 'application/json', 'x-amz-invocation-type': 'RequestResponse' }
    let signed: { readonly headers: Record<string, string> }
    try {
      await this.#credentials()
      const unsigned = { method: 'POST', protocol, hostname, path, query: {}, headers, body: payload }
      signed = await this.#signer.sign(unsigned, { signingDate: new Date(this.#clock.now()) })
    } catch (error) {
      throw new InvokeError(`no credentials to sign with: ${(error as Error).message}`, false, { cause: error })
    }
    const options: RequestOptions = {
      agent: this.#agent,
      host: hostname,
      port: port === '' ? undefined : port,
      method: 'POST',
      path,
      headers: { ...signed.headers, 'content-length': payload.length },
      signal,
    }
    return this.#send(options, payload)
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(options: RequestOptions, payload: Buffer): Promise<InvokeAnswer> {
    return new Promise((resolve, reject) => {
      let isConnected = false
      const call = (this.#url.protocol === 'https:' ? httpsRequest : httpRequest)(options, response => {
        const parts: Buffer[] = []
        let length = 0
        response.on('data', (part: Buffer) => {
          length += part.length
          parts.push(part)
          if (length > readLimit) call.destroy(new Error(`the answer is larger than ${readLimit} bytes`))
        })
        response.on('error', error => reject(new InvokeError(error.message, true, { cause: error })))
        response.on('end', () => {
          const headers = response.headers as Record<string, string | undefined>
          resolve({ status: response.statusCode!, headers, payload: Buffer.concat(parts) })
        })
      })
      call.on('socket', socket => {
        const ready = () => {
          isConnected = true
        }
        if (call.reusedSocket || !socket.connecting) ready()
        else socket.once(this.#url.protocol === 'https:' ? 'secureConnect' : 'connect', ready)
      })
      call.on('error', error => reject(new InvokeError(error.message, isConnected, { cause: error })))
      call.end(payload)
    })
  }
}

/** Node's own SHA-256, in the form that the signer takes. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash>

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash('sha256') : (createHmac('sha256', bytesOf(secret)) as unknown as ReturnType<typeof createHash>)
  }

  update(part: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(part))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {}
}

function bytesOf(part: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof part === 'string') return Buffer.from(part)
  return ArrayBuffer.isView(part) ? Buffer.from(part.buffer, part.byteOffset, part.byteLength) : Buffer.from(part)
}
