import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fieldText, Head, textOf } from './head.ts'
import { INCOMPLETE, parseRequest, parseResponse } from './parse-head.ts'

const request = Buffer.from(
  'GET /path?x=1 HTTP/1.1\r\nHost: example.com \r\nContent-Length: 12\r\nX-A: 1\r\nx-a:2\r\nConnection: close, X-Hop\r\nX-Hop: y\r\n\r\nbody',
)

test('a head is read into slots', () => {
  const head = new Head()

  const end = parseRequest(request, 0, request.length, head)

  assert.equal(end, request.length - 4)
  assert.equal(textOf(request, head.methodFrom, head.methodTo), 'GET')
  assert.equal(textOf(request, head.targetFrom, head.targetTo), '/path?x=1')
  assert.equal(fieldText(request, head, 'host'), 'example.com')
  assert.equal(fieldText(request, head, 'x-a'), '1,2')
  assert.equal(fieldText(request, head, 'x-b'), null)
  assert.equal(head.contentLength, 12)
  assert.equal(head.keepAlive, false)
})

test('a part of a head is never taken for the whole, nor for a bad one', () => {
  const head = new Head()
  for (let to = 0; to < request.length - 4; to++) assert.equal(parseRequest(request, 0, to, head), INCOMPLETE, `${to}`)
  const response = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Y: z\r\n\r\n')
  for (let to = 0; to < response.length; to++) assert.equal(parseResponse(response, 0, to, head), INCOMPLETE, `${to}`)
  assert.equal(parseResponse(response, 0, response.length, head), response.length)
})

test('whatever the bytes, the parser answers, and never beyond them', () => {
  const head = new Head()
  const mutated = fc.tuple(fc.nat(request.length - 1), fc.nat(255)).map(([at, byte]) => {
    const copy = Buffer.from(request)
    copy[at] = byte
    return copy
  })
  const anything = fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes))
  const lines = fc
    .array(
      fc.constantFrom(
        'GET / HTTP/1.1',
        'Host: x',
        'Content-Length: 3',
        'Transfer-Encoding: chunked',
        'Connection: host',
        ' folded',
        'a b: c',
        '',
        'HTTP/1.1 200 OK',
      ),
      { maxLength: 8 },
    )
    .map(parts => Buffer.from(parts.join('\r\n')))
  fc.assert(
    fc.property(fc.oneof(mutated, anything, lines), bytes => {
      for (const parse of [parseRequest, parseResponse]) {
        const end = parse(bytes, 0, bytes.length, head)
        assert.ok(end <= bytes.length)
        // Never both: the pair that smuggles requests.
        if (end > 0) assert.ok(!(head.chunked && head.contentLength >= 0))
      }
    }),
    { numRuns: 2000 },
  )
})
