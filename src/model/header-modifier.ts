import Type, { type Static } from 'typebox'
import type { Violation } from './kind.ts'
import { atLeastOne, violation } from './rules.ts'
import { closed, headerName, headerText } from './schema.ts'

/** What Kuma lets one modifier hold of each sort. */
const MOST = 16

const headerValue = closed({ name: headerName, value: headerText })
const headerValues = (description: string) => Type.Optional(Type.Array(headerValue, { maxItems: MOST, description }))

/** Headers to set (instead of those of that name) and to add (beside them). */
export const headersToAdd = closed({
  set: headerValues('Replaces headers of that name.'),
  add: headerValues('Adds to headers of that name.'),
})

/** As `headersToAdd`, and headers to leave out. */
export const headerModifier = closed({
  set: headerValues('Replaces headers of that name.'),
  add: headerValues('Adds to headers of that name.'),
  remove: Type.Optional(Type.Array(headerName, { maxItems: MOST, description: 'Leaves headers of that name out.' })),
})
export type HeadersToAdd = Static<typeof headersToAdd>
export type HeaderModifier = Static<typeof headerModifier>

/** It must change something, and no header twice. */
export function checkHeaderModifier(modifier: HeaderModifier, at: string): Violation[] {
  const { set = [], add = [], remove = [] } = modifier
  const names = [
    ...set.map(({ name }, index) => ({ name, field: `${at}.set[${index}].name` })),
    ...add.map(({ name }, index) => ({ name, field: `${at}.add[${index}].name` })),
    ...remove.map((name, index) => ({ name, field: `${at}.remove[${index}].name` })),
  ]
  return [
    ...atLeastOne(at, modifier, 'set', 'add', 'remove'),
    ...names.flatMap(({ name, field }, index) =>
      names.findIndex(other => other.name === name) < index ? violation(field, 'duplicate header name') : [],
    ),
  ]
}
