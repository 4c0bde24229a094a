import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { eventOf, type WholeRequest } from './event.ts'

type Event = {
  rawPath: string
  rawQueryString: string
  cookies?: string[]
  headers: Record<string, string>
  queryStringParameters?: Record<string, string>
  requestContext: { http: Record<string, string>; time: string; accountId: string }
  body?: string
  isBase64Encoded: boolean
}

function event(over: Partial<WholeRequest> = {}): Event {
  const request = { method: 'GET', target: '/', httpVersion: '1.1', rawHeaders: [], body: Buffer.alloc(0), ...over }
  const context = { requestId: 'id-1', accountId: '123456789012', apiId: 'shop', timeMs: Date.UTC(2026, 2, 12, 19, 3, 58) }
  return eventOf(request, context) as Event
}

test('path and query are as they came, and parameters of one name are joined', () => {
  const { rawPath, rawQueryString, queryStringParameters, requestContext } = event({ target: '/a%20b/c?x=1&x=2&y=%C3%A4' })

  assert.deepEqual([rawPath, rawQueryString], ['/a%20b/c', 'x=1&x=2&y=%C3%A4'])
  assert.deepEqual(queryStringParameters, { x: '1,2', y: 'ä' })
  assert.equal(requestContext.http.path, '/a%20b/c')
  assert.equal(event({ target: '/plain' }).queryStringParameters, undefined)
})

test('headers are in lower case, several of one name joined by commas, cookies apart, and those of the connection left out', () => {
  const rawHeaders = [
    'Host',
    'shop.example',
    'X-Tag',
    'a',
    'x-tag',
    'b',
    'Cookie',
    'one=1; two=2',
    'cookie',
    'three=3',
    'Connection',
    'close',
  ]
  const { headers, cookies, requestContext } = event({
    rawHeaders: [...rawHeaders, 'X-Forwarded-For', '10.0.0.9, 10.0.0.1', 'User-Agent', 'curl'],
  })

  assert.deepEqual(headers, { host: 'shop.example', 'x-tag': 'a,b', 'x-forwarded-for': '10.0.0.9, 10.0.0.1', 'user-agent': 'curl' })
  assert.deepEqual(cookies, ['one=1', 'two=2', 'three=3'])
  assert.deepEqual(requestContext.http, { method: 'GET', path: '/', protocol: 'HTTP/1.1', sourceIp: '10.0.0.9', userAgent: 'curl' })
  assert.equal(requestContext.time, '12/Mar/2026:19:03:58 +0000')
})

test('text goes as text, everything else in base64', () => {
  const check = (type: string, body: Buffer, isBase64Encoded: boolean, more: string[] = []) => {
    const sent = event({ method: 'POST', rawHeaders: ['content-type', type, ...more], body })
    assert.equal(sent.isBase64Encoded, isBase64Encoded, type)
    assert.equal(sent.body, body.toString(isBase64Encoded ? 'base64' : 'utf8'))
  }
  check('application/json', Buffer.from('{"a":"ä"}'), false)
  check('application/json; charset=utf-8', Buffer.from('{}'), false)
  check('application/vnd.api+json', Buffer.from('{}'), false)
  check('text/plain', Buffer.from('hello'), false)
  check('image/png', Buffer.from([137, 80]), true)
  check('application/json', Buffer.from([0xff, 0xfe]), true)
  check('application/json; charset=iso-8859-1', Buffer.from('{}'), true)
  check('text/plain', Buffer.from('compressed'), true, ['content-encoding', 'gzip'])
  check('application/octet-stream', Buffer.from('x'), true)
  assert.deepEqual([event().body, event().isBase64Encoded], [undefined, false])
})

test('whatever bytes a body has, a function can have them back', () => {
  const bodies = fc.tuple(
    fc.uint8Array({ minLength: 1 }),
    fc.constantFrom('text/plain', 'application/json', 'application/octet-stream', ''),
  )
  fc.assert(
    fc.property(bodies, ([bytes, type]) => {
      const sent = event({ rawHeaders: ['content-type', type], body: Buffer.from(bytes) })
      assert.deepEqual(Buffer.from(sent.body!, sent.isBase64Encoded ? 'base64' : 'utf8'), Buffer.from(bytes))
    }),
  )
})
