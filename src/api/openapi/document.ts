import { dialect, type JsonSchema } from '../../model/json-schema.ts'
import type { KindDefinition } from '../../model/kind.ts'
import { kinds } from '../../model/kinds/index.ts'
import { version } from '../../std/version.ts'
import { headers, type ResponseName, responses, schemas } from './components.ts'
import { controlPlaneOperations } from './control-plane-operations.ts'
import { discoveryOperations } from './discovery-operations.ts'
import { inspectOperations } from './inspect-operations.ts'
import type { Answer, Operation, Parameter } from './operation.ts'
import { resourceOperations } from './resource-operations.ts'

/** https://spec.openapis.org/oas/v3.1.1.html */
export interface OpenApiDocument {
  readonly openapi: '3.1.1'
  readonly info: JsonSchema
  readonly jsonSchemaDialect: string
  readonly security: readonly JsonSchema[]
  readonly tags: readonly { readonly name: string; readonly description?: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** Kinds whose paths answer in a form of their own, or that have none. */
const withPathsOfTheirOwn: ReadonlySet<string> = new Set(['MeshInsight', 'ServiceInsight', 'Config'])

/** Every call that control planes answer, in whatever role. */
export function operations(): Operation[] {
  const shown = kinds.filter(kind => !withPathsOfTheirOwn.has(kind.kind))
  return [...controlPlaneOperations, ...shown.flatMap(resourceOperations), ...inspectOperations(kinds), ...discoveryOperations]
}

/** The API in OpenAPI 3.1. `isServed` leaves out what a control plane of one role does not answer. */
export function openApiDocument(isServed: (operation: Operation) => boolean = () => true): OpenApiDocument {
  const served = operations().filter(isServed)
  return {
    openapi: '3.1.1',
    info: {
      title: 'Skerry control plane',
      version,
      description: "A mesh's resources, what they come to, and who may do what. Paths, bodies and errors are Kuma 3's where it has them.",
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    jsonSchemaDialect: dialect,
    security: [{ token: [] }],
    tags: tagsOf(served),
    paths: pathsOf(served),
    components: {
      schemas: schemas(kinds.filter(kind => kind.kind !== 'Config')),
      responses,
      headers,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A user token: `skerry token user`.' },
      },
    },
  }
}

function tagsOf(served: readonly Operation[]): OpenApiDocument['tags'] {
  const ofKinds = new Map(kinds.map((kind: KindDefinition) => [kind.pluralDisplayName, kind.description]))
  return [...new Set(served.map(({ tag }) => tag))].map(name => {
    const description = ofKinds.get(name)
    return { name, ...(description === undefined ? {} : { description }) }
  })
}

function pathsOf(served: readonly Operation[]): OpenApiDocument['paths'] {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of served) {
    paths[operation.path] = { ...(paths[operation.path] ?? pathItem(operation.path)), [operation.method]: describe(operation) }
  }
  return paths
}

function pathItem(path: string): Record<string, unknown> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
  if (names.length === 0) return {}
  return { parameters: names.map(name => ({ name, in: 'path', required: true, schema: { type: 'string' } })) }
}

function describe(operation: Operation): Record<string, unknown> {
  const { id, tag, summary, description, parameters = [], body, answer, otherAnswers = [], open } = operation
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(open ? { security: [] } : {}),
    ...(parameters.length > 0 ? { parameters: parameters.map(parameterOf) } : {}),
    ...(body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: Object.fromEntries([...[answer, ...otherAnswers].map(answerOf), ...errorsOf(operation)]),
  }
}

function parameterOf({ style, ...parameter }: Parameter): Record<string, unknown> {
  return { ...parameter, ...(style === undefined ? {} : { style, explode: true }) }
}

function answerOf({ status = 200, description, schema, contentType = 'application/json', headers: sent = [] }: Answer): [string, unknown] {
  return [
    String(status),
    {
      description,
      ...(sent.length > 0 ? { headers: Object.fromEntries(sent.map(name => [name, { $ref: `#/components/headers/${name}` }])) } : {}),
      content: { [contentType]: { schema } },
    },
  ]
}

/** What may go wrong with any call of its sort. */
function errorsOf({ method, path, open, otherAnswers = [] }: Operation): [string, unknown][] {
  const isWrite = method !== 'get'
  const errors: Partial<Record<number, ResponseName>> = {
    ...(open ? {} : { 400: 'BadRequest', 401: 'Unauthorized', 403: 'Forbidden' }),
    ...(path.includes('{') ? { 404: 'NotFound' } : {}),
    ...(isWrite && !open ? { 405: 'NotHere', 409: 'Conflict', 412: 'Conflict' } : {}),
    ...(otherAnswers.some(({ status }) => status === 503) ? {} : { 503: 'Failure' }),
  }
  return Object.entries(errors).map(([status, name]) => [status, { $ref: `#/components/responses/${name}` }])
}
