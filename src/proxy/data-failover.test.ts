import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterTable, HostConfig, RetryRule } from './compile/table.ts'
import {
  aCluster,
  aDataPlane,
  aHost,
  aListener,
  anAgent,
  anApp,
  aTcpServer,
  call,
  ejectAfterFive,
  endpointsOf,
  freePort,
  pause,
  retryEverything,
  retryUnhandled,
  routesTo,
} from './testing.ts'

/** A plain listener in front of a cluster with these priorities. */
async function aCaller(priorities: readonly HostConfig[][], options: { cluster?: Partial<ClusterTable>; retry?: RetryRule | null } = {}) {
  const plane = aDataPlane()
  const entry = await freePort()
  plane.setCluster(aCluster('shop', options.cluster ?? {}))
  plane.setEndpoints(endpointsOf('shop', ...priorities))
  await plane.setListener(aListener('outbound', entry, routesTo('shop', options.retry === undefined ? retryEverything : options.retry)))
  return { plane, entry }
}

/** Requests at a steady pace while `during` runs; answers with every status, 0 for a broken connection. */
async function underLoad(
  entry: number,
  during: () => Promise<void>,
  options: { method?: string; workers?: number } = {},
): Promise<string[]> {
  using agent = anAgent(options.workers ?? 8)
  const answers: string[] = []
  let isOver = false
  const workers = Array.from({ length: options.workers ?? 8 }, async () => {
    while (!isOver) {
      await call(entry, { agent, method: options.method ?? 'GET', body: options.method === 'POST' ? 'x' : '' }).then(
        answer => answers.push(`${answer.status} ${answer.body}`),
        error => answers.push(`0 ${error.code}`),
      )
      await pause(1)
    }
  })
  await during()
  isOver = true
  await Promise.all(workers)
  return answers
}

const failed = (answers: string[]) => answers.filter(answer => !answer.startsWith('200'))

test('a request that meets a dead host is served by another one', async () => {
  await using good = await anApp('good')
  const { plane, entry } = await aCaller([
    [aHost(await freePort(), { name: 'dead', zone: 'aws-1' }), aHost(good.port, { name: 'good', zone: 'azure-1' })],
  ])
  await using _ = plane

  for (let i = 0; i < 4; i++) assert.equal((await call(entry)).body, 'hello from good')

  const retried = plane.lines.find(line => line.tries.length === 2)!
  assert.deepEqual(retried.tries, [
    { host: 'dead', zone: 'aws-1', outcome: 'ECONNREFUSED' },
    { host: 'good', zone: 'azure-1', outcome: '200' },
  ])
  assert.equal(retried.upstream, 'good')
  assert.equal(retried.zone, 'azure-1')
  assert.equal(plane.counters().get('skerry_cluster_failures_total{cluster="shop",reason="connect"}'), 2)
})

test('when the only host of the first priority dies, no request fails', async () => {
  const first = await anApp('first')
  await using second = await anApp('second')
  const { plane, entry } = await aCaller([[aHost(first.port)], [aHost(second.port)]], { cluster: { outlier: ejectAfterFive } })
  await using _ = plane

  const answers = await underLoad(entry, async () => {
    await pause(150)
    await first.kill()
    await pause(250)
  })

  assert.deepEqual(failed(answers), [])
  assert.equal(answers[0], '200 hello from first')
  assert.equal(answers.at(-1), '200 hello from second')
  assert.equal(plane.counters().get('skerry_cluster_ejections_total{cluster="shop"}'), 1)
})

test('requests that may not be repeated survive it too, except those under way', async () => {
  const first = await anApp('first')
  await using second = await anApp('second')
  const { plane, entry } = await aCaller([[aHost(first.port)], [aHost(second.port)]], {
    cluster: { outlier: ejectAfterFive },
    retry: retryUnhandled,
  })
  await using _ = plane

  const answers = await underLoad(
    entry,
    async () => {
      await pause(150)
      await first.kill()
      await pause(250)
    },
    { method: 'POST', workers: 4 },
  )

  assert.ok(failed(answers).length <= 4, failed(answers).join())
  assert.equal(answers.at(-1), '200 hello from second')
})

test('idle connections that were reset do not fail a request', async () => {
  await using app = await anApp()
  const { plane, entry } = await aCaller([[aHost(app.port)]], { retry: null })
  await using _ = plane
  using agent = anAgent(1)
  await call(entry, { agent })

  for (const how of ['closed', 'reset'] as const) {
    // The close is on its way while the next request leaves.
    app.server.closeIdleConnections()
    if (how === 'reset') app.server.closeAllConnections()
    assert.equal((await call(entry, { agent })).status, 200)
  }
})

test('a connection that breaks under a repeated use is replaced for a request that may be repeated, not for one that may not', async () => {
  let seen = 0
  await using upstream = await aTcpServer(socket => {
    let uses = 0
    socket.on('data', () => {
      seen++
      if (++uses === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
      else socket.destroy()
    })
  })
  const { plane, entry } = await aCaller([[aHost(upstream.port)]], { retry: null })
  await using _ = plane

  assert.equal((await call(entry)).status, 200)
  assert.equal((await call(entry)).status, 200)
  assert.equal((await call(entry, { method: 'POST', body: 'x' })).status, 502)
  assert.equal(seen, 4)
})

test('a body that was sent in part is sent again in full, and one too large to keep is not', async () => {
  await using broken = await aTcpServer(socket => void socket.on('data', () => setTimeout(() => socket.destroy(), 10)))
  await using good = await anApp('good', (request, response) => {
    let size = 0
    request.on('data', part => {
      size += part.length
    })
    request.on('end', () => response.end(String(size)))
  })
  const { plane, entry } = await aCaller([[aHost(broken.port)], [aHost(good.port)]])
  await using _ = plane

  assert.equal((await call(entry, { method: 'PUT', body: Buffer.alloc(60_000) })).body, '60000')
  assert.equal((await call(entry, { method: 'PUT', body: Buffer.alloc(1_000_000) })).status, 502)
})

test('a host that fails again and again is left out for a while, and returns', async () => {
  let isBroken = true
  await using flaky = await anApp('flaky', (_request, response) => void response.writeHead(isBroken ? 503 : 200).end('flaky'))
  await using good = await anApp('good')
  const outlier = { ...ejectAfterFive, consecutiveGateway: 3, baseEjectionMs: 300 }
  const { plane, entry } = await aCaller([[aHost(flaky.port), aHost(good.port)]], { cluster: { outlier } })
  await using _ = plane

  for (let i = 0; i < 20; i++) assert.equal((await call(entry)).status, 200)
  assert.equal(flaky.requests.length, 3)
  isBroken = false
  await pause(350)
  for (let i = 0; i < 4; i++) await call(entry)

  assert.equal(flaky.requests.length, 5)
  assert.equal(plane.counters().get('skerry_cluster_ejections_total{cluster="shop"}'), 1)
})

test('when every host is left out, a request is tried rather than refused', async () => {
  const port = await freePort()
  const { plane, entry } = await aCaller([[aHost(port)]], { cluster: { outlier: { ...ejectAfterFive, consecutiveLocal: 1 } } })
  await using _ = plane
  assert.equal((await call(entry)).status, 503)

  await using app = await anApp('back', undefined, port)

  assert.equal((await call(entry)).body, 'hello from back')
  assert.equal(app.requests.length, 1)
})

test('a first priority that comes back gets its traffic little by little', async () => {
  await using first = await anApp('first')
  await using second = await anApp('second')
  const { plane, entry } = await aCaller([[aHost(first.port, { state: 'unhealthy' })], [aHost(second.port)]], {
    cluster: { slowStartMs: 1000 },
  })
  await using _ = plane
  using agent = anAgent(4)
  const share = async () => {
    const bodies = await Promise.all(Array.from({ length: 60 }, () => call(entry, { agent }).then(answer => answer.body)))
    return bodies.filter(body => body === 'hello from first').length / 60
  }
  assert.equal(await share(), 0)

  plane.setEndpoints(endpointsOf('shop', [aHost(first.port)], [aHost(second.port)]))

  const early = await share()
  await pause(400)
  const middle = await share()
  await pause(700)
  assert.ok(early < 0.35, `${early}`)
  assert.ok(middle > early && middle < 0.95, `${middle}`)
  assert.equal(await share(), 1)
})

test('a draining host gets no new request, and finishes those it has', async () => {
  await using slow = await anApp('slow', (_request, response) => void setTimeout(() => response.end('slow'), 100))
  await using other = await anApp('other')
  const { plane, entry } = await aCaller([[aHost(slow.port)], [aHost(other.port)]])
  await using _ = plane
  const first = call(entry)
  await pause(30)

  plane.setEndpoints(endpointsOf('shop', [aHost(slow.port, { state: 'draining' })], [aHost(other.port)]))

  assert.equal((await call(entry)).body, 'hello from other')
  assert.equal((await first).body, 'slow')
})

test('endpoint updates keep connections to hosts that stay', async () => {
  await using app = await anApp()
  await using other = await anApp()
  const { plane, entry } = await aCaller([[aHost(app.port)]])
  await using _ = plane
  await call(entry)

  plane.setEndpoints(endpointsOf('shop', [aHost(app.port, { weight: 5 })], [aHost(other.port)]))
  await call(entry)

  assert.equal(app.connections(), 1)
})

test('no answer in time is 504, and one try that is slow is not the end', async () => {
  await using hung = await anApp('hung', () => {})
  await using good = await anApp('good')
  const { plane, entry } = await aCaller([[aHost(hung.port)], [aHost(good.port)]], { retry: { ...retryEverything, perTryTimeoutMs: 100 } })
  await using _ = plane
  assert.equal((await call(entry)).body, 'hello from good')

  const routes = routesTo('shop')
  const [route] = routes.any!.routes
  plane.setRoutes({ ...routes, any: { ...routes.any!, routes: [{ ...route!, action: { ...route!.action, timeoutMs: 100 } as never }] } })
  const answer = await call(entry)

  assert.equal(answer.status, 504)
  assert.match(answer.body, /no answer of shop within 100 ms/)
})

test('limits refuse what exceeds them, with the reason', async () => {
  await using app = await anApp('app', (_request, response) => void setTimeout(() => response.end('ok'), 50))
  const check = async (limits: Partial<ClusterTable['limits']>, reason: string) => {
    const table = { maxConnections: 1, maxPending: 100, maxRequests: 100, maxRetries: 3, ...limits }
    const { plane, entry } = await aCaller([[aHost(app.port)]], { cluster: { limits: table } })
    await using _ = plane
    const answers = await Promise.all(Array.from({ length: 5 }, () => call(entry)))
    assert.deepEqual(answers.map(({ body }) => body).sort(), [...Array(3).fill(reason), 'ok', 'ok'])
  }

  await check({ maxPending: 1 }, 'more requests wait for shop than its limit allows')
  await check({ maxRequests: 2 }, 'more requests to shop than its limit allows')
  assert.equal(app.connections(), 2)
})

test('requests of a cluster or endpoint that is not there yet say so', async () => {
  await using plane = aDataPlane()
  const entry = await freePort()
  await plane.setListener(aListener('outbound', entry, routesTo('shop')))
  assert.match((await call(entry)).body, /no cluster for this route yet \(shop\)/)

  plane.setEndpoints(endpointsOf('shop'))
  plane.setCluster(aCluster('shop'))

  assert.match((await call(entry)).body, /no endpoint of shop is available/)
})

test('a keep-alive limit that the upstream announces is kept to', async () => {
  await using app = await anApp()
  app.server.keepAliveTimeout = 1000
  const { plane, entry } = await aCaller([[aHost(app.port)]], { retry: null })
  await using _ = plane

  await call(entry, { method: 'POST' })
  await pause(250)
  await call(entry, { method: 'POST' })

  assert.equal(app.connections(), 2)
})
