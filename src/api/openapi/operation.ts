import type { JsonSchema } from '../../model/json-schema.ts'

/** A call of the API as it is described. What every call has in common (its token, its errors) is added by `document.ts`. */
export interface Operation {
  readonly method: 'get' | 'put' | 'post' | 'delete'
  /** As OpenAPI writes it: `/meshes/{mesh}/meshtimeouts`. */
  readonly path: string
  /** Unique; names the call in generated clients. */
  readonly id: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly parameters?: readonly Parameter[]
  readonly body?: JsonSchema
  /** The answer when all is well; `status` absent = 200. */
  readonly answer: Answer
  /** Others, all of them well. */
  readonly otherAnswers?: readonly Answer[]
  /** true = asked without a token. */
  readonly open?: boolean
}

export interface Answer {
  readonly status?: number
  readonly description: string
  readonly schema: JsonSchema
  /** Absent = application/json. */
  readonly contentType?: string
  readonly headers?: readonly ('ETag' | 'X-Skerry-Revision' | 'X-Skerry-Index')[]
}

export interface Parameter {
  readonly name: string
  readonly in: 'query' | 'header'
  readonly description: string
  readonly schema: JsonSchema
  readonly style?: 'deepObject'
}

export const ref = (schema: string): JsonSchema => ({ $ref: `#/components/schemas/${schema}` })

export const text: JsonSchema = { type: 'string' }
export const integer: JsonSchema = { type: 'integer' }
export const flag: JsonSchema = { type: 'boolean' }
export const anything: JsonSchema = { type: 'object', additionalProperties: true }
export const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items })
export const oneOfTexts = (...values: readonly string[]): JsonSchema => ({ type: 'string', enum: values })

/** An answer's object: what is not said here may be added later, so readers must bear it. */
export function open(properties: Readonly<Record<string, JsonSchema>>, required: readonly string[] = Object.keys(properties)): JsonSchema {
  return { type: 'object', properties, ...(required.length > 0 ? { required } : {}) }
}

export const query = (name: string, description: string, schema: JsonSchema = text): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
})
export const header = (name: string, description: string): Parameter => ({ name, in: 'header', description, schema: text })

export const pageOf = (items: JsonSchema): JsonSchema =>
  open({
    total: integer,
    items: listOf(items),
    next: { type: ['string', 'null'], description: 'URL of the next page; null = there is none.' },
  })

export const pageParameters: readonly Parameter[] = [
  query('size', 'Items of a page.', { type: 'integer', minimum: 1, maximum: 1000, default: 100 }),
  query('offset', 'As in `next` of the page before.', { type: 'integer', minimum: 0, default: 0 }),
  query('name', 'Only those whose name holds this.'),
  {
    name: 'filter',
    in: 'query',
    style: 'deepObject',
    description: 'Only those with these labels: `filter[labels.team]=pay`.',
    schema: { type: 'object', additionalProperties: { type: 'string' } },
  },
]

/** A read that waits for news. */
export const blockingParameters: readonly Parameter[] = [
  query('index', 'The `X-Skerry-Index` of the last answer: the call waits until there is something newer.', {
    type: 'integer',
    minimum: 0,
  }),
  query('wait', 'How long it waits at most, as 30s; no more than 10m.'),
]
