import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ControlPlaneIdentity } from '../identity/control-plane-identity.ts'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry } from '../registry/registry.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { isAllowedHost, isLoopback } from './hosts.ts'
import { jsonDepth } from './json-depth.ts'
import { listenApi } from './listen.ts'
import { createApi, renewApiCertificate } from './server.ts'
import { adminToken, aMesh, anApi, standaloneZone, type TestApi } from './test-support.ts'

test('a name that somebody pointed at this address is not answered', async () => {
  await using api = await anApi({ hosts: ['registry.example.com'] })

  for (const host of ['evil.example.com', 'localhost.evil.com', 'registry.example.com.evil.com', 'a b']) {
    assert.equal(await statusFor(api, host), 421, host)
  }
  for (const host of ['localhost', `localhost:${api.port}`, '127.0.0.1:1', '[::1]:80', 'Registry.Example.com', 'skerry-cp']) {
    assert.equal(await statusFor(api, host), 200, host)
  }
})

test('no other origin is invited, and nothing is cached', async () => {
  await using api = await anApi()

  const foreign = await api.get('/meshes', { headers: { origin: 'https://evil.example.com' } })
  const { headers } = foreign
  const preflight = await api.send('OPTIONS', '/meshes', undefined, {
    headers: { origin: 'https://evil.example.com', 'access-control-request-method': 'PUT' },
    token: null,
  })

  assert.deepEqual([foreign.status, foreign.body.code], [403, 'SKERRY_ORIGIN_REFUSED'])
  assert.equal(headers.get('access-control-allow-origin'), null)
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  assert.equal(preflight.status, 403)
  assert.equal(preflight.headers.get('access-control-allow-origin'), null)
})

test('a body that is too long, too deep, no JSON or of another type is refused with its own code', async () => {
  await using api = await anApi()
  await aMesh(api)
  const path = '/meshes/default/dataplanes/x'
  const cases: [string, string, number, string][] = [
    ['too long', `"${'x'.repeat(1_100_000)}"`, 413, 'SKERRY_BODY_TOO_LARGE'],
    ['too deep', '['.repeat(100) + ']'.repeat(100), 400, 'SKERRY_BODY_MALFORMED'],
    ['far too deep', '['.repeat(500_000), 400, 'SKERRY_BODY_MALFORMED'],
    ['cut off', '{"type":', 400, 'SKERRY_BODY_MALFORMED'],
    ['a prototype', '{"__proto__": {"admin": true}}', 400, 'SKERRY_BODY_MALFORMED'],
    ['a constructor', '{"constructor": {"prototype": {"admin": true}}}', 400, 'SKERRY_BODY_MALFORMED'],
  ]
  for (const [name, body, status, code] of cases) {
    const answer = await api.put(path, body)
    assert.deepEqual([answer.status, answer.body.code], [status, code], name)
  }
  const yaml = await api.put(path, 'type: Dataplane', { headers: { 'content-type': 'application/yaml' } })
  assert.deepEqual([yaml.status, yaml.body.code], [415, 'SKERRY_BODY_TYPE'])
  assert.match(yaml.body.fix, /skerry apply/)
})

test('the body of a request without a token is not even read', async () => {
  await using api = await anApi()

  const answer = await api.put('/meshes/default', '['.repeat(500_000), { token: null })

  assert.equal(answer.status, 401)
})

test('a client that is slow to say its headers is cut off', async () => {
  await using api = await anApi({ limits: { headersTimeoutMs: 300, requestTimeoutMs: 500 } })
  const socket = connect(api.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n')

  await once(socket, 'close')
})

test('bytes that are no HTTP are answered and do no harm', async () => {
  await using api = await anApi()
  for (const bytes of [
    '\x16\x03\x01\x00',
    'GET / HTTP/9\r\n\r\n',
    'GET /\r\nhost: localhost\r\n\r\n',
    'PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
  ]) {
    const socket = connect(api.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    socket.end(bytes, 'latin1')
    await once(socket, 'close')
  }
  assert.equal((await api.get('/healthz')).status, 200)
})

test('closing waits for requests under way and for nothing else', async () => {
  const started = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const api = await anApi({
    extraRoutes: app =>
      void app.get('/slow', { config: { access: 'open' } }, async () => {
        started.resolve()
        await finish.promise
        return { done: true }
      }),
  })
  await api.get('/healthz')
  const answer = api.get('/slow')
  await started.promise

  const before = performance.now()
  const closed = api[Symbol.asyncDispose]()
  finish.resolve()

  assert.deepEqual((await answer).body, { done: true })
  await closed
  assert.ok(performance.now() - before < 1000)
})

test('a request that never ends does not keep the API from closing', async () => {
  const started = Promise.withResolvers<void>()
  const api = await anApi({
    extraRoutes: app =>
      void app.get('/slow', { config: { access: 'open' } }, () => {
        started.resolve()
        return new Promise(() => {})
      }),
  })
  const answer = api.get('/slow').catch(() => 'cut')
  await started.promise

  const before = performance.now()
  await api[Symbol.asyncDispose]()

  assert.equal(await answer, 'cut')
  assert.ok(performance.now() - before < 1500)
})

test('off loopback the API needs TLS, and a taken port is named', async () => {
  await using api = await anApi()
  const other = createApi(optionsOf(api))

  await assert.rejects(listenApi(other, { host: '0.0.0.0', port: 0 }), { code: 'SKERRY_API_NEEDS_TLS' })
  await assert.rejects(listenApi(other, { host: '127.0.0.1', port: api.port }), { code: 'SKERRY_PORT_TAKEN' })
  await assert.rejects(listenApi(createApi(optionsOf(api)), { host: '203.0.113.7', port: 0 }), { code: 'SKERRY_API_NEEDS_TLS' })
  await other.close()
})

test('with TLS a client that has the CA reads over it, and a renewed certificate is served to new connections', async () => {
  await using registry = await Registry.open(new MemoryStore(), { clock: systemClock, log: silentLog })
  await using identity = await ControlPlaneIdentity.loadOrCreate(registry, { clock: systemClock, log: silentLog })
  await using api = await anApi()
  const app = createApi({ ...optionsOf(api), tls: identity.server })
  const { url, port } = await listenApi(app, { host: '127.0.0.1', port: 0 })

  const first = await readOverTls(port, identity.caPem)
  await using renewed = await ControlPlaneIdentity.loadOrCreate(registry, { clock: systemClock, log: silentLog })
  renewApiCertificate(app, renewed.server)
  const second = await readOverTls(port, identity.caPem)

  assert.match(url, /^https:/)
  assert.deepEqual([first.status, second.status], [200, 200])
  assert.equal(first.ca, identity.fingerprint, 'the CA is in the handshake, for clients that know its fingerprint only')
  assert.notEqual(first.leaf, second.leaf)
  await app.close()
})

test('loopback is what only this machine can reach', () => {
  for (const host of ['127.0.0.1', '127.8.9.1', '::1', 'localhost']) assert.equal(isLoopback(host), true, host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.evil.com', 'example.com', '']) assert.equal(isLoopback(host), false, host)
  for (const host of [undefined, '', ':80', 'localhost:', 'localhost:x', 'localhost/', 'localhost@evil', '[::1', 'evil']) {
    assert.equal(isAllowedHost(host, new Set(['localhost'])), false, host)
  }
})

test('depth counts brackets and not what strings hold', () => {
  for (const [text, depth] of [
    ['7', 0],
    ['[]', 1],
    ['{"a":[{}]}', 3],
    ['"[[[["', 0],
    ['["\\"[", {}]', 2],
    ['["\\\\", []]', 2],
  ] as const) {
    assert.equal(jsonDepth(text), depth, text)
  }
})

function optionsOf(api: TestApi) {
  const authenticate = async () => ({ kind: 'ok', principal: { name: 'admin', groups: ['admin'] } }) as const
  const { registry, tokens } = api
  return {
    registry,
    tokens,
    authenticate,
    role: standaloneZone,
    clock: systemClock,
    log: silentLog,
    instanceId: 'i',
    clusterId: 'c',
    status: () => ({}),
  }
}

function statusFor(api: TestApi, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host, authorization: `Bearer ${adminToken}` }
    const get = request({ port: api.port, host: '127.0.0.1', path: '/meshes', headers, agent: false }, response => {
      response.resume()
      resolve(response.statusCode)
    })
    get.on('error', reject).end()
  })
}

function readOverTls(port: number, ca: string): Promise<{ status: number | undefined; leaf: string; ca: string | undefined }> {
  return new Promise((resolve, reject) => {
    const get = tlsRequest({ port, host: '127.0.0.1', ca, path: '/', agent: false }, response => {
      response.resume()
      const certificate = (response.socket as import('node:tls').TLSSocket).getPeerCertificate(true)
      const issuer = certificate.issuerCertificate?.fingerprint256?.replaceAll(':', '').toLowerCase()
      resolve({ status: response.statusCode, leaf: certificate.fingerprint256, ca: issuer })
    })
    get.on('error', reject).end()
  })
}
