import assert from 'node:assert/strict'
import { isIPv6 } from 'node:net'
import { test } from 'node:test'
import { decode, encode } from 'dns-packet'
import fc from 'fast-check'
import { answer } from './answer.ts'
import { readQuery } from './query.ts'
import { addressBytes, writeRefusal, writeResponse } from './response.ts'
import { anEndpoint, ask, aView } from './test-support.ts'

const label = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9_-]{0,20}$/)
const hostName = fc.array(label, { minLength: 1, maxLength: 6 }).map(labels => labels.join('.'))

test('a question that another library wrote is read as it was meant, and its letters are echoed', () => {
  fc.assert(
    fc.property(hostName, fc.nat(0xffff), fc.boolean(), (name, id, edns) => {
      const additionals = edns ? [{ type: 'OPT', name: '.', udpPayloadSize: 1400, flags: 0, options: [] }] : []
      const read = readQuery(encode({ type: 'query', id, questions: [{ type: 'SRV', name }], additionals: additionals as never }))

      assert.equal(read.kind, 'query')
      if (read.kind !== 'query') return
      const { query } = read
      assert.deepEqual([query.id, query.name, query.type, query.edns], [id, name.toLowerCase(), 33, edns ? { payloadBytes: 1400 } : null])
      const echoed = decode(writeResponse(query, answer(query, aView({}), { ttlSeconds: 1, rotation: 0 }), 512))
      assert.equal(echoed.questions?.[0]?.name, name)
    }),
  )
})

test('no bytes, however hostile, make reading throw, and what is answered can be read', () => {
  const real = encode({
    type: 'query',
    id: 1,
    questions: [{ type: 'A', name: 'shop.svc.mesh.local' }],
    additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 1400, flags: 0, options: [] } as never],
  })
  const mutated = fc.array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { maxLength: 12 }).chain(changes =>
    fc.nat(real.length).map(end => {
      const bytes = Buffer.from(real)
      for (const [at, value] of changes) bytes[at] = value
      return bytes.subarray(0, end === 0 ? real.length : end)
    }),
  )
  const view = aView({ 'shop.svc.mesh.local': { kind: 'service', endpoints: [anEndpoint('10.0.0.1')] } })
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 600 })), bytes => {
      const read = readQuery(bytes)
      if (read.kind === 'ignore') return
      const reply =
        read.kind === 'refuse'
          ? writeRefusal(read)
          : writeResponse(read.query, answer(read.query, view, { ttlSeconds: 1, rotation: 0 }), 512)
      assert.ok(reply.length <= 512)
      decode(reply)
      assert.equal(readQuery(reply).kind, 'ignore')
    }),
    { numRuns: 3000 },
  )
})

test('what is no question is not answered; what is wrong with one is said', () => {
  const question = encode({ type: 'query', id: 9, questions: [{ type: 'A', name: 'a.mesh.local' }] })
  const patched = (at: number, ...bytes: number[]) => {
    const copy = Buffer.from(question)
    copy.set(bytes, at)
    return copy
  }
  const rcodeOf = (message: Uint8Array) => {
    const read = readQuery(message)
    return read.kind === 'refuse' ? read.rcode : read.kind
  }

  assert.equal(rcodeOf(question.subarray(0, 11)), 'ignore')
  assert.equal(rcodeOf(patched(2, 0x80)), 'ignore', 'a response')
  assert.equal(rcodeOf(patched(2, 0x28)), 4, 'an update')
  assert.equal(rcodeOf(patched(4, 0, 2)), 1, 'two questions')
  assert.equal(rcodeOf(patched(4, 0, 0)), 1, 'no question')
  assert.equal(rcodeOf(patched(12, 0xc0, 12)), 1, 'a name that points to itself')
  assert.equal(rcodeOf(patched(12, 64)), 1, 'a label that is too long')
  assert.equal(rcodeOf(question.subarray(0, question.length - 3)), 1, 'cut off')
  assert.equal(rcodeOf(patched(10, 0, 1)), 1, 'a record that is not there')
  const badVersion = encode({
    type: 'query',
    id: 9,
    questions: [{ type: 'A', name: 'a.mesh.local' }],
    additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 1400, ednsVersion: 1, flags: 0, options: [] } as never],
  })
  badVersion[badVersion.length - 5] = 1
  const refused = readQuery(badVersion)
  assert.equal(refused.kind === 'refuse' && refused.rcode, 16, 'an unknown version of EDNS')
  assert.equal(refused.kind === 'refuse' && decode(writeRefusal(refused)).questions?.[0]?.name, 'a.mesh.local')
})

test('an answer that has no room says so, holds whole records, and is never longer than asked', () => {
  const endpoints = Array.from({ length: 300 }, (_, i) => anEndpoint(`10.0.${i >> 8}.${i & 255}`))
  const view = aView({ 'many.svc.mesh.local': { kind: 'service', endpoints } })

  for (const type of ['A', 'SRV']) {
    const cut = ask(view, 'many.svc.mesh.local', type, { limit: 512, edns: true }) as ReturnType<typeof ask> & { flag_tc: boolean }
    const whole = ask(view, 'many.svc.mesh.local', type) as typeof cut
    assert.ok(cut.bytes.length <= 512 && cut.flag_tc && cut.answers!.length > 5, type)
    assert.deepEqual([whole.flag_tc, whole.answers?.length], [false, 300], type)
  }
})

test('names are compressed', () => {
  const endpoints = Array.from({ length: 10 }, (_, i) => anEndpoint(`10.0.0.${i}`))
  const view = aView({ 'a-rather-long-name-of-a-service.svc.mesh.local': { kind: 'service', endpoints } })
  const { bytes } = ask(view, 'a-rather-long-name-of-a-service.svc.mesh.local', 'A')

  assert.equal(bytes.length, 12 + 48 + 4 + 10 * 16)
})

test('additional records that do not fit are left out without a word', () => {
  const endpoints = Array.from({ length: 10 }, (_, i) => anEndpoint(`10.0.0.${i}`))
  const view = aView({ 'shop.mesh.local': { kind: 'service', endpoints } })
  const { answers, additionals, flag_tc } = ask(view, 'shop.mesh.local', 'SRV', { limit: 512 }) as ReturnType<typeof ask> & {
    flag_tc: boolean
  }

  assert.deepEqual([answers?.length, flag_tc], [10, false])
  assert.ok(additionals!.length < 10)
})

test('an address is the same address as bytes', () => {
  fc.assert(
    fc.property(fc.ipV6(), address => {
      fc.pre(isIPv6(address))
      const hex = addressBytes(address).toString('hex')
      assert.equal(new URL(`http://[${hex.replace(/(.{4})(?!$)/g, '$1:')}]`).host, new URL(`http://[${address}]`).host)
    }),
  )
  assert.deepEqual([...addressBytes('10.0.0.255')], [10, 0, 0, 255])
  assert.equal(addressBytes('::ffff:10.0.0.1').toString('hex'), '00000000000000000000ffff0a000001')
  assert.throws(() => addressBytes('localhost'), RangeError)
})
