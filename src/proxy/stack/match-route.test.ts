import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Head } from '../codec/head.ts'
import { parseRequest } from '../codec/parse-head.ts'
import type { HeaderRule, Route, RouteTable } from '../compile/table.ts'
import { aRoute, aVirtualHost, someRoutes } from '../testing.ts'
import { findVirtualHost, matchRoute } from './match-route.ts'

function matches(route: Partial<Route>, request: { method?: string; path?: string; query?: string; headers?: string[] }): boolean {
  const { method = 'GET', path = '/', query = '', headers = [] } = request
  const bytes = Buffer.from([`${method} ${path} HTTP/1.1`, 'host: x', ...headers, '\r\n'].join('\r\n'))
  const head = new Head()
  assert.ok(parseRequest(bytes, 0, bytes.length, head) > 0)
  return matchRoute(aVirtualHost([aRoute('c', route)]), { method, path, query, bytes, head }) !== null
}

test('paths match exactly, by whole segments, or by a regular expression over all of them', () => {
  const cases: [Route['path'], string, boolean][] = [
    [{ kind: 'exact', value: '/a' }, '/a', true],
    [{ kind: 'exact', value: '/a' }, '/a/', false],
    [{ kind: 'prefix', value: '/' }, '/anything', true],
    [{ kind: 'prefix', value: '/' }, '*', true],
    [{ kind: 'prefix', value: '/api' }, '/api', true],
    [{ kind: 'prefix', value: '/api' }, '/api/x', true],
    [{ kind: 'prefix', value: '/api' }, '/apiary', false],
    [{ kind: 'prefix', value: '/api/' }, '/api/x', true],
    [{ kind: 'prefix', value: '/api/' }, '/api', false],
    [{ kind: 'regex', value: /\/v[0-9]+/ }, '/v1', true],
    [{ kind: 'regex', value: /\/v[0-9]+/ }, '/v1/x', false],
    [{ kind: 'regex', value: /\/a|\/ab/ }, '/ab', true],
  ]
  for (const [path, actual, expected] of cases) assert.equal(matches({ path }, { path: actual }), expected, `${path.value} ${actual}`)
})

test('methods, headers and query decide too', () => {
  const rule = (kind: HeaderRule['kind'], value: string | RegExp = '', invert = false): Partial<Route> => ({
    headers: [{ name: 'x-a', kind, value, invert }],
  })
  const cases: [Partial<Route>, Parameters<typeof matches>[1], boolean][] = [
    [{ methods: new Set(['GET', 'HEAD']) }, { method: 'HEAD' }, true],
    [{ methods: new Set(['GET', 'HEAD']) }, { method: 'POST' }, false],
    [rule('exact', 'b'), { headers: ['X-A: b'] }, true],
    [rule('exact', 'b'), { headers: ['X-A: bc'] }, false],
    [rule('exact', 'b,c'), { headers: ['X-A: b', 'x-a: c'] }, true],
    [rule('prefix', 'b'), { headers: ['X-A: bc'] }, true],
    [rule('regex', /b+/), { headers: ['X-A: bbb'] }, true],
    [rule('regex', /b+/), { headers: ['X-A: bbc'] }, false],
    [rule('present'), { headers: ['x-a:'] }, true],
    [rule('present'), {}, false],
    [rule('absent'), {}, true],
    [rule('exact', 'b', true), {}, true],
    [rule('exact', 'b', true), { headers: ['x-a: b'] }, false],
    [{ query: [{ name: 'q', kind: 'exact', value: '1 2' }] }, { query: '?a=b&q=1%202' }, true],
    [{ query: [{ name: 'q', kind: 'exact', value: '1' }] }, { query: '?q=2' }, false],
    [{ query: [{ name: 'q', kind: 'regex', value: /\d+/ }] }, { query: '?q=12' }, true],
    [{ query: [{ name: 'q', kind: 'regex', value: /\d+/ }] }, {}, false],
  ]
  for (const [route, request, expected] of cases) assert.equal(matches(route, request), expected, JSON.stringify([route, request]))
})

test('the first route that fits is taken, and the most exact host', () => {
  const hosts = { exact: aVirtualHost([aRoute('exact')]), long: aVirtualHost([aRoute('long')]), short: aVirtualHost([aRoute('short')]) }
  const table: RouteTable = someRoutes([aRoute('any')], {
    exact: new Map([['a.b.example.com', hosts.exact]]),
    suffixes: [
      { suffix: '.b.example.com', host: hosts.long },
      { suffix: '.example.com', host: hosts.short },
    ],
  })

  assert.equal(findVirtualHost(table, 'a.b.example.com'), hosts.exact)
  assert.equal(findVirtualHost(table, 'x.b.example.com'), hosts.long)
  assert.equal(findVirtualHost(table, 'x.example.com'), hosts.short)
  assert.equal(findVirtualHost(table, 'example.com'), table.any)
  assert.equal(findVirtualHost({ ...table, any: null }, 'other'), null)
})
