import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry } from '../registry/registry.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { aDataplane, adminToken, aMesh, anApi, aService, type TestApi } from './test-support.ts'

interface SentEvent {
  readonly event: string
  readonly id: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of many shapes.
  readonly data: any
}

test('changes come as events, with their revision, filtered by kind and mesh', async () => {
  await using api = await anApi()
  await aMesh(api)
  await using watch = await open(api, '/watch?kind=meshservices&mesh=default')

  assert.equal((await watch.next()).event, 'ready')
  await api.put('/meshes/default/dataplanes/web-1', aDataplane())
  await api.put('/meshes/default/meshservices/backend', aService())
  const put = await watch.next()
  await api.delete('/meshes/default/meshservices/backend')
  const deleted = await watch.next()

  assert.deepEqual(
    [put.event, put.data.changes.length, put.data.changes[0].change, put.data.changes[0].resource.name],
    ['change', 1, 'put', 'backend'],
  )
  assert.equal(put.id, String(put.data.revision))
  assert.deepEqual(deleted.data.changes, [
    { change: 'delete', resource: { type: 'MeshService', mesh: 'default', name: 'backend', kri: 'kri_msvc_default_aws-1__backend_' } },
  ])
})

test('a reader that comes back resumes after the last event it saw', async () => {
  await using api = await anApi()
  await aMesh(api)
  const { headers } = await api.get('/dataplanes')
  await api.put('/meshes/default/dataplanes/web-1', aDataplane())
  await api.put('/meshes/default/dataplanes/web-2', aDataplane({ name: 'web-2' }))

  await using fromList = await open(api, `/watch?from=${headers.get('x-skerry-revision')}`)
  await fromList.next()
  const caughtUp = await fromList.next()
  await using resumed = await open(api, '/watch', { 'last-event-id': String(Number(caughtUp.id) - 1) })
  await resumed.next()

  assert.deepEqual(caughtUp.data.changes.map((change: { resource: { name: string } }) => change.resource.name).sort(), ['web-1', 'web-2'])
  assert.deepEqual(
    (await resumed.next()).data.changes.map((change: { resource: { name: string } }) => change.resource.name),
    ['web-2'],
  )
})

test('a revision that is forgotten, or never was, makes the reader begin anew', async () => {
  const store = new MemoryStore()
  await using registry = await Registry.open(store, { clock: systemClock, log: silentLog, changeLimit: 1 })
  await using api = await anApi({ store, registry })
  for (const name of ['a', 'b', 'c', 'd']) await aMesh(api, name)

  for (const from of ['1', '999999']) {
    await using watch = await open(api, `/watch?from=${from}`)
    await watch.next()
    const event = await watch.next()
    assert.deepEqual([event.event, event.data.code], ['resync', 'SKERRY_COMPACTED'])
    assert.equal(await watch.ended(), true)
  }
})

test('secrets are not watched', async () => {
  await using api = await anApi()
  await aMesh(api)
  await using watch = await open(api, '/watch')
  await watch.next()

  await api.put('/globalsecrets/key', { type: 'GlobalSecret', name: 'key', data: 'c2VjcmV0' })
  await aMesh(api, 'shop')

  const { data } = await watch.next()
  assert.deepEqual(
    data.changes.map((change: { resource: { type: string } }) => change.resource.type),
    ['Mesh'],
  )
  assert.equal((await api.get('/watch?kind=secrets')).status, 400)
  assert.match((await api.get('/watch?kind=meshservce')).body.invalid_parameters[0].reason, /did you mean meshservices/)
  assert.equal((await api.get('/watch?from=yesterday')).status, 400)
})

test('closing the API ends watches at once', async () => {
  const api = await anApi()
  const watch = await open(api, '/watch')
  await watch.next()

  const before = performance.now()
  await api[Symbol.asyncDispose]()

  assert.equal(await watch.ended(), true)
  assert.ok(performance.now() - before < 1000)
})

async function open(api: TestApi, path: string, headers: Record<string, string> = {}) {
  const stop = new AbortController()
  const response = await fetch(api.url + path, { headers: { authorization: `Bearer ${adminToken}`, ...headers }, signal: stop.signal })
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let buffer = ''
  const read = async (): Promise<string | undefined> => {
    for (;;) {
      const end = buffer.indexOf('\n\n')
      if (end >= 0) {
        const block = buffer.slice(0, end)
        buffer = buffer.slice(end + 2)
        return block
      }
      const { value, done } = await reader.read()
      if (done) return undefined
      buffer += value
    }
  }
  return {
    async next(): Promise<SentEvent> {
      const lines = ((await read()) ?? '').split('\n').map(line => line.split(/: (.*)/s, 2) as [string, string])
      const { event = '', id, data = 'null' } = Object.fromEntries(lines) as { event?: string; id?: string; data?: string }
      return { event, id, data: JSON.parse(data) }
    },
    ended: async () => (await read()) === undefined,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await reader.cancel().catch(() => {})
    },
  }
}
