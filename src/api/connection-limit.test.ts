import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { limitConnections } from './connection-limit.ts'

test('one address has so many connections at once; those that end make room', async t => {
  const server = createServer(socket => void socket.on('error', () => {}).resume())
  limitConnections(server, 2, () => false)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  const open = async () => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    const isCut = await Promise.race([once(socket, 'close').then(() => true), new Promise(resolve => setTimeout(resolve, 100, false))])
    return { socket, isCut }
  }

  const [one, two, three] = [await open(), await open(), await open()]
  assert.deepEqual([one.isCut, two.isCut, three.isCut], [false, false, true])
  one.socket.destroy()
  await once(one.socket, 'close')
  const four = await open()
  assert.equal(four.isCut, false)
  for (const { socket } of [two, four]) socket.destroy()
})

test("this machine's own connections are not counted", async t => {
  const server = createServer(socket => void socket.on('error', () => {}).resume())
  limitConnections(server, 0)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  const isCut = await Promise.race([once(socket, 'close').then(() => true), new Promise(resolve => setTimeout(resolve, 50, false))])
  socket.destroy()

  assert.equal(isCut, false)
})
