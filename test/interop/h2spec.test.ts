import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { aCluster, aDataPlane, aHost, aListener, anApp, endpointsOf, freePort, routesTo } from '../../src/proxy/testing.ts'

const root = resolve(import.meta.dirname, '../..')
const script = join(process.env.SKERRY_PEERS ?? resolve(root, '../shared/peers'), 'h2spec.sh')
const cache = process.env.PEERS_DIR ?? join(root, '.peers')
const skip = (await h2spec()) ? false : 'there is no h2spec: shared/peers/h2spec.sh builds one'

/** The path of h2spec, built if need be; null = it cannot be had here. */
async function h2spec(): Promise<string | null> {
  const known = join(cache, 'bin', 'h2spec')
  if (existsSync(known)) return known
  if (!existsSync(script)) return null
  await promisify(execFile)('bash', [script], { env: { ...process.env, PEERS_DIR: cache }, timeout: 300_000 }).catch(() => {})
  return existsSync(known) ? known : null
}

/** Cases of h2spec that do not hold, and why. */
const ledger: Readonly<Record<string, string>> = {
  // A bare server of node:http2 (nghttp2) answers these in the same way: frames on streams that are closed are passed over …
  'closed: Sends a DATA frame after sending RST_STREAM frame': 'nghttp2',
  'closed: Sends a HEADERS frame after sending RST_STREAM frame': 'nghttp2',
  'closed: Sends a DATA frame': 'nghttp2',
  'closed: Sends a HEADERS frame': 'nghttp2',
  'Sends stream identifier that is numerically smaller than previous': 'nghttp2',
  // … as PRIORITY is, which RFC 9113 has done away with …
  'Sends PRIORITY frame that depend on itself': 'nghttp2',
  'Sends a PRIORITY frame with 0x0 stream identifier': 'nghttp2',
  // … and these end the connection, where less would do.
  'Sends a PING frame with ACK': 'nghttp2',
  'Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream': 'nghttp2',
  // What is not the preface of HTTP/2 is a request of HTTP/1.1 here: it gets a 400 before the connection ends.
  'Sends invalid connection preface': 'a listener speaks HTTP/1.1 too',
}

test('a listener keeps to HTTP/2 as h2spec knows it', { skip, timeout: 180_000 }, async () => {
  await using plane = aDataPlane()
  await using app = await anApp('app', (request, response) => {
    request.resume()
    request.on('end', () => response.end('hello'))
  })
  plane.setCluster(aCluster('app'))
  plane.setEndpoints(endpointsOf('app', [aHost(app.port)]))
  const port = await freePort()
  await plane.setListener(aListener('outbound', port, routesTo('app')))

  const child = spawn((await h2spec())!, ['-h', '127.0.0.1', '-p', String(port), '-o', '2'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', part => {
    said += part
  })
  await once(child, 'close')

  const failed = [...said.matchAll(/× \d+: (.+)/g)].map(([, name]) => name!.trim())
  assert.match(said, /\d+ tests, \d+ passed/)
  assert.deepEqual(
    [...new Set(failed)].filter(name => ledger[name] === undefined),
    [],
  )
  assert.deepEqual(plane.faults, [])
})
