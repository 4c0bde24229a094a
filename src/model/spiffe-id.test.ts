import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatSpiffeId, parseSpiffeId, trustDomainOf, workloadSpiffeId } from './spiffe-id.ts'

test('the identity of a workload names mesh, zone and workload', () => {
  assert.equal(trustDomainOf('default', 'aws-1'), 'default.aws-1.mesh.local')
  assert.equal(workloadSpiffeId('default', 'aws-1', 'payments'), 'spiffe://default.aws-1.mesh.local/workload/payments')
})

test('trust domains compare without case, paths with it', () => {
  const parsed = parseSpiffeId('SPIFFE://Default.East.mesh.local/workload/Web')

  assert.deepEqual(parsed, { kind: 'ok', value: { trustDomain: 'default.east.mesh.local', path: '/workload/Web' } })
})

test('what SPIFFE forbids is refused with the reason', () => {
  const cases: [string, RegExp][] = [
    ['https://a/b', /must begin with "spiffe:/],
    ['spiffe:///b', /must not be empty/],
    ['spiffe://a:80/b', /no port/],
    ['spiffe://user@a/b', /no user/],
    ['spiffe://a%41/b', /no percent sign/],
    [`spiffe://${'a'.repeat(256)}/b`, /at most 255/],
    ['spiffe://a/b/', /no trailing slash/],
    ['spiffe://a//b', /no empty segment/],
    ['spiffe://a/', /no trailing slash/],
    ['spiffe://a/./b', /no "\." or "\.\."/],
    ['spiffe://a/../b', /no "\." or "\.\."/],
    ['spiffe://a/b?c', /no query/],
    ['spiffe://a/b#c', /no fragment/],
    ['spiffe://a/é', /letters/],
    [`spiffe://a/${'b'.repeat(2048)}`, /at most 2048/],
  ]
  for (const [text, reason] of cases) {
    const parsed = parseSpiffeId(text)
    assert.ok(parsed.kind === 'invalid' && reason.test(parsed.reason), `${text}: ${JSON.stringify(parsed)}`)
  }
})

test('a SPIFFE ID reads as what was written', () => {
  const id = fc.record({
    trustDomain: fc.stringMatching(/^[a-z0-9._-]{1,30}$/),
    path: fc
      .array(fc.stringMatching(/^[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,9}$/))
      .map(segments => segments.map(segment => `/${segment}`).join('')),
  })
  fc.assert(fc.property(id, value => assert.deepEqual(parseSpiffeId(formatSpiffeId(value)), { kind: 'ok', value: { ...value } })))
})
