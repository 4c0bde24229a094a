import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeProblem, resolveOptions } from '../std/options.ts'
import { options, type ProxyConfig, readProxyConfig } from './config.ts'

const required = ['--cp', '127.0.0.1:5678', '--token-file', 't']

function read(...argv: string[]) {
  const resolved = resolveOptions(options, { argv: [...required, ...argv], env: {} })
  return resolved.kind === 'invalid' ? resolved : readProxyConfig(resolved.values)
}

function config(...argv: string[]): ProxyConfig {
  const result = read(...argv)
  assert(result.kind === 'ok', result.kind === 'invalid' ? result.problems.map(describeProblem).join('\n') : '')
  return result.config
}

function problems(...argv: string[]): string {
  const result = read(...argv)
  assert(result.kind === 'invalid')
  return result.problems.map(describeProblem).join('\n')
}

test('ports have a name, a protocol and a place in the mesh', () => {
  const { ports } = config(
    '--port',
    '8080',
    '--port',
    'db:5432/tcp',
    '--port',
    'admin:9000',
    '--inbound-port',
    '15001',
    '--protocol',
    'http',
  )

  assert.deepEqual(ports, [
    { name: 'main', port: 8080, protocol: 'http', inboundPort: 15_001 },
    { name: 'db', port: 5432, protocol: 'tcp', inboundPort: 0 },
    { name: 'admin', port: 9000, protocol: 'http', inboundPort: 0 },
  ])
})

test('outbounds name a service, and its kind if that matters', () => {
  const { outbounds } = config('--port', '8080', '--outbound', 'payments=10001,MeshMultiZoneService/orders=10002,stock=127.0.0.2:80')

  assert.deepEqual(outbounds, [
    { kind: undefined, name: 'payments', address: undefined, port: 10_001 },
    { kind: 'MeshMultiZoneService', name: 'orders', address: undefined, port: 10_002 },
    { kind: undefined, name: 'stock', address: '127.0.0.2', port: 80 },
  ])
  assert.match(problems('--port', '8080', '--outbound', 'stock=127.0.0.256:80'), /^--outbound: .*127[.]0[.]0[.]2:80/m)
})

test('a sidecar has an HTTP proxy port unless told otherwise, a gateway only if asked', () => {
  assert.equal(config('--port', '8080').httpProxyPort, 0)
  assert.equal(config('--port', '8080', '--http-proxy-port', 'none').httpProxyPort, null)
  assert.equal(config('--role', 'gateway').httpProxyPort, null)
  assert.equal(config('--role', 'gateway', '--http-proxy-port', '15000').httpProxyPort, 15_000)
})

test('the rest has defaults that work on one machine', () => {
  const { cp, bind, address, health, admin, accessLog, drainTimeoutMs, labels } = config('--port', '8080', '--label', 'team=pay')

  assert.deepEqual(
    { cp, bind, address, health, admin, accessLog, drainTimeoutMs, labels },
    {
      cp: '127.0.0.1:5678',
      bind: '127.0.0.1',
      address: '127.0.0.1',
      health: { kind: 'tcp' },
      admin: { host: '127.0.0.1', port: 0 },
      accessLog: null,
      drainTimeoutMs: 4000,
      labels: { team: 'pay' },
    },
  )
  assert.deepEqual(config('--port', '1', '--health', 'http:/healthz').health, { kind: 'http', path: '/healthz' })
  assert.equal(config('--port', '1', '--cp', 'https://cp.example:5678/').cp, 'cp.example:5678')
})

test('every mistake is told with its flag and what would do', () => {
  const text = problems(
    '--port',
    'x',
    '--outbound',
    'a',
    '--label',
    'b',
    '--health',
    'udp',
    '--admin',
    'here',
    '--name',
    'A b',
    '--http-proxy-port',
    '70000',
  )

  for (const flag of ['--port', '--outbound', '--label', '--health', '--admin', '--name', '--http-proxy-port']) {
    assert.match(text, new RegExp(`^${flag}: `, 'm'))
  }
})

test('a role without what it needs, or with what it cannot have, is told so', () => {
  assert.match(problems(), /--port: a sidecar needs the port of its application/)
  assert.match(problems('--role', 'gateway', '--port', '8080'), /--port: a gateway has no application beside it/)
  assert.match(problems('--port', '8080', '--port', '9090'), /--port: "main" names two ports/)
})

test('a token is needed, and never taken as an argument', () => {
  const resolved = resolveOptions(options, { argv: ['--cp', 'a:1', '--port', '1'], env: {} })
  assert(resolved.kind === 'ok')
  const without = readProxyConfig(resolved.values)
  assert(without.kind === 'invalid')
  assert.match(without.problems.map(describeProblem).join('\n'), /^--token-file: is needed/)

  assert.equal(resolveOptions(options, { argv: [...required, '--token', 'x'], env: {} }).kind, 'invalid')
  assert.equal(resolveOptions(options, { argv: ['--cp', 'a:1', '--port', '1'], env: { SKERRY_DATAPLANE_TOKEN: 'x' } }).kind, 'ok')
})

test('an Envoy is found by its path, and takes no flag that only the built-in proxy has', () => {
  assert.deepEqual(config('--port', '8080').engine, { kind: 'skerry' })
  assert.deepEqual(config('--port', '8080', '--engine', 'envoy', '--envoy-path', '/opt/envoy').engine, {
    kind: 'envoy',
    path: '/opt/envoy',
    concurrency: 2,
  })
  const said = problems('--port', '8080', '--engine', 'envoy', '--bind', '0.0.0.0', '--access-log', '-')
  assert.match(said, /--bind.*address of this machine/s)
  assert.match(said, /--access-log.*MeshAccessLog/s)
})

test('an application with gRPC’s own xDS client needs no port, and nothing that only a proxy could do for it', () => {
  const { ports, engine, httpProxyPort } = config('--engine', 'grpc', '--port', '50051')

  assert.deepEqual([ports[0]!.protocol, ports[0]!.port, engine.kind, httpProxyPort], ['grpc', 50_051, 'grpc', null])
  assert.deepEqual(config('--engine', 'grpc').ports, [])
  assert.match(problems('--engine', 'grpc', '--outbound', 'orders=10001'), /xds:\/\/\/NAME/)
  assert.match(problems('--engine', 'grpc', '--port', '80/http'), /the application serves gRPC/)
  for (const engine of ['skerry', 'envoy']) assert.deepEqual(config('--engine', engine, '--port', '50051/grpc').ports[0]!.protocol, 'grpc')
})
