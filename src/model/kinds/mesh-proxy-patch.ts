import Type, { type Static } from 'typebox'
import { parse } from 'yaml'
import { checkTargets } from '../check-targets.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { definePolicy } from '../policy-kind.ts'
import { each, unwanted, violation } from '../rules.ts'
import { closed, labelMap, oneOf } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'

const jsonPatch = closed({
  op: oneOf('add', 'remove', 'replace', 'move', 'copy'),
  path: Type.String(),
  from: Type.Optional(Type.String()),
  value: Type.Optional(Type.Unknown()),
})

const text = Type.Optional(Type.String())

/** https://datatracker.ietf.org/doc/html/rfc6902 for `jsonPatches`. */
const change = {
  value: Type.Optional(Type.String({ description: "Envoy's own configuration, as YAML." })),
  jsonPatches: Type.Optional(Type.Array(jsonPatch, { description: 'With Patch: single changes, instead of a value to merge.' })),
}
const ofResource = oneOf('Add', 'Remove', 'Patch')
const ofFilter = oneOf('Remove', 'Patch', 'AddFirst', 'AddBefore', 'AddAfter', 'AddLast')
const filterMatch = Type.Optional(closed({ name: text, origin: text, listenerName: text, listenerTags: Type.Optional(labelMap) }))

const modification = closed(
  {
    cluster: Type.Optional(closed({ operation: ofResource, match: Type.Optional(closed({ name: text, origin: text })), ...change })),
    listener: Type.Optional(
      closed({
        operation: ofResource,
        match: Type.Optional(closed({ name: text, origin: text, tags: Type.Optional(labelMap) })),
        ...change,
      }),
    ),
    networkFilter: Type.Optional(closed({ operation: ofFilter, match: filterMatch, ...change })),
    httpFilter: Type.Optional(closed({ operation: ofFilter, match: filterMatch, ...change })),
    virtualHost: Type.Optional(
      closed({ operation: ofResource, match: closed({ name: text, origin: text, routeConfigurationName: text }), ...change }),
    ),
  },
  { description: 'One of these.' },
)

const spec = closed({
  targetRef: Type.Optional(topTargetRef),
  default: closed({
    appendModifications: Type.Optional(
      Type.Array(modification, { description: 'In this order; lists of several policies are put together.' }),
    ),
  }),
})

/** The last word on what an Envoy is told. */
export const meshProxyPatchKind = definePolicy({
  kind: 'MeshProxyPatch',
  short: 'mpp',
  path: 'meshproxypatches',
  description: 'Changes to the configuration that is made for an Envoy, after everything else.',
  example: {
    name: 'small-buffers',
    spec: { default: { appendModifications: [{ cluster: { operation: 'Patch', value: 'per_connection_buffer_limit_bytes: 32768' } }] } },
  },
  spec,
  check,
  order: 9999,
})
export type MeshProxyPatch = ResourceOf<typeof meshProxyPatchKind>
export type MeshProxyPatchSpec = Static<typeof spec>
export type ProxyModification = Static<typeof modification>

interface Modification {
  readonly operation: string
  readonly match?: { readonly name?: string }
  readonly value?: string
  readonly jsonPatches?: readonly Static<typeof jsonPatch>[]
}

const sorts = ['cluster', 'listener', 'virtualHost', 'networkFilter', 'httpFilter'] as const

function check(spec: MeshProxyPatchSpec): Violation[] {
  const { appendModifications = [] } = spec.default
  return [
    ...checkTargets(spec),
    ...(appendModifications.length === 0 ? violation('default.appendModifications', 'must not be empty') : []),
    ...each(appendModifications, 'default.appendModifications', (modification, at) => {
      const defined = sorts.filter(sort => modification[sort] !== undefined)
      const [sort] = defined
      if (sort === undefined || defined.length > 1)
        return violation(at, `exactly one modification can be defined at a time. Currently, ${defined.length} modifications are defined`)
      return checkModification(modification[sort] as Modification, `${at}.${sort}`, sort)
    }),
  ]
}

function checkModification(
  { operation, match, value, jsonPatches = [] }: Modification,
  at: string,
  sort: (typeof sorts)[number],
): Violation[] {
  const isFilter = sort === 'networkFilter' || sort === 'httpFilter'
  switch (operation) {
    case 'Add':
      return [...matchOfNew(match, at, sort), ...checkValue(value, at)]
    case 'AddFirst':
    case 'AddLast':
      return checkValue(value, at)
    case 'AddBefore':
    case 'AddAfter':
      return [...anchor(match, at, operation === 'AddBefore' ? 'before' : 'after'), ...checkValue(value, at)]
    case 'Remove':
      return value === undefined ? [] : unwanted(`${at}.value`, 'must not be defined')
    case 'Patch':
      return [
        ...(isFilter && match?.name === undefined ? violation(`${at}.match.name`, 'must be defined') : []),
        ...checkPatch(value, jsonPatches, at),
      ]
    default:
      return []
  }
}

/** What is new cannot be looked for; a virtual host must still say into which routes it goes. */
function matchOfNew(match: Modification['match'], at: string, sort: string): Violation[] {
  if (sort === 'virtualHost') return match?.name === undefined ? [] : unwanted(`${at}.match.name`, 'must not be defined')
  return match === undefined ? [] : unwanted(`${at}.match`, 'must not be defined')
}

function anchor(match: Modification['match'], at: string, where: string): Violation[] {
  if (match?.name !== undefined) return []
  return violation(`${at}.match.name`, `must be defined. You need to pick a filter ${where} which this one will be added`)
}

function checkValue(value: string | undefined, at: string): Violation[] {
  return value === undefined ? violation(`${at}.value`, 'must be defined') : nativeResource(value, `${at}.value`)
}

function checkPatch(value: string | undefined, patches: NonNullable<Modification['jsonPatches']>, at: string): Violation[] {
  const [sort = ''] = at.split('.').slice(-1)
  if (value !== undefined)
    return patches.length > 0
      ? violation(at, `${sort} must have only one type defined: value, jsonPatches`)
      : nativeResource(value, `${at}.value`)
  if (patches.length === 0) return violation(at, `${sort} must have exactly one defined: value, jsonPatches`)
  return each(patches, `${at}.jsonPatches`, ({ op, path, from, value: to }, field) => [
    ...(path.startsWith('/') ? [] : violation(`${field}.path`, 'must be a JSON pointer; begin it with /')),
    ...((op === 'move' || op === 'copy') && from === undefined ? violation(`${field}.from`, 'must be defined') : []),
    ...((op === 'add' || op === 'replace') && to === undefined ? violation(`${field}.value`, 'must be defined') : []),
  ])
}

/** Only that it is an object in YAML: what Envoy makes of it is Envoy's to say. */
function nativeResource(text: string, field: string): Violation[] {
  try {
    const value: unknown = parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return []
    return violation(field, 'native Envoy resource is not valid: must be an object')
  } catch (error) {
    return violation(field, `native Envoy resource is not valid: ${(error as Error).message.split('\n')[0]}`)
  }
}
