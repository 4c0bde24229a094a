import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { CreateFunctionCommand, DeleteFunctionCommand, GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { storedZip } from '../../dev/cloud/stored-zip.ts'
import { AwsEmulator, awsRegion } from './aws-emulators.ts'
import { ask, EnvoyMesh, outboundsTo, type TestedProxy, until } from './envoy-mesh.ts'

/** What AWS runs behind a function URL runs behind the mesh: the handler knows no difference. */
const handler = `
exports.handler = async event => {
  const { rawPath, requestContext, headers, cookies, queryStringParameters, body, isBase64Encoded, version } = event
  if (rawPath === '/throw') throw new TypeError('a secret of the function')
  if (rawPath === '/plain') return { just: 'json' }
  if (rawPath === '/teapot') return { statusCode: 418, headers: { 'x-kind': 'tea' }, cookies: ['a=1', 'b=2'], body: 'short' }
  if (rawPath === '/echo') return { statusCode: 200, headers: { 'content-type': 'application/octet-stream' }, body, isBase64Encoded }
  return { statusCode: 200, body: JSON.stringify({ version, rawPath, method: requestContext.http.method, peer: headers['x-forwarded-client-cert'], cookies, queryStringParameters }) }
}`

const emulator = await AwsEmulator.ministack()
const skip = typeof emulator === 'string' ? emulator : false

describe('a function that runs in an emulator of AWS, called in the mesh', { skip, timeout: 180_000 }, () => {
  const stack = new AsyncDisposableStack()
  let mesh: EnvoyMesh
  let web: TestedProxy
  let client: LambdaClient

  before(async () => {
    const aws = emulator as AwsEmulator
    stack.use(aws)
    const { disableHostPrefix: _, ...options } = aws.options()
    client = new LambdaClient(options)
    stack.defer(() => client.destroy())
    const created = await client.send(
      new CreateFunctionCommand({
        FunctionName: 'shop',
        Runtime: 'nodejs22.x',
        Role: 'arn:aws:iam::123456789012:role/shop',
        Handler: 'index.handler',
        Code: { ZipFile: storedZip('index.js', handler) },
      }),
    )
    await until('the function is active', async () => {
      const { Configuration } = await client.send(new GetFunctionCommand({ FunctionName: 'shop' }))
      return Configuration?.State === 'Active'
    })
    // What the SDK's chain finds on this machine.
    const before = { ...process.env }
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })
    stack.defer(() => {
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
        if (before[name] === undefined) delete process.env[name]
        else process.env[name] = before[name]
      }
    })
    mesh = await EnvoyMesh.start()
    stack.defer(() => mesh.stop())
    const own = await mesh.application((_request, response) => response.end('web'))
    web = await mesh.proxy('web', 'skerry', '--port', String(own), ...(await outboundsTo('shop')))
    const gateway = await mesh.proxy('zone-gateway', 'skerry', '--role', 'zone-gateway')
    await Promise.all([web.ready(), gateway.ready()])
    await mesh.api('/meshes/default/dataplanes/shop-function', {
      method: 'PUT',
      body: {
        type: 'Dataplane',
        mesh: 'default',
        name: 'shop-function',
        labels: { 'kuma.io/workload': 'shop', 'skerry.io/proxy': 'none' },
        networking: {
          address: new URL(aws.endpoint).hostname,
          inbound: [{ port: 443, name: 'main', protocol: 'http', state: 'Ready' }],
          lambda: { arn: created.FunctionArn, region: awsRegion, endpoint: aws.endpoint, payload: 'http-2.0' },
        },
      },
    })
    await until('the function answers', async () => (await call('/')).status === 200)
  })
  after(() => stack.disposeAsync())

  const call = (path: string, headers: Record<string, string> = {}) => ask(web.port('outbound.shop'), { path, headers })

  test('gets the request in payload format 2.0, and the identity of who calls', async () => {
    const { status, body } = await call('/cart?item=1&item=2', { cookie: 'session=7; theme=dark' })

    assert.equal(status, 200)
    assert.deepEqual(JSON.parse(body), {
      version: '2.0',
      rawPath: '/cart',
      method: 'GET',
      peer: 'URI=spiffe://default.east.mesh.local/workload/web',
      cookies: ['session=7', 'theme=dark'],
      queryStringParameters: { item: '1,2' },
    })
  })

  test('answers with a status, headers and cookies, or with JSON alone', async () => {
    const teapot = await call('/teapot')
    assert.deepEqual(
      [teapot.status, teapot.body, teapot.headers['x-kind'], teapot.headers['set-cookie']],
      [418, 'short', 'tea', ['a=1', 'b=2']],
    )
    const plain = await call('/plain')
    assert.deepEqual([plain.status, plain.headers['content-type'], JSON.parse(plain.body)], [200, 'application/json', { just: 'json' }])
  })

  test('takes and gives bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256))
    assert.deepEqual(await echo(web.port('outbound.shop'), bytes), bytes)
  })

  test('fails visibly when it throws, and keeps its stack to itself', async () => {
    const { status, body, headers } = await call('/throw')

    assert.equal(status, 502)
    // The emulator has a name of its own for it.
    assert.match(String(headers['x-skerry-function-error']), /Error$/)
    assert.doesNotMatch(body, /secret/)
  })

  test('is no longer called when it is deleted', async () => {
    await client.send(new DeleteFunctionCommand({ FunctionName: 'shop' }))
    await until('callers are told', async () => (await call('/')).status === 503)
  })
})

function echo(port: number, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length }
    const sent = request({ host: '127.0.0.1', port, path: '/echo', method: 'POST', agent: false, headers }, response => {
      const parts: Buffer[] = []
      response.on('data', part => parts.push(part))
      response.on('end', () => resolve(Buffer.concat(parts)))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
