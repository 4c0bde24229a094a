import type { FastifyInstance } from 'fastify'
import { stringify } from 'yaml'
import { dialect, jsonSchemaOf } from '../../model/json-schema.ts'
import { findKind, suggestKinds } from '../../model/kinds/index.ts'
import { notFound } from '../problem.ts'
import { openApiDocument } from './document.ts'

/** The API's description of itself, for whoever has a token. */
export function openApiRoutes(app: FastifyInstance): void {
  const signedIn = { config: { access: 'signed-in' } } as const
  // Made once, when first asked for: by then every route is there. The text is kept, since anybody may ask for it again and again.
  const json = once(() => JSON.stringify(openApiDocument(({ method, path }) => isServed(app, method, path))))
  const yaml = once(() => stringify(JSON.parse(json()), { aliasDuplicateObjects: false }))

  app.get('/openapi.json', signedIn, (_, reply) => reply.type('application/json').send(json()))
  app.get('/openapi.yaml', signedIn, (_, reply) => reply.type('application/yaml').send(yaml()))
  app.get<{ Params: { file: string } }>('/schemas/:file', signedIn, (request, reply) => {
    const word = request.params.file.replace(/[.]json$/, '')
    const kind = findKind(word)
    if (kind === undefined) {
      const [nearest] = suggestKinds(word)
      throw notFound(
        'Could not retrieve a schema',
        nearest === undefined ? '`skerry get` lists the kinds that there are' : `did you mean ${nearest}?`,
      )
    }
    reply.type('application/schema+json')
    return { $schema: dialect, $id: `/schemas/${kind.kind}.json`, ...jsonSchemaOf(kind) }
  })
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function isServed(app: FastifyInstance, method: string, path: string): boolean {
  const url = path
    .replace('{kind}.json', ':file')
    .replace('/{services}/', '/:services/')
    .replaceAll(/\{(\w+)\}/g, ':$1')
  return app.hasRoute({ method: method.toUpperCase() as 'GET', url })
}
