import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allowedNames, isAllowedHost, isSameOrigin } from './hosts.ts'
import { anApi } from './test-support.ts'

test('addresses and known names are answered to, and nothing that only looks like them', () => {
  const names = allowedNames(['CP.example.com'])
  for (const host of ['localhost', 'localhost:5681', '127.0.0.1', '[::1]:5681', '192.0.2.7:1', 'SKERRY-CP', 'cp.example.com:443']) {
    assert.equal(isAllowedHost(host, names), true, host)
  }
  for (const host of [
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    'localhost@evil',
    'cp.example.com.',
    'a b',
    '[::1',
    ':5681',
    '1.2.3.4.5',
  ]) {
    assert.equal(isAllowedHost(host, names), false, String(host))
  }
})

test('a page of another origin is refused whatever it sends; our own and what is no page are not', () => {
  const host = 'localhost:5681'
  for (const origin of [undefined, 'http://localhost:5681', 'https://LOCALHOST:5681'])
    assert.equal(isSameOrigin({ origin, host }), true, origin)
  for (const origin of [
    'null',
    '',
    'http://localhost',
    'http://localhost:5682',
    'http://evil.example',
    'http://localhost:5681.evil.example',
  ]) {
    assert.equal(isSameOrigin({ origin, host }), false, origin)
  }
  for (const [site, expected] of Object.entries({ none: true, 'same-origin': true, 'same-site': false, 'cross-site': false })) {
    assert.equal(isSameOrigin({ host, 'sec-fetch-site': site }), expected, site)
  }
})

test('no answer may be framed, sniffed, kept or run as a page', async () => {
  await using api = await anApi()
  for (const answer of [await api.get('/meshes'), await api.get('/meshes', { token: null }), await api.get('/', { token: null })]) {
    assert.equal(answer.headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'")
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.equal(answer.headers.get('referrer-policy'), 'no-referrer')
  }
})

test('a token serves a page of another origin no better than none', async () => {
  await using api = await anApi()

  for (const origin of ['https://evil.example', 'null']) {
    const { status, body } = await api.put('/meshes/x', { type: 'Mesh', name: 'x' }, { headers: { origin } })
    assert.deepEqual([status, body.code], [403, 'SKERRY_ORIGIN_REFUSED'])
  }
  const own = await api.get('/meshes', { headers: { origin: api.url } })
  assert.equal(own.status, 200)
})
