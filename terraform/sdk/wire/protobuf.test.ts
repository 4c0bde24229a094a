import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decode, encode } from './protobuf.ts'

test('a message is the same after its way over the wire', () => {
  fc.assert(
    fc.property(
      fc.record({
        type_name: fc.string(),
        version: fc.integer(),
        raw: fc.uint8Array({ minLength: 1 }),
        flat: fc.dictionary(
          fc.string().filter(key => key !== '__proto__'),
          fc.string(),
          { noNullPrototype: true },
        ),
      }),
      ({ type_name, version, raw, flat }) => {
        const message = decode(
          'UpgradeResourceState.Request',
          encode('UpgradeResourceState.Request', { type_name, version, raw_state: { json: raw, flatmap: flat } }),
        )
        assert.equal(message.type_name, type_name)
        assert.equal(message.version, version)
        const state = message.raw_state as { json: Uint8Array; flatmap: object }
        assert.deepEqual([...state.json], [...raw])
        assert.deepEqual(state.flatmap, flat)
      },
    ),
  )
})

test('fields are where the protocol has them', () => {
  assert.equal(
    encode('AttributePath', { steps: [{ attribute_name: 'spec' }, { element_key_int: 0 }] }).toString('hex'),
    '0a060a04737065630a021800',
  )
  assert.equal(encode('Attribute', { name: 'a', write_only: true }).toString('hex'), '0a01615801')
})

test('what is absent reads as zero, except where zero and absent are two things', () => {
  assert.deepEqual(decode('Step', new Uint8Array(0)), {})
  assert.deepEqual(decode('Step', encode('Step', { element_key_int: 0 })), { element_key_int: 0 })
  const empty = decode('CallFunction.Request', new Uint8Array(0))
  assert.deepEqual({ ...empty }, { name: '', arguments: [] })
})

test('fields of a newer protocol are passed over, and a field of ours that there is not is a mistake', () => {
  const newer = Buffer.concat([encode('TypeName', { type_name: 'x' }), Buffer.from([0xf8, 0x07, 0x01, 0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8])])

  assert.deepEqual({ ...decode('TypeName', newer) }, { type_name: 'x' })
  assert.throws(() => encode('TypeName', { typeName: 'x' }), /no field typeName/)
})

test('a message that is cut off is refused', () => {
  const whole = encode('Diagnostic', { severity: 1, summary: 'no' })
  for (let length = 1; length < whole.length; length++) {
    const cut = whole.subarray(0, length)
    // Where the cut falls between two fields, what is before it is a message.
    if (length !== 2) assert.throws(() => decode('Diagnostic', cut), RangeError)
  }
})
