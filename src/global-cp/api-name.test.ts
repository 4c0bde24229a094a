import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { resolveOptions } from '../std/options.ts'
import { options } from './config.ts'
import { type GlobalConfig, startGlobal } from './global-cp.ts'

test('the API answers to the names that it was given, and to no other', async () => {
  await using opened = new AsyncDisposableStack()
  const data = await mkdtemp(join(tmpdir(), 'skerry-api-name-'))
  opened.defer(() => rm(data, { recursive: true, force: true }))
  const loopback = '127.0.0.1:0'
  const argv = ['--data', data, '--store', 'memory', '--api', loopback, '--sync', loopback, '--api-name', 'mesh.example']
  const resolved = resolveOptions(options, { argv, env: {} })
  assert.equal(resolved.kind, 'ok')
  const config = (resolved as unknown as { values: GlobalConfig }).values
  const global = opened.use(await startGlobal(config, { clock: systemClock, log: silentLog }))

  const statusOf = (host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: global.ports.api.port, path: '/healthz', headers: { host, connection: 'close' } })
      asked.once('response', response => {
        response.resume()
        resolve(response.statusCode)
      })
      asked.once('error', reject)
      asked.end()
    })

  assert.equal(await statusOf('mesh.example:5681'), 200)
  assert.equal(await statusOf('rebound.example:5681'), 421)
})
