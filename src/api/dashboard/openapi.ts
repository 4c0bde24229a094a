import type { TSchema } from 'typebox'
import { version } from '../../std/version.ts'
import type { DashboardRoute } from './routes.ts'
import { namedSchemas } from './schema/item.ts'

export type Described = Pick<DashboardRoute, 'path' | 'summary' | 'parameters'> & {
  readonly contentType: string
  readonly description: string
}

/** The API in OpenAPI 3.1, made of the schemas that check its answers. https://spec.openapis.org/oas/v3.1.0 */
export function describeApi(prefix: string, routes: readonly DashboardRoute[], others: readonly Described[]): object {
  const paths = [
    ...routes.map(route =>
      describePath(
        prefix,
        route,
        { 'application/json': { schema: referTo(route.answer) } },
        String((route.answer as { readonly description?: string }).description),
      ),
    ),
    ...others.map(route => describePath(prefix, route, { [route.contentType]: { schema: { type: 'string' } } }, route.description)),
  ]
  return {
    openapi: '3.1.0',
    info: {
      title: 'Skerry dashboard API',
      version,
      description:
        'What screens are made of. Answers are kept up to date by every change, and have an ETag. Lists of events are of this process: what lasts is in the registry and the audit log.',
    },
    security: [{ token: [] }],
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { ...Object.fromEntries(Object.entries(namedSchemas).map(([name, schema]) => [name, inline(schema)])), Error: errorSchema },
    },
  }
}

function describePath(
  prefix: string,
  { path, summary, parameters }: Pick<DashboardRoute, 'path' | 'summary' | 'parameters'>,
  content: object,
  description: string,
): [string, object] {
  const isInPath = (name: string) => path.split('/').includes(`:${name}`)
  const get = {
    operationId: `get${path.replaceAll(/[/:]+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    parameters: parameters.map(({ name, description }) => ({
      name,
      in: isInPath(name) ? 'path' : 'query',
      ...(isInPath(name) ? { required: true } : {}),
      description,
      schema: { type: 'string' },
    })),
    responses: { 200: { description, content }, ...errors },
  }
  return [`${prefix}${path.replaceAll(/:(\w+)/g, '{$1}')}`, { get }]
}

const error = (description: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
})
const errors = {
  304: { description: 'nothing changed since the ETag in If-None-Match' },
  400: error('a parameter that is not understood; `invalid_parameters` names it'),
  401: error('no token, or not a good one'),
  403: error('the token gives no right to this'),
  404: error('there is no such thing'),
}

const errorSchema = {
  type: 'object',
  description: 'why there is no answer',
  required: ['status', 'title', 'detail', 'code', 'instance'],
  properties: {
    type: { type: 'string' },
    status: { type: 'integer', description: 'HTTP status' },
    title: { type: 'string' },
    detail: { type: 'string', description: 'what happened' },
    code: { type: 'string', description: 'stable, SKERRY_…' },
    fix: { type: 'string', description: 'what to do' },
    instance: { type: 'string', description: 'the request’s id, which the log has too' },
    invalid_parameters: {
      type: 'array',
      items: { type: 'object', properties: { field: { type: 'string' }, reason: { type: 'string' } } },
    },
  },
}

const names: ReadonlyMap<unknown, string> = new Map(Object.entries(namedSchemas).map(([name, schema]) => [schema, name]))

/** The schema, as a reference wherever it has a name. */
function referTo(schema: TSchema): unknown {
  return JSON.parse(JSON.stringify(schema, (_, value) => (names.has(value) ? refTo(names.get(value)!) : value)))
}

/** The schema itself; what is in it as references. */
function inline(schema: TSchema): unknown {
  return JSON.parse(JSON.stringify(schema, (_, value) => (value !== schema && names.has(value) ? refTo(names.get(value)!) : value)))
}

function refTo(name: string): object {
  return { $ref: `#/components/schemas/${name}` }
}
