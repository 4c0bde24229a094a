import { flag, integer, listOf, type Operation, oneOfTexts, open, type Parameter, query, text } from './operation.ts'

const tag = 'Discovery'

const onlyZone: Parameter = query('zone', 'At global: only this zone is asked.')
const texts = { type: 'object', additionalProperties: { type: 'string' } }
const unreachable = { ...listOf(open({ zone: text, error: text })), description: 'Zones that could not be asked.' }
const scope = open({
  scope: text,
  state: oneOfTexts('Connecting', 'Synced', 'Stale', 'Failing', 'Held', 'Suspended'),
  reason: text,
  lastSync: { type: ['string', 'null'] },
  lastError: { anyOf: [open({ what: text, message: text, at: text }), { type: 'null' }] },
  workloads: integer,
  endpoints: integer,
  leftOut: integer,
  held: listOf(open({ id: text, reason: text, since: text })),
  pages: integer,
  calls: integer,
  tookMs: integer,
  follows: flag,
})
const source = open({
  zone: text,
  mesh: text,
  name: text,
  type: text,
  enabled: flag,
  error: text,
  problems: listOf(text),
  scopes: listOf(scope),
})
const budget = open({
  zone: text,
  key: text,
  perSecond: { type: 'number' },
  taken: integer,
  throttled: integer,
  waiting: integer,
  restsForMs: { type: 'number' },
})
const thing = open(
  {
    zone: text,
    scope: text,
    id: text,
    facts: texts,
    outcome: oneOfTexts('dataplane', 'joined', 'awaited', 'shadowed', 'left-out', 'ended', 'name-taken'),
    reason: text,
    workload: text,
    state: text,
    address: text,
    ports: listOf(open({ name: text, port: integer, protocol: text })),
    labels: texts,
    dataplane: text,
  },
  ['zone', 'scope', 'id', 'facts', 'outcome', 'reason'],
)
const tried = open({
  zone: text,
  source: text,
  error: text,
  fix: text,
  scopes: listOf(
    open({
      scope: text,
      complete: flag,
      missing: listOf(text),
      error: text,
      pages: integer,
      calls: integer,
      tookMs: integer,
      things: listOf(thing),
    }),
  ),
})
const ofSource = '/discovery/sources/{mesh}/{name}'

/** Where workloads are found that do not register themselves. */
export const discoveryOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/discovery/sources',
    id: 'listDiscoverySources',
    tag,
    summary: 'List sources with the state of each scope',
    parameters: [onlyZone, query('mesh', 'Only those of this mesh.')],
    answer: {
      description: 'Sources, and how much of what platforms allow they use.',
      schema: open({ items: listOf(source), budgets: listOf(budget), unreachable }),
    },
  },
  {
    method: 'post',
    path: `${ofSource}/test`,
    id: 'testDiscoverySource',
    tag,
    summary: 'List a source once, and change nothing',
    parameters: [onlyZone],
    body: open({}, []),
    answer: { description: 'What would come of it.', schema: open({ items: listOf(tried), unreachable }) },
  },
  {
    method: 'get',
    path: `${ofSource}/explain`,
    id: 'explainDiscovery',
    tag,
    summary: 'Say what a thing of a platform became, and why',
    parameters: [onlyZone, query('id', 'A part of its id, its name or another fact about it.')],
    answer: { description: 'Things that it fits, at most 100 of each zone.', schema: open({ items: listOf(thing), unreachable }) },
  },
  {
    method: 'post',
    path: `${ofSource}/release`,
    id: 'releaseDiscovery',
    tag,
    summary: 'Let removals go that are held back',
    parameters: [onlyZone],
    body: open({ scope: { type: 'string', description: 'Only in this one; absent = in all scopes of the source.' } }, []),
    answer: {
      description: 'How many workloads were removed at once.',
      schema: open({ items: listOf(open({ zone: text, source: text, removed: integer })), unreachable }),
    },
  },
]
