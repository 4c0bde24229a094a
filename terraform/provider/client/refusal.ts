import { type FieldPath, parseField } from '../../../src/cli/field-path.ts'
import { isObject } from '../../../src/model/is-object.ts'
import { type Problem, ProviderError } from '../../sdk/provider/problem.ts'
import type { Answer } from './control-plane.ts'

/** Finds the attribute for a field of the API; undefined = there is none to point at. */
export type AttributeFinder = (field: FieldPath) => readonly (string | number)[] | undefined

const toNothing: AttributeFinder = () => undefined

const meanings: Readonly<Record<number, readonly [summary: string, fix: string]>> = {
  401: ['The control plane did not accept the token', 'Set token (or SKERRY_TOKEN) to one that it made and that has not expired.'],
  403: ['The token may not do that', 'Use a token with more rights.'],
  404: ['Not found', 'Check that endpoint (or SKERRY_ENDPOINT) names a control plane of this version.'],
  429: ['The control plane has too much to do', 'Try again in a while, or with fewer at once (terraform apply -parallelism=2).'],
  503: ['The control plane is not ready', 'Try again in a few seconds, or set more retries.'],
}

/** What an answer that is not 2xx says, in the API's own words. */
export function problemsOfAnswer({ status, body }: Answer, find: AttributeFinder = toNothing): readonly Problem[] {
  const said = isObject(body) ? body : {}
  const [meaning, help] = meanings[status] ?? [`The control plane answered ${status}`, undefined]
  const summary = typeof said.title === 'string' ? said.title : meaning
  const fix = sentence(typeof said.fix === 'string' ? said.fix : help)
  const violations = Array.isArray(said.invalid_parameters) ? (said.invalid_parameters as { field: string; reason: string }[]) : []
  if (violations.length > 0) return violations.map(({ field, reason }) => violationProblem(summary, field, reason, find, fix))
  const detail = typeof said.detail === 'string' && said.detail !== 'Not found' ? sentence(said.detail) : ''
  return [{ summary, detail: [detail, fix].filter(Boolean).join(' ') }]
}

export function violationProblem(summary: string, field: string, reason: string, find: AttributeFinder, fix = ''): Problem {
  const path = find(parseField(field))
  const said = field === '' ? reason : `${field}: ${reason}`
  return { summary, detail: [said, fix].filter(Boolean).join('\n'), ...(path === undefined ? {} : { path }) }
}

/** Throws what the control plane said, unless it said yes. */
export function requireSuccess(answer: Answer, find?: AttributeFinder): Answer {
  if (answer.status >= 200 && answer.status < 300) return answer
  throw new ProviderError(problemsOfAnswer(answer, find))
}

/** The stable code of an error of the API: SKERRY_… */
export function codeOf({ body }: Answer): string | undefined {
  return isObject(body) && typeof body.code === 'string' ? body.code : undefined
}

function sentence(text = ''): string {
  if (text === '') return ''
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?`]$/.test(begun) ? begun : `${begun}.`
}
