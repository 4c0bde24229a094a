import assert from 'node:assert/strict'
import { test } from 'node:test'
import Schema from 'typebox/schema'
import { parse } from 'yaml'
import { exampleOf } from '../../model/json-schema.ts'
import { kinds } from '../../model/kinds/index.ts'
import { aMesh, anApi } from '../test-support.ts'
import { openApiDocument, operations } from './document.ts'

interface Described {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> }
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly description?: string; readonly content?: Content }>>
}
type Content = Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>>

const document = openApiDocument()
const methods = ['get', 'put', 'post', 'delete'] as const
const described = Object.entries(document.paths).flatMap(([path, item]) =>
  methods.flatMap(method => (item[method] === undefined ? [] : [{ path, method, item, operation: item[method] as Described }])),
)

test('it has what OpenAPI 3.1 asks of a document', () => {
  assert.match(document.openapi, /^3[.]1[.]\d+$/)
  for (const field of ['title', 'version']) assert.equal(typeof document.info[field], 'string')
  for (const [path, item] of Object.entries(document.paths)) {
    assert.match(path, /^[/]/)
    const unknown = Object.keys(item).filter(key => ![...methods, 'parameters'].includes(key as 'get'))
    assert.deepEqual(unknown, [], path)
    const declared = ((item.parameters ?? []) as readonly { name: string; in: string; required: boolean }[]).filter(
      it => it.in === 'path' && it.required,
    )
    assert.deepEqual(
      declared.map(({ name }) => name),
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      path,
    )
  }
  for (const { path, operation } of described) {
    assert.ok(operation.operationId && operation.tags.length > 0 && Object.keys(operation.responses).length > 0, path)
    const names = (operation.parameters ?? []).map(parameter => `${parameter.in} ${parameter.name}`)
    assert.equal(new Set(names).size, names.length, path)
    for (const [status, response] of Object.entries(operation.responses)) {
      assert.match(status, /^[1-5]\d\d$/)
      assert.ok(response.$ref !== undefined || response.description !== undefined, `${path} ${status}`)
    }
  }
})

test('no two calls share an operationId, or a path that only differs in the names of its parameters', () => {
  const ids = described.map(({ operation }) => operation.operationId)
  assert.deepEqual(ids.toSorted(), [...new Set(ids)].toSorted())
  assert.equal(operations().length, described.length)
  const shapes = Object.keys(document.paths).map(path => path.replaceAll(/\{\w+\}/g, '{}'))
  assert.equal(new Set(shapes).size, shapes.length)
})

test('every reference leads somewhere', () => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref ?? '')
  assert.ok(refs.length > 100)
  for (const ref of new Set(refs)) {
    const found = ref
      .replace('#/', '')
      .split('/')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document)
    assert.ok(found !== undefined, ref)
  }
})

test('every schema is one that a validator takes', () => {
  for (const [name, schema] of Object.entries(document.components.schemas ?? {})) {
    assert.doesNotThrow(() => Schema.Compile(inlined(schema) as object), name)
  }
})

/** With what it refers to put in its place. */
function inlined(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(inlined)
  if (typeof schema !== 'object' || schema === null) return schema
  const { $ref } = schema as { $ref?: string }
  if ($ref !== undefined) return inlined(document.components.schemas?.[$ref.split('/').at(-1) ?? ''])
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, key === 'examples' ? value : inlined(value)]))
}

test('every call has a body for its answer, and Problem for what goes wrong', () => {
  for (const { path, method, operation } of described) {
    const answers = Object.entries(operation.responses)
    const good = answers.filter(([status, { content }]) => Number(status) < 300 && content !== undefined)
    assert.ok(good.length > 0, `${method} ${path}`)
    const refused = answers.filter(([status, { $ref }]) => Number(status) >= 400 && $ref !== undefined)
    const responses = document.components.responses as Record<string, { content: Content }>
    for (const [, { $ref = '' }] of refused) {
      assert.equal(responses[$ref.split('/').at(-1) ?? '']?.content['application/json']?.schema.$ref, '#/components/schemas/Problem')
    }
    if (path !== '/readyz') assert.ok(refused.length > 0, `${method} ${path} can fail`)
    if (method === 'put' || method === 'post')
      assert.ok(operation.requestBody !== undefined || path.startsWith('/tokens/keys'), `${method} ${path}`)
  }
})

test('every kind that users write is listed, read, written and deleted', () => {
  for (const kind of kinds.filter(it => it.readOnly !== true && it.kind !== 'Config')) {
    const path = `${kind.scope === 'mesh' ? '/meshes/{mesh}' : ''}/${kind.path}`
    assert.ok(document.paths[path]?.get, path)
    for (const method of ['get', 'put', 'delete'] as const)
      assert.ok(document.paths[`${path}/{name}`]?.[method], `${method} ${path}/{name}`)
  }
})

test('what a control plane serves is what it describes', async () => {
  await using api = await anApi()
  const served = (await api.get('/openapi.json')).body as typeof document
  const routes = routesOf(api.app.printRoutes({ commonPrefix: false }))

  const told = new Set(
    Object.entries(served.paths).flatMap(([path, item]) => methods.filter(it => item[it]).map(it => `${it} ${shapeOf(path)}`)),
  )
  const readOnly = kinds.filter(kind => kind.readOnly).map(kind => kind.path)
  const untold = routes
    .map(({ method, url }) => `${method.toLowerCase()} ${shapeOf(url)}`)
    // A second spelling; writes that are answered with "read only"; the dashboard's own document tells of the rest.
    .filter(route => !route.includes('/global-secrets') && !route.includes(' /dashboard/v1'))
    .filter(route => route.startsWith('get') || !readOnly.some(path => route.includes(`/${path}/`)))
    .filter(route => !told.has(route))
  assert.deepEqual(untold, [])
  assert.ok(told.size > 150)
})

function shapeOf(path: string): string {
  return path.replace('{kind}.json', '{}').replaceAll(/\{\w+\}|:\w+/g, '{}')
}

/** Reads Fastify's drawing of its routes. */
function routesOf(tree: string): { method: string; url: string }[] {
  const above: string[] = []
  return tree.split('\n').flatMap(line => {
    const match = /^([│ ]*)[├└]── (.*?)(?: \(([A-Z, ]+)\))?$/.exec(line)
    if (match === null) return []
    const [, indent = '', segment = '', methods = ''] = match
    const depth = indent.length / 4
    above[depth] = (above[depth - 1] ?? '') + segment
    above.length = depth + 1
    // `:name|:mesh`: one place, two names.
    const url = (above[depth] ?? '').replaceAll(/(:\w+)\|:\w+/g, '$1')
    return methods === '' ? [] : methods.split(', ').map(method => ({ method, url }))
  })
}

test("every kind's example is taken, and what is answered fits what is described", async () => {
  await using api = await anApi()
  await aMesh(api)
  const problems = (schema: string, json: unknown) => Schema.Errors(inlined(document.components.schemas?.[schema]) as object, json)[1]
  const written = kinds.filter(kind => !kind.readOnly && !['Config', 'Zone'].includes(kind.kind))
  for (const kind of written) {
    const list = `${kind.scope === 'mesh' ? '/meshes/default' : ''}/${kind.path}`
    const example = exampleOf(kind)

    const put = await api.put(`${list}/${example.name}`, example)
    assert.ok(put.status === 200 || put.status === 201, `${kind.kind}: ${put.text}`)
    assert.deepEqual(problems('Written', put.body), [], kind.kind)
    const page = await api.get(list)
    assert.deepEqual(problems(`${kind.kind}List`, page.body), [], kind.kind)
    assert.deepEqual(problems(kind.kind, (await api.get(`${list}/${example.name}`)).body), [], kind.kind)
  }
  const refused = await api.put('/meshes/default/meshtimeouts/x', { type: 'MeshTimeout', mesh: 'default', name: 'x', spec: {} })
  assert.equal(refused.status, 400)
  assert.deepEqual(problems('Problem', refused.body), [])
})

test('the description and the schemas are served to whoever has a token, as JSON and as YAML', async () => {
  await using api = await anApi()
  const paths = ['/openapi.json', '/openapi.yaml', '/schemas/MeshTimeout.json', '/schemas/MeshTimout.json']
  const [json, yaml, schema, mistyped] = await Promise.all(paths.map(path => api.get(path)))
  const stranger = await api.get('/openapi.json', { token: null })

  assert.equal(json?.status, 200)
  assert.deepEqual(parse(yaml?.text ?? ''), json?.body)
  assert.deepEqual([schema?.status, (schema?.body as { title: string } | undefined)?.title], [200, 'MeshTimeout'])
  assert.equal(mistyped?.status, 404)
  assert.match(mistyped?.text ?? '', /meshtimeouts/)
  assert.equal(stranger.status, 401)
})
