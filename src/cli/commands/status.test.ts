import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { ApiClient } from '../api-client.ts'
import type { Invocation } from '../command.ts'
import { watch } from './status.ts'

test('--watch shows it again when something changed, and only then', async () => {
  let revision = 1
  let asked = 0
  const counts = {
    problems: { total: 0, critical: 0, warning: 0, info: 0 },
    zones: { total: 0 },
    services: { total: 0 },
    proxies: { total: 0, connected: 0, ready: 0, unknown: 0 },
  }
  const server = createServer((request, response) => {
    const isSummary = request.url === '/dashboard/v1/summary'
    if (isSummary && request.headers['if-none-match'] !== undefined) asked++
    if (request.headers['if-none-match'] === `"${revision}"`) return response.writeHead(304).end()
    const body = isSummary ? { mode: 'global', zone: null, global: null, problems: [], counts } : { total: 0, items: [], next: null }
    response.writeHead(200, { 'content-type': 'application/json', etag: `"${revision}"` }).end(JSON.stringify(body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await using api = new ApiClient({ url, token: undefined, ca: undefined, origin: 'test' })
  const shown: string[] = []
  const stop = new AbortController()
  const io = { out: (text: string) => void shown.push(text), err: () => {}, env: {}, cwd: '/', columns: undefined, colour: false }
  const invocation = { options: {}, args: [], format: 'table', headers: true, io } as unknown as Invocation

  const watching = watch(invocation, api, stop.signal)
  const until = async (holds: () => boolean) => {
    for (const deadline = Date.now() + 5_000; !holds(); await new Promise(resolve => setTimeout(resolve, 10)))
      assert.ok(Date.now() < deadline, 'in vain')
  }
  await until(() => asked === 1)
  assert.equal(shown.length, 1)
  revision = 2
  await until(() => shown.length === 2)

  stop.abort()
  assert.equal(await watching, 0)
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})
