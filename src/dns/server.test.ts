import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { decode, encode } from 'dns-packet'
import { ManualClock, systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { seededRandom } from '../std/random.ts'
import type { NamedThing } from './answer.ts'
import { DnsServer, type DnsServerOptions } from './server.ts'
import { anEndpoint, aView } from './test-support.ts'

const names: Readonly<Record<string, NamedThing>> = {
  'shop.svc.mesh.local': { kind: 'service', endpoints: [anEndpoint('10.0.0.1'), anEndpoint('2001:db8::1')] },
  'many.svc.mesh.local': { kind: 'service', endpoints: Array.from({ length: 300 }, (_, i) => anEndpoint(`10.1.${i >> 8}.${i & 255}`)) },
}

test('a resolver of another project finds addresses, ports and what does not exist', async () => {
  await using server = await start()
  const resolver = resolverOf(server)

  assert.deepEqual(await resolver.resolve4('Shop.SVC.mesh.local'), ['10.0.0.1'])
  assert.deepEqual(await resolver.resolve6('shop.svc.mesh.local'), ['2001:db8::1'])
  assert.deepEqual((await resolver.resolveSrv('_http._tcp.shop.svc.mesh.local')).map(({ name, port }) => [name, port]).sort(), [
    ['0a000001.addr.skerry', 8080],
    ['20010db8000000000000000000000001.addr.skerry', 8080],
  ])
  assert.equal((await resolver.resolveSoa('mesh.local')).serial, 7)
  await assert.rejects(resolver.resolve4('none.svc.mesh.local'), { code: 'ENOTFOUND' })
  await assert.rejects(resolver.resolveTxt('shop.svc.mesh.local'), { code: 'ENODATA' })
  await assert.rejects(resolver.resolve4('example.com'), { code: 'EREFUSED' })
})

test('what is too long for a datagram is had over TCP', async () => {
  await using server = await start()

  assert.equal((await resolverOf(server).resolve4('many.svc.mesh.local')).length, 300)
})

test('questions on one TCP connection are answered in order, however they are cut', async () => {
  await using server = await start()
  const socket = await open(server)
  const messages = Array.from({ length: 50 }, (_, id) =>
    framed(encode({ id, type: 'query', questions: [{ type: 'A', name: 'shop.svc.mesh.local' }] })),
  )
  const bytes = Buffer.concat(messages)
  for (let at = 0; at < bytes.length; at += 7) socket.write(bytes.subarray(at, at + 7))

  const ids: number[] = []
  let received = Buffer.alloc(0)
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer])
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      ids.push(decode(received.subarray(2, 2 + received.readUInt16BE(0))).id!)
      received = received.subarray(2 + received.readUInt16BE(0))
    }
    if (ids.length === 50) break
  }

  assert.deepEqual(ids, [...Array(50).keys()])
})

test('idle, too many and nonsensical TCP connections are closed; the others go on', async () => {
  const clock = new ManualClock()
  await using server = await start({ clock, limits: { tcpConnections: 2, tcpIdleMs: 1000, tcpQuestions: 3 } })
  const [quiet, talker] = [await open(server), await open(server)]
  const third = connect(server.address.port, '127.0.0.1').resume()
  third.on('error', () => {})
  await once(third, 'close')
  const question = framed(encode({ id: 1, type: 'query', questions: [{ type: 'A', name: 'shop.svc.mesh.local' }] }))

  clock.advance(600)
  talker.write(question)
  await once(talker, 'data')
  quiet.resume()
  const quietClosed = once(quiet, 'close')
  clock.advance(600)
  await quietClosed

  talker.write(Buffer.concat([question, question, question]))
  talker.resume()
  await once(talker, 'close')

  const nonsense = await open(server)
  nonsense.resume()
  nonsense.write(framed(Buffer.from('GET /')))
  await once(nonsense, 'close')
})

test('a client that does not read its answers is not answered for ever', async () => {
  await using server = await start()
  const socket = await open(server)
  socket.pause()
  const question = framed(encode({ id: 1, type: 'query', questions: [{ type: 'A', name: 'many.svc.mesh.local' }] }))
  const before = process.memoryUsage().rss
  const flood = Buffer.concat(Array<Buffer>(2000).fill(question))
  for (let i = 0; i < 4 && !socket.destroyed; i++) socket.write(flood)
  await new Promise(resolve => setTimeout(resolve, 200))

  assert.ok(process.memoryUsage().rss - before < 60_000_000)
  socket.destroy()
})

test('malformed datagrams do no harm', async () => {
  await using server = await start()
  const socket = createSocket('udp4')
  for (let length = 0; length < 200; length++) socket.send(Buffer.alloc(length, length), server.address.port, '127.0.0.1')

  assert.deepEqual(await resolverOf(server).resolve4('shop.svc.mesh.local'), ['10.0.0.1'])
  socket.close()
})

test('a taken port is said with the flag that would choose another', async () => {
  await using server = await start()

  await assert.rejects(start({ address: server.address }), { code: 'SKERRY_PORT_TAKEN', message: /--dns/ })
})

function start(over: Partial<DnsServerOptions> = {}): Promise<DnsServer> {
  return DnsServer.start({
    address: { host: '127.0.0.1', port: 0 },
    flag: '--dns',
    view: aView(names),
    clock: systemClock,
    random: seededRandom(1),
    log: silentLog,
    ...over,
  })
}

function resolverOf(server: DnsServer): Resolver {
  const resolver = new Resolver({ timeout: 2000, tries: 2 })
  resolver.setServers([`127.0.0.1:${server.address.port}`])
  return resolver
}

async function open(server: DnsServer): Promise<Socket> {
  const socket = connect(server.address.port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}
