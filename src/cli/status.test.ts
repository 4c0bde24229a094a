import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli, fakeApi } from './test-support.ts'

/** Half a unit more than what is shown, so that a slow machine shows the same. */
const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000 - 30_000).toISOString()

const summary = {
  mode: 'global',
  zone: null,
  global: null,
  problems: [
    {
      severity: 'critical',
      code: 'SKERRY_ZONE_SILENT',
      since: ago(72),
      cause: 'it is not connected',
      fix: 'check that its control plane runs',
      subject: { kind: 'Zone', mesh: null, name: 'azure-1' },
    },
  ],
  counts: {
    problems: { total: 3, critical: 1, warning: 2, info: 0 },
    zones: { total: 2 },
    services: { total: 1 },
    proxies: { total: 3, connected: 1, ready: 1, unknown: 1 },
  },
}
const page = (items: readonly object[], total = items.length) => ({ total, items, next: null })
const bodies = {
  summary,
  zones: page([
    {
      name: 'azure-1',
      state: 'silent',
      lastHeard: ago(72),
      lag: { revisions: 0, since: null },
      proxies: { total: 1, ready: 0 },
      services: { total: 1, available: 1 },
      version: '1.0.0',
    },
    {
      name: 'aws-1',
      state: 'online',
      lastHeard: ago(61),
      lag: { revisions: 4, since: ago(135) },
      proxies: { total: 2, ready: 1 },
      services: { total: 1, available: 1 },
      version: '1.0.0',
    },
  ]),
  services: page([
    {
      mesh: 'default',
      name: 'payments',
      state: 'available',
      healthy: 1,
      total: 2,
      zones: [
        { zone: 'aws-1', healthy: 1, total: 2, state: 'available', tier: 0 },
        { zone: 'azure-1', healthy: 1, total: 1, state: 'unknown', tier: 1 },
        { zone: 'gcp-1', healthy: 3, total: 3, state: 'available', tier: 1 },
      ],
      ports: [{ port: 80, protocol: 'http' }],
    },
  ]),
  proxies: page(
    [
      {
        mesh: 'default',
        name: 'web-1',
        zone: 'aws-1',
        workload: 'web',
        state: 'NACKED',
        ready: true,
        reason: 'it refused lds: no',
        certificate: { notAfter: new Date(Date.now() + 12 * 3_600_000 + 90_000).toISOString() },
        version: '1.0.0',
      },
    ],
    30,
  ),
}
const answers = (over: object = {}) =>
  Object.fromEntries(Object.entries({ ...bodies, ...over }).map(([name, body]) => [`GET /dashboard/v1/${name}`, { status: 200, body }]))

test('status puts problems first, each with its cause, age, code and fix, then zones, services and proxies', async () => {
  await using api = await fakeApi({}, answers())
  const { out, code } = await cli(['status'], { env: { SKERRY_API: api.url } })

  assert.equal(code, 0)
  assert.match(
    out,
    /^Global control plane at http:\/\/127\.0\.0\.1:\d+: 2 zones, 1 service, 3 proxies, 1 connected, 1 ready, 1 unknown\n\nProblems: 1 critical, 2 warnings\n {2}× Zone azure-1: it is not connected \(1h\d+m, SKERRY_ZONE_SILENT\)\n {6}check that its control plane runs\n {2}… and 2 more\n/,
  )
  assert.ok(out.indexOf('Problems') < out.indexOf('Zones') && out.indexOf('Zones') < out.indexOf('Services'))
  assert.match(out, /web-1 +aws-1 +web +NACKED +yes +1[12]h(\d+m)? +1\.0\.0 +it refused lds: no\n/)
  assert.match(out, /… and 29 more: `skerry status -o wide` shows all\n$/)
})

test('what a silent zone said last is no news of what is in it', async () => {
  await using api = await fakeApi({}, answers())
  const { out } = await cli(['status'], { env: { SKERRY_API: api.url } })

  assert.match(out, /azure-1 +silent +1h\d+m +- +\?\/1 +\?\/1 +1\.0\.0\n/)
  assert.match(out, /aws-1 +online +1h\d+m +4 rev, 2h\d+m +1\/2 +1\/1 +1\.0\.0\n/)
})

test('zones of a service stand in the order in which callers try them', async () => {
  await using api = await fakeApi({}, answers())
  const { out } = await cli(['status'], { env: { SKERRY_API: api.url } })

  assert.match(out, /default +payments +available +1\/2 +aws-1 1\/2 → azure-1 \?\/1, gcp-1 3\/3 +80\/http\n/)
})

test('when all is well, that is said; in a zone its link to global is told', async () => {
  const counts = { ...summary.counts, problems: { total: 0, critical: 0, warning: 0, info: 0 } }
  const global = { url: 'https://global:5685', connected: false, reason: 'UNAVAILABLE: nobody there' }
  await using api = await fakeApi({}, answers({ summary: { ...summary, mode: 'zone', zone: 'aws-1', global, problems: [], counts } }))
  const { out } = await cli(['status'], { env: { SKERRY_API: api.url } })

  assert.match(out, /^Zone aws-1 at .*\nglobal https:\/\/global:5685: not connected: UNAVAILABLE: nobody there\n\n√ no problems\n/)
  assert.doesNotMatch(out, /\nZones\n/)
})

test('JSON has the four answers of the API unchanged; -z and -m ask for a part', async () => {
  await using api = await fakeApi({}, answers())
  const env = { SKERRY_API: api.url }

  assert.deepEqual(JSON.parse((await cli(['status', '-o', 'json'], { env })).out), bodies)
  await cli(['status', '-z', 'aws-1', '-m', 'shop'], { env })
  const asked = api.requests.map(({ path }) => new URL(path, api.url).searchParams)
  assert.ok(asked.some(query => query.get('filter[zone]') === 'aws-1' && query.get('filter[mesh]') === 'shop'))
})
