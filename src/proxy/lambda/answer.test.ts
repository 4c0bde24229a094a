import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerOf, type HttpAnswer, unreachable } from './answer.ts'

function answer(
  payload: unknown,
  over: { status?: number; headers?: Record<string, string> } = {},
  form: 'http-2.0' | 'passthrough' = 'http-2.0',
) {
  const bytes = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
  return answerOf({ status: 200, headers: {}, payload: bytes, ...over }, form)
}

const shown = ({ status, headers, body }: HttpAnswer) => [status, Object.fromEntries(headers), body.toString()]

test('with a statusCode it is an answer', () => {
  const given = { statusCode: 201, headers: { 'X-One': '1', 'Content-Type': 'text/html' }, cookies: ['a=1', 'b=2'], body: '<p>' }
  const { status, headers, body } = answer(given)

  assert.equal(status, 201)
  assert.deepEqual(headers, [
    ['x-one', '1'],
    ['content-type', 'text/html'],
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
  ])
  assert.equal(body.toString(), '<p>')
  assert.deepEqual(
    answer({ statusCode: 200, isBase64Encoded: true, body: Buffer.from([0, 255]).toString('base64') }).body,
    Buffer.from([0, 255]),
  )
  assert.deepEqual(shown(answer({ statusCode: 204 })), [204, {}, ''])
})

test('without one it is a body of JSON', () => {
  assert.deepEqual(shown(answer({ hello: 'world' })), [200, { 'content-type': 'application/json' }, '{"hello":"world"}'])
  assert.deepEqual(shown(answer('"text"')), [200, { 'content-type': 'application/json' }, '"text"'])
  assert.deepEqual(shown(answer('null')), [200, { 'content-type': 'application/json' }, 'null'])
  assert.deepEqual(shown(answer({ statusCode: 404 }, {}, 'passthrough')), [
    200,
    { 'content-type': 'application/json' },
    '{"statusCode":404}',
  ])
})

test('what is no answer at all is a 502', () => {
  for (const payload of [
    '',
    '{"a"',
    '{"statusCode":"many"}',
    '{"statusCode":99}',
    '{"statusCode":200,"headers":[]}',
    '{"statusCode":200,"cookies":"a"}',
  ])
    assert.equal(answer(payload).status, 502, payload)
})

test('a function cannot break out of a header, nor speak as a proxy', () => {
  assert.equal(answer({ statusCode: 200, headers: { 'x-a': 'b\r\nset-cookie: c' } }).status, 502)
  assert.equal(answer({ statusCode: 200, cookies: ['a=1\r\nx: y'] }).status, 502)
  assert.equal(answer({ statusCode: 200, headers: { 'bad name': '1' } }).status, 502)
  const quiet = answer({
    statusCode: 503,
    headers: { 'X-Skerry-Refused': 'draining', Connection: 'close', 'content-length': '7' },
    body: 'x',
  })
  assert.deepEqual(shown(quiet), [503, { 'content-type': 'application/json' }, 'x'])
})

test('a function that failed is a 502 that names the exception and nothing more', () => {
  const thrown = { errorType: 'TypeError', errorMessage: 'secret', stackTrace: ['at secret'] }
  const failed = answer(thrown, { headers: { 'x-amz-function-error': 'Unhandled' } })

  assert.equal(failed.status, 502)
  assert.equal(Object.fromEntries(failed.headers)['x-skerry-function-error'], 'TypeError')
  assert.doesNotMatch(JSON.stringify(shown(failed)), /secret/)
  const odd = answer({ errorType: 'a\r\nb' }, { headers: { 'x-amz-function-error': 'Handled' } })
  assert.equal(Object.fromEntries(odd.headers)['x-skerry-function-error'], 'Handled')
})

test('refusals of the Lambda API become what a caller can act on', () => {
  const check = (
    status: number,
    expected: number,
    refused: string | undefined,
    headers: Record<string, string> = {},
    payload: unknown = {},
  ) => {
    const refusal = answer(payload, { status, headers })
    const got = Object.fromEntries(refusal.headers) as Record<string, string>
    assert.deepEqual([refusal.status, got['x-skerry-refused']], [expected, refused], String(status))
    return { refusal, got }
  }
  assert.equal(check(429, 503, 'lambda', { 'retry-after': '7' }).got['retry-after'], '7')
  assert.equal(check(429, 503, 'lambda', {}, { retryAfterSeconds: 2.1 }).got['retry-after'], '3')
  assert.equal(check(429, 503, 'lambda').got['retry-after'], '1')
  check(413, 413, undefined)
  assert.match(check(404, 503, 'lambda').refusal.alert!, /no such function/)
  assert.match(
    check(403, 502, undefined, { 'x-amzn-errortype': 'AccessDeniedException:http://x' }, { Message: 'no' }).refusal.alert!,
    /AccessDeniedException: no/,
  )
  // It may have run: nobody may run it again unasked.
  check(500, 503, undefined)
  check(502, 503, undefined)
  check(409, 503, 'lambda')
  check(400, 502, undefined)
})

test('only what was never sent may run elsewhere', () => {
  assert.deepEqual([unreachable('x', false).status, unreachable('x', true).status], [503, 502])
  assert.equal(Object.fromEntries(unreachable('x', false).headers)['x-skerry-refused'], 'connect')
  assert.equal(Object.fromEntries(unreachable('x', true).headers)['x-skerry-refused'], undefined)
})
