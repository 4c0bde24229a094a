import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callError } from './call-error.ts'

const what = (error: object) => {
  const { what, message, retryAfterMs } = callError(
    Object.assign(new Error((error as Error).message ?? 'said'), error),
    'ecs:ListTasks',
    '123456789012 in eu-central-1',
  )
  return { what, message, retryAfterMs }
}
const answered = (httpStatusCode: number, headers = {}) => ({
  $metadata: { httpStatusCode },
  $response: { statusCode: httpStatusCode, headers },
})

test('refusals for now are told from refusals, with how long to wait', () => {
  assert.deepEqual(
    [what({ name: 'ThrottlingException', ...answered(400, { 'retry-after': '7' }) })].map(it => [it.what, it.retryAfterMs])[0],
    ['throttled', 7000],
  )
  assert.equal(what({ name: 'RequestLimitExceeded', ...answered(503) }).what, 'throttled')
  assert.equal(what({ name: 'Unknown', ...answered(429) }).what, 'throttled')
  assert.equal(what({ name: 'ClusterNotFoundException', ...answered(400) }).what, 'refused')
  assert.equal(what({ name: 'SyntaxError', ...answered(503) }).what, 'unreachable')
})

test('who is denied is told which permission to add, and where', () => {
  const said = (action: string) => ({
    name: 'AccessDeniedException',
    message: `User: arn:aws:sts::1:assumed-role/skerry/x is not authorized to perform: ${action} on resource: *`,
    ...answered(400),
  })
  assert.match(what(said('ecs:ListTasks')).message, /assumed-role\/skerry\/x may not ecs:ListTasks: add ecs:ListTasks to the policy/)
  assert.match(what(said('sts:AssumeRole')).message, /may not sts:AssumeRole: .*trust policy/)
  assert.match(
    what({ name: 'UnauthorizedOperation', message: 'You are not authorized', ...answered(403) }).message,
    /may not ecs:ListTasks/,
  )
  for (const name of ['ExpiredTokenException', 'CredentialsProviderError', 'InvalidClientTokenId', 'SignatureDoesNotMatch'])
    assert.equal(what({ name, ...(name.startsWith('Cred') ? {} : answered(403)) }).what, 'denied')
})

test('no answer is told from one that cannot be read', () => {
  for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'ECONNRESET']) assert.equal(what({ code }).what, 'unreachable')
  assert.equal(what({ name: 'TimeoutError' }).what, 'unreachable')
  assert.equal(what({ name: 'SyntaxError', ...answered(200) }).what, 'garbled')
  assert.equal(
    what({ message: '@aws-sdk XML parse error: unexpected end of input.\n  Deserialization error', ...answered(200) }).what,
    'garbled',
  )
  assert.match(what({ name: 'SyntaxError', ...answered(404) }).message, /is aws[.]endpoint right/)
})
