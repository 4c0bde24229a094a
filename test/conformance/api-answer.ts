import type { ApiRequest } from './api-case.ts'
import { jsonDifference } from './difference.ts'

export interface Answer {
  readonly status: number
  readonly text: string
}

/** The difference between an answer and the golden one. `address` is the server's host and port. */
export function answerDifference(request: ApiRequest, answer: Answer, address: string): string {
  const about = `${request.method} ${request.path}`
  if (answer.status !== request.status) return `${about}: status ${answer.status}, expected ${request.status}: ${answer.text.slice(0, 500)}`
  if (answer.text === '') return request.golden === undefined ? '' : `${about}: nothing is answered`
  const difference = jsonDifference(withoutOwnKinds(normalised(answer.text, address), request.golden), request.golden)
  return difference === '' ? '' : `${about}\n${difference}`
}

const TIME = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d[^"]+/g

/** As Kuma's own runner: times are the zero time, the server's address a word. From error bodies goes what ours have beside Kuma's. */
function normalised(text: string, address: string): unknown {
  const body = JSON.parse(text.replaceAll(address, '{{address}}').replaceAll(TIME, '0001-01-01T00:00:00Z')) as Record<string, unknown>
  if (body?.type !== '/std-errors') return body
  const { code, fix, instance, ...kumas } = body
  return kumas
}

/** We have kinds that Kuma has not: from a list of kinds they go, before the rest must be equal. */
function withoutOwnKinds(body: unknown, golden: unknown): unknown {
  const [listed, known] = [kindsIn(body), kindsIn(golden)]
  if (listed === undefined || known === undefined) return body
  const names = new Set(known.map(({ name }) => name))
  return { ...(body as object), resources: listed.filter(({ name }) => names.has(name)) }
}

function kindsIn(body: unknown): readonly { readonly name: string }[] | undefined {
  const { resources } = body as { readonly resources?: unknown }
  if (!Array.isArray(resources) || !resources.every(kind => typeof kind?.pluralDisplayName === 'string')) return undefined
  return resources as { name: string }[]
}
