import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { connect } from 'node:tls'
import fc from 'fast-check'
import { readClientHello } from './client-hello.ts'

/** What a TLS client sends first. */
async function aHello(servername: string | undefined): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1', ...(servername ? { servername } : {}) })
  client.on('error', () => {})
  const [socket] = await once(server, 'connection')
  const [bytes] = await once(socket, 'data')
  client.destroy()
  socket.destroy()
  server.close()
  return bytes
}

/** The same handshake message in records of `size` bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part)
  }
  return Buffer.concat(records)
}

const hello = await aHello('SNI.msvc.default.aws-1.payments.main')

test('the SNI is read in lower case, as soon as it is all there', async () => {
  const expected = { kind: 'hello', sni: 'sni.msvc.default.aws-1.payments.main' }
  for (let length = 0; length < hello.length; length++)
    assert.equal(readClientHello(hello.subarray(0, length)).kind, 'incomplete', `${length}`)
  assert.deepEqual(readClientHello(hello), expected)
  assert.deepEqual(readClientHello(inRecords(hello, 200)), expected)
  assert.deepEqual(readClientHello(await aHello(undefined)), { kind: 'hello', sni: null })
})

test('what is no ClientHello, or one of impossible size, is refused', () => {
  assert.equal(readClientHello(Buffer.from('GET / HTTP/1.1\r\n')).kind, 'invalid')
  assert.equal(readClientHello(Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])).kind, 'invalid')
  assert.equal(readClientHello(Buffer.from([22, 3, 1, 0, 4, 1, 255, 255, 255])).kind, 'invalid')
  assert.equal(readClientHello(Buffer.from([22, 3, 1, 0, 0])).kind, 'invalid')
  assert.equal(readClientHello(inRecords(hello, 4)).kind, 'invalid')
})

test('no bytes break the reader', () => {
  const mutated = fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }).map(changes => {
    const copy = Buffer.from(hello)
    for (const [at, byte] of changes) copy[at] = byte
    return copy
  })
  fc.assert(
    fc.property(
      fc.oneof(
        mutated,
        fc.uint8Array().map(bytes => Buffer.from([22, 3, 1, ...bytes])),
      ),
      bytes => {
        assert.ok(['incomplete', 'hello', 'invalid'].includes(readClientHello(bytes).kind))
      },
    ),
    { numRuns: 1000 },
  )
})
