import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { kinds } from '../model/kinds/index.ts'
import { cli } from './test-support.ts'

test('a schema is printed for a kind, by whatever word it is called', async () => {
  const [byKind, byShort, asYaml] = await Promise.all([
    cli(['generate', 'schema', 'MeshTimeout']),
    cli(['generate', 'schema', 'mt']),
    cli(['generate', 'schema', 'meshtimeouts', '-o', 'yaml']),
  ])

  const schema = JSON.parse(byKind.out)
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema')
  assert.equal(schema.properties.type.const, 'MeshTimeout')
  assert.equal(byShort.out, byKind.out)
  assert.deepEqual(parse(asYaml.out), schema)
})

test('without a kind the schema takes resources of every kind', async () => {
  const { out, code } = await cli(['generate', 'schema'])

  assert.equal(code, 0)
  assert.deepEqual(
    Object.keys(JSON.parse(out).$defs),
    kinds.map(kind => kind.kind),
  )
})

test('the API is described without a control plane', async () => {
  const { out, code } = await cli(['generate', 'openapi'])

  assert.equal(code, 0)
  assert.ok(JSON.parse(out).paths['/meshes/{mesh}/meshtimeouts/{name}'].put)
})

test('a kind that is not there is guessed, and a form that makes no sense is refused', async () => {
  const [unknown, names] = await Promise.all([cli(['generate', 'schema', 'meshtimout']), cli(['generate', 'openapi', '-o', 'name'])])

  assert.match(unknown.err, /did you mean meshtimeouts/)
  assert.match(names.err, /-o json or -o yaml/)
  assert.notEqual(unknown.code, 0)
  assert.notEqual(names.code, 0)
})
