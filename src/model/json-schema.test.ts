import assert from 'node:assert/strict'
import { test } from 'node:test'
import Schema from 'typebox/schema'
import { exampleOf, jsonSchemaOf } from './json-schema.ts'
import type { KindDefinition } from './kind.ts'
import { kindByName, kinds } from './kinds/index.ts'
import type { Resource } from './resource.ts'
import { fromWire, toWire } from './wire.ts'

const stored = { creationTime: '2026-01-01T00:00:00.000Z', modificationTime: '2026-01-02T00:00:00.000Z', revision: 7 }

const problems = (kind: KindDefinition, json: unknown) => Schema.Errors(jsonSchemaOf(kind) as object, json)[1]

for (const kind of kinds) {
  test(`${kind.kind}: its example is valid, by its JSON Schema and by our own rules`, () => {
    const example = exampleOf(kind)

    assert.deepEqual(problems(kind, example), [])
    const read = fromWire(example, { strict: true })
    assert.deepEqual(read.kind === 'invalid' ? read.violations : [], [])
  })

  test(`${kind.kind}: what the API shows is valid by its JSON Schema`, () => {
    const read = fromWire(exampleOf(kind), { strict: true })
    assert.ok(read.kind === 'ok')
    const resource: Resource = { ...read.draft, ...stored }

    assert.deepEqual(problems(kind, toWire(resource)), [])
  })

  test(`${kind.kind}: what it does not know is refused by its JSON Schema`, () => {
    assert.notDeepEqual(problems(kind, { ...exampleOf(kind), novel: 1 }), [])
  })
}

test('the words of our own walker do not get into a JSON Schema', () => {
  const text = JSON.stringify(kinds.map(jsonSchemaOf))
  for (const word of ['mustBe', 'otherwise', '~kind', 'go-duration', 'patternProperties']) assert.ok(!text.includes(`"${word}":`), word)
})

test('what has a default need not be written', () => {
  const schema = jsonSchemaOf(kindByName('MeshTimeout')!) as {
    properties: { spec: { properties: { to: { items: { required: string[] } } } } }
  }
  assert.deepEqual(schema.properties.spec.properties.to.items.required, ['targetRef'])
})
