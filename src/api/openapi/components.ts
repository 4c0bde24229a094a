import { type JsonSchema, jsonSchemaOf } from '../../model/json-schema.ts'
import type { KindDefinition } from '../../model/kind.ts'
import { listOf, oneOfTexts, open, pageOf, ref, text } from './operation.ts'

const violation = open({ field: { ...text, description: 'A path: `spec.to[0].targetRef.kind`, `labels["a/b"]`.' }, reason: text })

const problem: JsonSchema = {
  ...open(
    {
      type: { const: '/std-errors' },
      status: { type: 'integer' },
      title: text,
      detail: text,
      code: { ...text, description: 'Stable: `SKERRY_NOT_FOUND`.' },
      fix: { ...text, description: 'What to do.' },
      invalid_parameters: listOf(violation),
      instance: { ...text, description: "The request's id, which the server's log has too." },
      details: { ...text, description: 'As `detail`, for older clients.' },
      causes: listOf(open({ field: text, message: text })),
    },
    ['type', 'status', 'title', 'detail', 'code', 'instance'],
  ),
  description: 'What went wrong, and the way out.',
}

const written = open(
  { warnings: listOf(text), dryRun: { type: 'boolean' }, result: oneOfTexts('created', 'updated', 'unchanged', 'deleted') },
  [],
)

/** Schemas that calls refer to by name. */
export function schemas(kinds: readonly KindDefinition[]): Record<string, JsonSchema> {
  return {
    Problem: problem,
    Written: written,
    ...Object.fromEntries(
      kinds.flatMap(kind => [
        [kind.kind, jsonSchemaOf(kind)],
        [`${kind.kind}List`, pageOf(ref(kind.kind))],
      ]),
    ),
  }
}

const problemContent = { 'application/json': { schema: ref('Problem') } }
const refusal = (description: string) => ({ description, content: problemContent })

/** Answers that calls refer to by name: all of them a Problem. */
export const responses = {
  BadRequest: refusal('Something in the request is wrong; `invalid_parameters` says what, all of it.'),
  Unauthorized: refusal('There is no token, or it is not accepted.'),
  Forbidden: refusal('Whose token this is may not do it.'),
  NotFound: refusal('There is no such thing.'),
  NotHere: refusal('It is done elsewhere: at global, in a zone, or by the control plane itself.'),
  Conflict: refusal('Somebody else has changed it meanwhile, or the condition does not hold.'),
  Failure: refusal('The control plane cannot do it now.'),
} as const

export type ResponseName = keyof typeof responses

export const headers = {
  ETag: { description: 'The revision of the resource, for If-Match and If-None-Match.', schema: { type: 'string' } },
  'X-Skerry-Revision': { description: 'The revision that the answer is of.', schema: { type: 'integer' } },
  'X-Skerry-Index': { description: 'For `index` of a call that waits for what comes after this answer.', schema: { type: 'integer' } },
} as const
