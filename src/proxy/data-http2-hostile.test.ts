import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { test } from 'node:test'
import { pause } from './testing.ts'
import { aChain, anHttp2App, aSession, ask2 } from './testing-http2.ts'

/** What hostile peers send, written by hand: no client would. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header.writeUInt8(type, 3)
  header.writeUInt8(flags, 4)
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}
/** `GET /` of the static table, with its authority written out. */
const request = Buffer.concat([Buffer.from([0x82, 0x86, 0x84, 0x01, 0x04]), Buffer.from('echo')])

const floods: Record<string, (at: number) => Buffer> = {
  'streams that are begun and reset': at => {
    const stream = 2 * at + 1
    return Buffer.concat([frame(1, 5, stream, request), frame(3, 0, stream, Buffer.from([0, 0, 0, 8]))])
  },
  'CONTINUATION without end': at =>
    at === 0
      ? frame(1, 1, 1, request)
      : frame(9, 0, 1, Buffer.concat([Buffer.from([0x00, 0x01, 0x78, 0x7f, 0x81, 0x01]), Buffer.alloc(256, 'v')])),
  'SETTINGS that want an answer': () => frame(4, 0, 0),
  'PINGs that want an answer': () => frame(6, 0, 0, Buffer.alloc(8)),
  'empty DATA': at => (at === 0 ? frame(1, 4, 1, request) : frame(0, 0, 1)),
}

for (const [name, next] of Object.entries(floods)) {
  test(`a flood of ${name} ends its own connection at most, and costs nobody else anything`, async () => {
    await using app = await anHttp2App(stream => {
      stream.respond({ ':status': 200 }, { endStream: true })
    })
    await using chain = await aChain(app.port)
    const socket = connectTcp(chain.outbound, '127.0.0.1')
    socket.on('error', () => {})
    let isClosed = false
    socket.once('close', () => {
      isClosed = true
    })
    await once(socket, 'connect')
    socket.write(Buffer.concat([preface, frame(4, 0, 0)]))
    const before = process.memoryUsage().arrayBuffers
    for (let round = 0; round < 100 && !isClosed; round++) {
      socket.write(Buffer.concat(Array.from({ length: 100 }, (_, i) => next(round * 100 + i))))
      await pause(1)
    }
    using session = await aSession(chain.outbound)

    assert.equal((await ask2(session, '/')).headers[':status'], 200)
    assert.ok(process.memoryUsage().arrayBuffers - before < 32 * 1024 * 1024)
    const isBounded = isClosed || name === 'empty DATA' || name.startsWith('SETTINGS') || name.startsWith('PING')
    assert.ok(isBounded, 'it went on and on')
    socket.destroy()
  })
}

test('a head that is too large is refused, and the connection serves on', async () => {
  await using app = await anHttp2App(stream => {
    stream.respond({ ':status': 200 }, { endStream: true })
  })
  await using chain = await aChain(app.port)
  using session = await aSession(chain.outbound)
  const fields = Object.fromEntries(Array.from({ length: 110 }, (_, i) => [`x-${i}`, 'v']))
  const stream = session.request({ ':path': '/', ':authority': 'echo', ...fields })
  stream.on('error', () => {})
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]

  assert.equal(headers[':status'], 431)
  assert.equal((await ask2(session, '/')).headers[':status'], 200)
})
