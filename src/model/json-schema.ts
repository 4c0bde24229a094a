import type { TSchema } from 'typebox'
import type { Keywords } from './keywords.ts'
import type { KindDefinition, KindExample } from './kind.ts'
import { specPath } from './validate.ts'

/** JSON Schema, draft 2020-12. https://json-schema.org/draft/2020-12 */
export interface JsonSchema {
  readonly [keyword: string]: unknown
}

export const dialect = 'https://json-schema.org/draft/2020-12/schema'

const text = (description: string): JsonSchema => ({ type: 'string', description })
const time = (description: string): JsonSchema => ({ type: 'string', format: 'date-time', readOnly: true, description })

const names = {
  rfc1035: { type: 'string', pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$', maxLength: 63 },
  rfc1123: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$', maxLength: 253 },
} as const

/** The schema of a whole resource in its wire shape: what a user writes, and (marked `readOnly`) what the API adds to it. */
export function jsonSchemaOf(kind: KindDefinition): JsonSchema {
  const ofMesh = kind.scope === 'mesh'
  const isFlat = specPath(kind) === ''
  const spec = toJsonSchema(kind.spec)
  const envelope = {
    type: { const: kind.kind, description: 'The kind.' },
    ...(ofMesh ? { mesh: text('The mesh that it belongs to.') } : {}),
    name: { ...names[kind.naming], description: `Unique among those of its kind${ofMesh ? ' in its mesh' : ''}.` },
    labels: { type: 'object', additionalProperties: { type: 'string' }, description: 'Names and values by which it is selected.' },
    creationTime: time('When it was made.'),
    modificationTime: time('When it was last changed.'),
    ...(kind.hasKri ? { kri: { ...text('Its identity across zones.'), readOnly: true } } : {}),
    ...(kind.ports ? { snis: { type: 'array', readOnly: true, description: 'The TLS server name of each port.', items: sni } } : {}),
  }
  const required = ['type', ...(ofMesh ? ['mesh'] : []), 'name']
  const mandatory = (spec.required as readonly string[] | undefined) ?? []
  return {
    title: kind.kind,
    description: kind.description,
    type: 'object',
    properties: isFlat
      ? { ...envelope, ...(spec.properties as object) }
      : { ...envelope, spec, ...(kind.status === undefined ? {} : { status: { ...toJsonSchema(kind.status), readOnly: true } }) },
    required: isFlat ? [...required, ...mandatory] : [...required, ...(mandatory.length > 0 ? ['spec'] : [])],
    additionalProperties: false,
    examples: [exampleOf(kind)],
  }
}

const sni = {
  type: 'object',
  properties: { port: { type: 'integer' }, sni: { type: 'string' } },
  required: ['port', 'sni'],
  additionalProperties: false,
}

/** The example of a kind in its wire shape. */
export function exampleOf(kind: KindDefinition): Record<string, unknown> & { readonly type: string; readonly name: string } {
  const { name, labels, spec } = kind.example as KindExample
  const envelope = {
    type: kind.kind,
    ...(kind.scope === 'mesh' ? { mesh: 'default' } : {}),
    name,
    ...(labels === undefined ? {} : { labels }),
  }
  return specPath(kind) === '' ? { ...envelope, ...(spec as object) } : { ...envelope, spec }
}

/** A schema of ours as others read it: without what only our own walker does. What is filled in where it is missing need not be written. */
export function toJsonSchema(schema: TSchema): JsonSchema {
  return plain(schema as Keywords)
}

function plain(schema: Keywords): JsonSchema {
  const { mustBe, otherwise: _, format, required, properties, patternProperties, items, anyOf, ...rest } = schema as Keywords & JsonSchema
  const written = (required ?? []).filter(field => properties?.[field]?.default === undefined)
  return {
    ...rest,
    ...(schema.enum !== undefined && rest.type === undefined ? { type: 'string' } : {}),
    ...(rest.description === undefined && mustBe !== undefined ? { description: sentence(mustBe) } : {}),
    ...(format === 'base64' ? { contentEncoding: 'base64' } : {}),
    ...(properties === undefined ? {} : { properties: mapValues(properties, plain) }),
    ...(written.length > 0 ? { required: written } : {}),
    ...(patternProperties === undefined ? {} : { additionalProperties: plain(Object.values(patternProperties)[0] ?? {}) }),
    ...(items === undefined ? {} : { items: plain(items) }),
    ...(anyOf === undefined ? {} : { [anyOf.every(isTagged) ? 'oneOf' : 'anyOf']: anyOf.map(plain) }),
  }
}

function isTagged(schema: Keywords): boolean {
  return schema.properties?.type?.const !== undefined
}

function mapValues<T, U>(object: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]))
}

/** `a duration like 5s` → `A duration like 5s.` */
function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
}
