import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { aDataplane, adminToken, aMesh, anApi, aService, type TestApi } from './test-support.ts'

const list = '/meshes/default/meshservices'

test('a read with an index waits for a change to what it asks for, and only for that', async () => {
  await using api = await anApi()
  await aMesh(api)
  await api.put(`${list}/backend`, aService())
  const index = (await api.get(list)).headers.get('x-skerry-index')

  const waits = {
    list: settles(api.get(`${list}?index=${index}&wait=10s`)),
    allMeshes: settles(api.get(`/meshservices?index=${index}&wait=10s`)),
    item: settles(api.get(`${list}/other?index=${index}&wait=10s`)),
    label: settles(api.get(`${list}?index=${index}&wait=10s&filter[labels.team]=pay`)),
    otherKind: settles(api.get(`/meshes/default/dataplanes?index=${index}&wait=10s`)),
  }
  await waiting(api, 5)
  await api.put(`${list}/new`, aService('new'))

  const { status, body, headers } = await waits.list.answer
  assert.deepEqual([status, body.items.map((it: { name: string }) => it.name), body.next], [200, ['backend', 'new'], null])
  assert.equal(headers.get('x-skerry-index'), String(api.registry.revision))
  assert.equal((await waits.allMeshes.answer).body.total, 2)
  assert.deepEqual([waits.item.isSettled(), waits.label.isSettled(), waits.otherKind.isSettled()], [false, false, false])

  await api.put(`${list}/other`, { ...aService('other'), labels: { team: 'pay' } })
  assert.equal((await waits.item.answer).body.name, 'other')
  assert.deepEqual(
    (await waits.label.answer).body.items.map((it: { name: string }) => it.name),
    ['other'],
  )
  await api.put('/meshes/default/dataplanes/web-1', aDataplane())
  assert.equal((await waits.otherKind.answer).body.total, 1)
})

test('what happened since the index is answered at once; what happened elsewhere is not news', async () => {
  await using api = await anApi()
  await aMesh(api)
  await api.put(`${list}/backend`, aService())
  const index = Number((await api.get(list)).headers.get('x-skerry-index'))
  await api.put('/meshes/default/dataplanes/web-1', aDataplane())

  const quiet = await api.get(`${list}?index=${index}&wait=20ms`)
  await api.delete(`${list}/backend`)
  const deleted = await api.get(`${list}?index=${quiet.headers.get('x-skerry-index')}&wait=10s`)
  const goneItem = await api.get(`${list}/backend?index=${index}&wait=10s`)

  assert.deepEqual([quiet.body.total, Number(quiet.headers.get('x-skerry-index'))], [1, index + 1])
  assert.equal(deleted.body.total, 0)
  assert.deepEqual([goneItem.status, goneItem.headers.get('x-skerry-index')], [404, String(api.registry.revision)])
})

test('an index from the future, of a forgotten past, or none is answered at once', async () => {
  await using api = await anApi({ limits: { rememberedChanges: 1 } })
  await aMesh(api)
  const index = api.registry.revision
  for (const name of ['a', 'b', 'c']) await api.put(`${list}/${name}`, aService(name))
  await api.put('/meshes/default/dataplanes/web-1', aDataplane())

  for (const query of ['index=999999', `index=${index}`, 'index=0', 'wait=10m', `index=${api.registry.revision}&wait=0`]) {
    assert.equal((await api.get(`${list}?${query}`)).body.total, 3, query)
  }
})

test('a kind that is quiet is waited for, however much happened to others', async () => {
  await using api = await anApi({ limits: { rememberedChanges: 1 } })
  await aMesh(api)
  await api.put(`${list}/backend`, aService())
  const index = api.registry.revision
  for (const name of ['a', 'b', 'c']) await api.put(`/meshes/default/dataplanes/${name}`, aDataplane({ name }))

  const wait = settles(api.get(`${list}?index=${index}&wait=10s`))
  await waiting(api, 1)
  await api.delete(`${list}/backend`)

  assert.equal((await wait.answer).body.total, 0)
})

test('readers of the same answer share it, and each gets it whole', async () => {
  await using api = await anApi()
  await aMesh(api)
  const index = api.registry.revision
  const waits = Array.from({ length: 40 }, (_, i) => api.get(`${list}?index=${index}&wait=${10 + i}s`))
  await waiting(api, 40)
  await api.put(`${list}/backend`, aService())

  const answers = await Promise.all(waits)
  assert.deepEqual([...new Set(answers.map(({ text }) => text))], [(await api.get(list)).text])
  assert.equal(api.app.waitingReads, 0)
})

test('a page that was waited for leads to the next one without waiting', async () => {
  await using api = await anApi()
  await aMesh(api)
  for (const name of ['a', 'b']) await api.put(`${list}/${name}`, aService(name))

  const { body } = await api.get(`${list}?index=1&wait=5s&size=1`)
  assert.deepEqual([...new URL(body.next).searchParams].sort(), [
    ['offset', '1'],
    ['size', '1'],
  ])
})

test('a wrong index or wait, an unknown mesh and a wrong filter are refused at once', async () => {
  await using api = await anApi()
  await aMesh(api)
  const { revision } = api.registry
  const check = async (path: string, status: number, field?: string) => {
    const answer = await api.get(path)
    assert.deepEqual([answer.status, answer.body.invalid_parameters?.[0].field], [status, field], path)
  }

  await check(`${list}?index=soon`, 400, 'index')
  await check(`${list}?index=${revision}&wait=long`, 400, 'wait')
  await check(`${list}?index=${revision}&wait=-1s`, 400, 'wait')
  await check(`${list}?index=${revision}&size=0`, 400, 'size')
  await check(`/meshes/none/meshservices?index=${revision}`, 404)
})

test('a client that hangs up leaves nothing behind', async () => {
  await using api = await anApi()
  await aMesh(api)
  const socket = connect(api.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(
    `GET ${list}?index=${api.registry.revision}&wait=10m HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${adminToken}\r\n\r\n`,
  )
  await waiting(api, 1)

  socket.destroy()

  await waiting(api, 0)
})

test('closing the API answers those who wait', async () => {
  const api = await anApi()
  await aMesh(api)
  const wait = api.get(`${list}?index=${api.registry.revision}&wait=10m`)
  await waiting(api, 1)

  const before = performance.now()
  await api[Symbol.asyncDispose]()

  assert.equal((await wait).status, 200)
  assert.ok(performance.now() - before < 500)
})

function settles<T>(answer: Promise<T>) {
  let settled = false
  answer.then(
    () => {
      settled = true
    },
    () => {},
  )
  return { answer, isSettled: () => settled }
}

/** Resolves when so many reads wait. */
async function waiting(api: TestApi, count: number): Promise<void> {
  const deadline = performance.now() + 5000
  while (api.app.waitingReads !== count) {
    assert.ok(performance.now() < deadline, `${api.app.waitingReads} wait, not ${count}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}
