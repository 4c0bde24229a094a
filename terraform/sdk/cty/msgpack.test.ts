import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, ExtData, encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { sameMeaning, sameValue } from './compare.ts'
import { inferType } from './infer.ts'
import { parseJson, toJson, valueFromApi, valueFromJson } from './json.ts'
import { pack, unpack } from './msgpack.ts'
import type { Type } from './type.ts'
import { Dynamic, Exact, UNKNOWN, type Value } from './value.ts'

const scalar = fc.constantFrom<Type>('string', 'number', 'bool')
const { type: anyType } = fc.letrec<{ type: Type }>(tie => ({
  type: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.tuple(fc.constantFrom('list' as const, 'map' as const), tie('type')),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('type'), { noNullPrototype: true }).map(types => ['object', types] as const),
    fc.array(tie('type'), { maxLength: 3 }).map(types => ['tuple', types] as const),
  ),
}))

function anyOf(type: Type): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 1, arbitrary: fc.constantFrom<Value>(null, UNKNOWN) }, { weight: 4, arbitrary: known(type) })
}

function known(type: Type): fc.Arbitrary<Value> {
  if (type === 'string') return fc.string()
  if (type === 'bool') return fc.boolean()
  if (type === 'number')
    return fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.bigInt().map(it => asNumber(String(it))),
    )
  if (type === 'dynamic') return fc.constant('never made')
  if (type[0] === 'list' || type[0] === 'set') return fc.array(anyOf(type[1]), { maxLength: 3 })
  if (type[0] === 'map') return fc.dictionary(fc.constantFrom('x', 'y'), anyOf(type[1]), { noNullPrototype: true })
  if (type[0] === 'tuple') return fc.tuple(...type[1].map(anyOf))
  return fc.record(Object.fromEntries(Object.entries(type[1]).map(([key, inner]) => [key, anyOf(inner)])), { noNullPrototype: true })
}

function asNumber(text: string): Value {
  return Number.isSafeInteger(Number(text)) ? Number(text) : new Exact(text)
}

test('a value of any type is the same after its way over the wire', () => {
  fc.assert(
    fc.property(
      anyType.chain(type => fc.tuple(fc.constant(type), anyOf(type))),
      ([type, value]) => assert.deepEqual(unpack(type, pack(type, value)), value === undefined ? null : normal(value)),
    ),
  )
})

/** -0 and 0 are one number to Terraform. */
function normal(value: Value): Value {
  return value === 0
    ? 0
    : Array.isArray(value)
      ? value.map(normal)
      : typeof value === 'object' && value !== null && !(value instanceof Exact)
        ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, normal(item)]))
        : value
}

test('whatever extension an unknown has, it is unknown', () => {
  for (const code of [0, 12, 99])
    assert.equal(unpack('string', { msgpack: encode(new ExtData(code, new Uint8Array([0x81, 1, 0xc2]))) }), UNKNOWN)
})

test('numbers keep every digit', () => {
  for (const text of ['0.1', '9007199254740993', '0.30000000000000000001', '-12345678901234567890.5']) {
    const value = unpack('number', { msgpack: encode(text) })
    assert.equal(decode(pack('number', value).msgpack!), text)
    assert.equal(toText(valueFromJson('number', parseJson(text))), text)
  }
  assert.equal(decode(pack('number', 0.1).msgpack!), '0.1')
})

function toText(value: Value): string {
  return value instanceof Exact ? value.text : String(value)
}

test('a dynamic value keeps the type that it came with', () => {
  const type: Type = ['list', 'string']
  const wire = { msgpack: encode([Buffer.from(JSON.stringify(type)), ['a']]) }

  const value = unpack('dynamic', wire)

  assert.deepEqual(value, new Dynamic(type, ['a']))
  assert.deepEqual(unpack('dynamic', pack('dynamic', value)), value)
  assert(!sameValue('dynamic', value, inferType(['a'])))
  assert(sameMeaning(value, inferType(['a'])))
})

test('a state without an attribute that the schema has now has it null, and one that it has no more is left out', () => {
  const type: Type = ['object', { name: 'string', added: ['list', 'number'] }]

  assert.deepEqual(valueFromJson(type, parseJson('{"name": "x", "gone": true}')), { name: 'x', added: null })
})

test('sets have no order, lists have', () => {
  assert(sameValue(['set', 'string'], ['a', 'b'], ['b', 'a']))
  assert(!sameValue(['list', 'string'], ['a', 'b'], ['b', 'a']))
  assert(!sameValue('string', UNKNOWN, UNKNOWN))
})

test('null and unknown do not reach an API', () => {
  assert.deepEqual(toJson({ a: null, b: UNKNOWN, c: inferType({ d: [1, null] }), e: new Exact('1.5') }), { c: { d: [1, null] }, e: 1.5 })
  assert.deepEqual(valueFromApi('dynamic', { a: [1] }), new Dynamic(['object', { a: ['tuple', ['number']] }], { a: [1] }))
})
