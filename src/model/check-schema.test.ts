import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import { Check } from 'typebox/value'
import { checkSchema } from './check-schema.ts'
import { kinds } from './kinds/index.ts'
import { closed, intOrString, oneOf } from './schema.ts'

test('our walker accepts exactly what the schema accepts', () => {
  const leaf = fc.oneof(fc.constantFrom('A', 'B', 'x', '', '70%', '5s'), fc.integer({ min: -2, max: 9 }), fc.boolean(), fc.constant(1.5))
  const fields = fc.constantFrom('type', 'name', 'count', 'list', 'map', 'port', 'other')
  const value = fc.letrec(tie => ({
    any: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('any'), { maxLength: 3 }), fc.dictionary(fields, tie('any'), { maxKeys: 4 })),
  })).any
  const schema = closed({
    type: Type.Optional(oneOf('A', 'B')),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 2 })),
    count: Type.Optional(Type.Integer({ minimum: 0, maximum: 5 })),
    port: Type.Optional(intOrString),
    map: Type.Optional(Type.Record(Type.String(), Type.String())),
    list: Type.Optional(
      Type.Array(Type.Union([closed({ type: Type.Literal('A'), name: Type.String() }), closed({ type: Type.Literal('B') })]), {
        minItems: 1,
      }),
    ),
  })

  fc.assert(
    fc.property(value, it => {
      assert.equal(checkSchema(schema, it, '', 'refuse').violations.length === 0, Check(schema, it))
    }),
    { numRuns: 500 },
  )
})

test('every schema of the table is one that the walker knows', () => {
  const known = new Set(['type', 'enum', 'const', 'anyOf', 'properties', 'required', 'additionalProperties', 'patternProperties', 'items'])
  for (const word of [
    'minItems',
    'otherwise',
    'maxItems',
    'default',
    'mustBe',
    'minLength',
    'maxLength',
    'minimum',
    'maximum',
    'pattern',
    'format',
    'description',
  ])
    known.add(word)
  const visit = (schema: TSchema, at: string) => {
    for (const [keyword, value] of Object.entries(schema as Record<string, unknown>)) {
      assert.ok(known.has(keyword), `${at} uses ${keyword}`)
      if (keyword === 'properties' || keyword === 'patternProperties') {
        for (const [name, member] of Object.entries(value as Record<string, TSchema>)) visit(member, `${at}.${name}`)
      }
      if (keyword === 'items') visit(value as TSchema, `${at}[]`)
      if (keyword === 'anyOf')
        (value as TSchema[]).forEach(choice => {
          visit(choice, at)
        })
    }
  }

  for (const kind of kinds) {
    visit(kind.spec, kind.kind)
    if (kind.status !== undefined) visit(kind.status, `${kind.kind}.status`)
  }
})

test('every object of the table is closed', () => {
  interface Node {
    readonly properties?: Readonly<Record<string, Node>>
    readonly additionalProperties?: unknown
    readonly items?: Node
    readonly anyOf?: readonly Node[]
  }
  const visit = (schema: Node, at: string) => {
    if (schema.properties !== undefined) assert.equal(schema.additionalProperties, false, at)
    for (const [name, member] of Object.entries(schema.properties ?? {})) visit(member, `${at}.${name}`)
    if (schema.items !== undefined) visit(schema.items, `${at}[]`)
    for (const choice of schema.anyOf ?? []) visit(choice, at)
  }

  for (const kind of kinds) visit(kind.spec as Node, kind.kind)
})
