import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../std/clock.ts'
import { aDataplane, aMesh, anApi, aService } from './test-support.ts'
import { openEvents as open } from './testing-events.ts'

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
  await using api = await anApi({ limits: { rememberedChanges: 1 } })
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

test('with initial=true everything comes first, and then what changes', async () => {
  await using api = await anApi()
  await aMesh(api)
  for (const name of ['web-1', 'web-2']) await api.put(`/meshes/default/dataplanes/${name}`, aDataplane({ name }))

  await using watch = await open(api, '/watch?kind=dataplanes,meshservices&initial=true')
  const list = await watch.next()
  const ready = await watch.next()
  await api.put('/meshes/default/meshservices/backend', aService())
  const change = await watch.next()

  assert.deepEqual([list.event, list.data.resources.map(nameOf)], ['list', ['web-1', 'web-2']])
  assert.deepEqual([ready.event, ready.data.revision], ['ready', list.data.revision])
  assert.deepEqual([change.event, change.data.changes.map((it: Change) => it.resource.name)], ['change', ['backend']])
})

test('a reader that resumes is not sent everything again', async () => {
  await using api = await anApi()
  await aMesh(api)
  await using watch = await open(api, '/watch?kind=meshes&initial=true', { 'last-event-id': String(api.registry.revision) })

  assert.equal((await watch.next()).event, 'ready')
})

test('what is in the list is not told again as a change, and nothing between is lost', async () => {
  await using api = await anApi()
  await aMesh(api)
  const writing = (async () => {
    for (let i = 0; i < 60; i++) await api.put(`/meshes/default/dataplanes/web-${i}`, aDataplane({ name: `web-${i}` }))
  })()
  await using watch = await open(api, '/watch?kind=dataplanes&initial=true')

  const seen: string[] = []
  while (seen.length < 60) {
    const { event, data } = await watch.next()
    if (event === 'list') seen.push(...data.resources.map(nameOf))
    if (event === 'change') seen.push(...data.changes.map((it: Change) => it.resource.name))
  }
  await writing

  assert.equal(new Set(seen).size, 60)
})

test('labels and names narrow a watch; what leaves them is gone for its reader', async () => {
  await using api = await anApi()
  await aMesh(api)
  await using watch = await open(api, '/watch?kind=dataplanes&filter[labels.app]=web&name=1')
  await watch.next()
  const put = (name: string, app: string) => api.put(`/meshes/default/dataplanes/${name}`, aDataplane({ name, labels: { app } }))

  await put('web-2', 'web')
  await put('web-1', 'orders')
  await put('web-1', 'web')
  await put('web-1', 'orders')

  assert.deepEqual((await watch.next()).data.changes.map(told), ['put web-1'])
  assert.deepEqual((await watch.next()).data.changes.map(told), ['delete web-1'])
})

test('while nothing of interest happens, a bookmark moves the place from which a reader resumes', async () => {
  const clock = new ManualClock(Date.now())
  await using api = await anApi({ clock, limits: { rememberedChanges: 2 } })
  await aMesh(api)
  await using watch = await open(api, '/watch?kind=meshservices')
  await watch.next()

  for (const name of ['web-1', 'web-2', 'web-3']) await api.put(`/meshes/default/dataplanes/${name}`, aDataplane({ name }))
  clock.advance(15_000)
  const bookmark = await watch.next()
  await api.put('/meshes/default/meshservices/backend', aService())

  assert.deepEqual([bookmark.event, bookmark.id], ['bookmark', String(api.registry.revision - 1)])
  assert.deepEqual((await watch.next()).data.changes.map(told), ['put backend'])
})

interface Change {
  readonly change: string
  readonly resource: { readonly name: string }
}

function told({ change, resource }: Change): string {
  return `${change} ${resource.name}`
}

function nameOf({ name }: { readonly name: string }): string {
  return name
}
