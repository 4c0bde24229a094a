import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** For tests: the part of the Lambda API that invokes, with the checks that matter to who calls it. */

export const testKeys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' }

export interface Invocation {
  readonly arn: string
  readonly payload: Buffer
  readonly headers: IncomingMessage['headers']
}

export interface FunctionResult {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly payload?: unknown
}

export interface InvokeApi extends AsyncDisposable {
  readonly endpoint: string
  readonly invocations: Invocation[]
  /** TCP connections that it has accepted. */
  connections(): number
}

/** A signature that is not right is answered 403, as AWS does. */
export async function anInvokeApi(run: (invocation: Invocation) => FunctionResult | Promise<FunctionResult>): Promise<InvokeApi> {
  const invocations: Invocation[] = []
  let connections = 0
  const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
    const payload = Buffer.concat(parts)
    const answer = (status: number, headers: Record<string, string>, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
    const wrong = signatureProblem(request, payload)
    if (wrong !== null) return answer(403, { 'x-amzn-errortype': 'InvalidSignatureException' }, { Message: wrong })
    const arn = decodeURIComponent(/^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(request.url ?? '')?.[1] ?? '')
    const invocation = { arn, payload, headers: request.headers }
    invocations.push(invocation)
    const { status = 200, headers = {}, payload: result = null } = await run(invocation)
    answer(status, headers, result)
  })
  server.on('connection', () => connections++)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    invocations,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** Worked out anew from the specification. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function signatureProblem(request: IncomingMessage, payload: Buffer): string | null {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/
  const [, keyId, date, region, service, signedHeaders, signature] = form.exec(request.headers.authorization ?? '') ?? []
  if (keyId !== testKeys.accessKeyId) return 'the key is unknown'
  if (request.headers['x-amz-security-token'] !== testKeys.sessionToken) return 'the session is unknown'
  const time = String(request.headers['x-amz-date'])
  const names = signedHeaders!.split(';')
  for (const name of ['host', 'x-amz-date', 'x-amz-security-token']) if (!names.includes(name)) return `${name} is not signed`
  const path = (request.url ?? '').split('/').map(encodeURIComponent).join('/')
  const headers = names.map(name => `${name}:${String(request.headers[name]).trim()}\n`).join('')
  const canonical = [request.method, path, '', headers, signedHeaders, sha256(payload)].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', time, `${date}/${region}/${service}/aws4_request`, sha256(canonical)].join('\n')
  const key = [date!, region!, service!, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${testKeys.secretAccessKey}`)
  return hmac(key, toSign).toString('hex') === signature ? null : 'the signature does not match'
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}
