import type { JsonSchema } from '../../model/json-schema.ts'
import type { KindDefinition } from '../../model/kind.ts'
import {
  anything,
  blockingParameters,
  flag,
  integer,
  listOf,
  type Operation,
  oneOfTexts,
  open,
  type Parameter,
  pageOf,
  pageParameters,
  query,
  ref,
  text,
} from './operation.ts'

const tag = 'Inspect'

const kri: JsonSchema = { type: 'string', description: 'Identity across zones: `kri_msvc_default_east__backend_80`.' }
const resourceMeta = open({ type: text, mesh: text, name: text, labels: anything }, ['type', 'name'])
const originIndex = listOf(open({ resourceMeta, ruleIndex: integer }, ['resourceMeta']))
const port = (fields: Readonly<Record<string, JsonSchema>>) =>
  listOf(open({ kri, port: integer, ...fields, proxyResourceName: text }, ['kri', 'port']))
const field = open({ path: text, value: anything, kri: { type: ['string', 'null'] }, ruleIndex: { type: ['integer', 'null'] } }, [
  'path',
  'kri',
])
const policies = open({
  policies: listOf(
    open({ kind: text, conf: anything, rules: listOf(anything), origins: listOf(open({ kri })), fields: listOf(field) }, [
      'kind',
      'origins',
    ]),
  ),
})
const withFields = query(
  'include',
  '`fields`: every setting as it is in force, with the policy and rule that set it (`kri: null`: our default), also of kinds of which no policy speaks.',
  oneOfTexts('fields'),
)

const ofDataplane = (path: string, id: string, summary: string, schema: JsonSchema, parameters: readonly Parameter[] = []): Operation => ({
  method: 'get',
  path: `/meshes/{mesh}/dataplanes/{name}/${path}`,
  id,
  tag,
  summary,
  parameters,
  answer: { description: 'What it comes to.', schema },
})

/** What policies come to, and for whom. */
export function inspectOperations(kinds: readonly KindDefinition[]): Operation[] {
  return [...proxyOperations, ...overviews(kinds), ...kinds.filter(kind => kind.policy).flatMap(reached), ...services(kinds), ...byIdentity]
}

const rules = open(
  {
    resource: resourceMeta,
    httpMatches: listOf(open({ hash: text, match: anything })),
    rules: listOf(
      open(
        {
          type: text,
          toResourceRules: listOf(
            open({ resourceMeta, resourceSectionName: text, conf: listOf(anything), origin: originIndex }, ['resourceMeta', 'conf']),
          ),
          inboundRules: listOf(
            open({
              inbound: open({ name: text, port: integer, tags: anything }, ['port']),
              rules: listOf(open({ match: anything, conf: listOf(anything), origin: originIndex }, ['conf'])),
            }),
          ),
          proxyRule: open({ conf: anything, origin: originIndex }),
          warnings: listOf(text),
        },
        ['type'],
      ),
    ),
  },
  ['rules'],
)

const layout = open(
  {
    kri,
    labels: anything,
    spiffeId: text,
    inbounds: port({ protocol: text }),
    outbounds: port({ protocol: text }),
    listeners: port({ type: oneOfTexts('ZoneIngress', 'ZoneEgress') }),
  },
  ['kri', 'labels'],
)

const routes = open({
  routes: listOf(
    open({
      kind: text,
      origins: listOf(open({ kri })),
      rules: listOf(open({ kri: text, matches: { type: ['array', 'null'] }, conf: anything }, ['conf'])),
      fields: listOf(field),
    }),
  ),
})

const proxyOperations: readonly Operation[] = [
  ofDataplane('_rules', 'getDataplaneRules', 'Show the rules that policies give a proxy', rules),
  ofDataplane('_layout', 'getDataplaneLayout', 'Show what a proxy listens to and what it reaches', layout),
  ofDataplane('_policies', 'getDataplanePolicies', 'Show the policies of a whole proxy', policies, [withFields]),
  ofDataplane('_inbounds/{inbound}/_policies', 'getInboundPolicies', 'Show the policies of an inbound', policies, [withFields]),
  ofDataplane('_outbounds/{outbound}/_policies', 'getOutboundPolicies', 'Show the policies of an outbound', policies, [withFields]),
  ofDataplane('_outbounds/{outbound}/_routes', 'getOutboundRoutes', 'Show the routes of an outbound', routes, [withFields]),
  ofDataplane('_outbounds/{outbound}/_routes/{route}/_policies', 'getOutboundRoutePolicies', 'Show the policies of a route', policies, [
    withFields,
  ]),
  ofDataplane(
    '_config',
    'getDataplaneConfig',
    "Show a proxy's whole configuration in Envoy's words",
    open({ xds: anything, diff: listOf(anything) }, ['xds']),
    [
      query('shadow', 'As it would be with shadow policies in force.', { ...flag, default: false }),
      query('include', '`diff`: what would change, as a JSON patch.', oneOfTexts('diff')),
    ],
  ),
  ofDataplane(
    '_inspect',
    'inspectDataplane',
    'Show what a proxy is, whether it is ready and why not, and what it was told by whose word',
    anything,
  ),
  ...['xds', 'stats', 'clusters'].map(page =>
    ofDataplane(
      page,
      `getDataplane${page.charAt(0).toUpperCase()}${page.slice(1)}`,
      `Say where to look for a proxy's ${page}: control planes do not dial proxies`,
      anything,
    ),
  ),
]

/** A resource and its insight in one. */
function overviews(kinds: readonly KindDefinition[]): Operation[] {
  const overview = (name: 'Dataplane' | 'Zone'): Operation[] => {
    const kind = kinds.find(it => it.kind === name)
    if (kind === undefined) return []
    const item = open(
      {
        type: text,
        mesh: text,
        name: text,
        [name === 'Zone' ? 'zone' : 'dataplane']: anything,
        [name === 'Zone' ? 'zoneInsight' : 'dataplaneInsight']: anything,
      },
      ['type', 'name'],
    )
    const lists = name === 'Zone' ? ['/zones'] : ['/meshes/{mesh}/dataplanes', '/dataplanes']
    const [own = ''] = lists
    const list = (path: string, id: string): Operation => ({
      method: 'get',
      path,
      id,
      tag,
      summary: `List ${kind.pluralDisplayName} with what is known of them`,
      parameters: pageParameters,
      answer: { description: 'A page of them.', schema: pageOf(item) },
    })
    const one = (path: string, id: string): Operation => ({
      method: 'get',
      path,
      id,
      tag,
      summary: `Show a ${kind.displayName} with what is known of it`,
      answer: { description: 'Both.', schema: item },
    })
    return [
      ...lists.flatMap((path, index) => [
        list(`${path}/_overview`, `list${name}Overview${index === 0 ? '' : 'OfAllMeshes'}`),
        list(`${path}+insights`, `list${name}Insights${index === 0 ? '' : 'OfAllMeshes'}`),
      ]),
      one(`${own}/{name}/_overview`, `get${name}Overview`),
      one(`${own}+insights/{name}`, `get${name}WithInsight`),
    ]
  }
  return [...overview('Dataplane'), ...overview('Zone')]
}

/** Whom a policy reaches. */
function reached(kind: KindDefinition): Operation[] {
  const path = `/meshes/{mesh}/${kind.path}/{name}`
  return [
    {
      method: 'get',
      path: `${path}/_resources/dataplanes`,
      id: `list${kind.kind}Dataplanes`,
      tag,
      summary: `List the Dataplanes that a ${kind.displayName} is for`,
      parameters: pageParameters,
      answer: { description: 'A page of them.', schema: pageOf(resourceMeta) },
    },
    {
      method: 'get',
      path: `${path}/dataplanes`,
      id: `list${kind.kind}Attachments`,
      tag,
      summary: `List the Dataplanes that a ${kind.displayName} is for, as older clients read them`,
      answer: { description: 'All of them.', schema: open({ total: integer, items: listOf(anything) }) },
    },
    {
      method: 'get',
      path: `${path}/_inspect`,
      id: `inspect${kind.kind}`,
      tag,
      summary: `Show, by zone, how many proxies a ${kind.displayName} reaches, and what of it cannot be applied to them`,
      answer: {
        description: 'A zone that could not be asked has an `error`.',
        schema: open(
          { kri: text, zones: listOf(open({ zone: text, error: text, reached: integer, problems: listOf(anything) }, ['zone'])) },
          ['kri', 'zones'],
        ),
      },
    },
  ]
}

function services(kinds: readonly KindDefinition[]): Operation[] {
  const health = oneOfTexts('healthy', 'draining', 'unhealthy')
  const endpoint = open(
    {
      kind: oneOfTexts('instance', 'zone'),
      name: text,
      zone: text,
      address: text,
      port: integer,
      service: open({ name: text, port: integer, protocol: text }),
      health,
      reason: text,
      weight: integer,
      labels: { type: 'object', additionalProperties: text },
      instances: open({ healthy: integer, total: integer }),
    },
    ['kind', 'name', 'zone', 'address', 'port', 'service', 'health', 'weight'],
  )
  const endpoints = open({ type: text, mesh: text, name: text, kri, total: integer, healthy: integer, endpoints: listOf(endpoint) })
  const withEndpoints = kinds.filter(kind => kind.kind === 'MeshService' || kind.kind === 'MeshMultiZoneService')
  return [
    {
      method: 'get',
      path: '/meshes/{mesh}/{services}/{name}/_hostnames',
      id: 'listHostnames',
      tag,
      summary: 'List the names under which a service is reached, and in which zones; `services` is the path of its kind',
      answer: {
        description: 'All of them.',
        schema: open({
          total: integer,
          items: { type: ['array', 'null'], items: open({ hostname: text, zones: listOf(open({ name: text })) }) },
        }),
      },
    },
    {
      method: 'get',
      path: '/meshes/{mesh}/meshservices/{name}/_dataplanes',
      id: 'listMeshServiceDataplanes',
      tag,
      summary: 'List the Dataplanes of a service',
      parameters: pageParameters,
      answer: { description: 'A page of them.', schema: pageOf(resourceMeta) },
    },
    ...withEndpoints.map(
      (kind): Operation => ({
        method: 'get',
        path: `/meshes/{mesh}/${kind.path}/{name}/_endpoints`,
        id: `list${kind.kind}Endpoints`,
        tag,
        summary: 'List where a service is answered, for callers without a proxy',
        parameters: [query('health', 'Only those.', health), query('port', 'Name or number of a port.'), ...blockingParameters],
        answer: {
          description: 'All of them; with `Accept: text/event-stream` a stream of every set.',
          schema: endpoints,
          headers: ['X-Skerry-Index'],
        },
      }),
    ),
  ]
}

const byIdentity: readonly Operation[] = [
  {
    method: 'get',
    path: '/_kri/{kri}',
    id: 'getByKri',
    tag,
    summary: 'Show the resource with an identity',
    answer: {
      description: 'A resource of the kind that the identity names.',
      schema: open({ type: text, name: text, mesh: text, kri: text }, ['type', 'name']),
    },
  },
  {
    method: 'get',
    path: '/service-insights',
    id: 'listServiceInsightOfAllMeshes',
    tag,
    summary: 'List the services of every mesh and whether they answer',
    parameters: pageParameters,
    answer: { description: 'A page of them.', schema: pageOf(anything) },
  },
  {
    method: 'get',
    path: '/meshes/{mesh}/service-insights',
    id: 'listServiceInsight',
    tag,
    summary: 'List the services of a mesh and whether they answer',
    parameters: pageParameters,
    answer: { description: 'A page of them.', schema: pageOf(anything) },
  },
  {
    method: 'get',
    path: '/meshes/{mesh}/service-insights/{name}',
    id: 'getServiceInsight',
    tag,
    summary: 'Show whether a service answers',
    answer: { description: 'Its line.', schema: anything },
  },
  {
    method: 'get',
    path: '/mesh-insights',
    id: 'listMeshInsight',
    tag,
    summary: 'List meshes in numbers',
    parameters: pageParameters,
    answer: { description: 'A page of them.', schema: ref('MeshInsightList') },
  },
  {
    method: 'get',
    path: '/mesh-insights/{name}',
    id: 'getMeshInsight',
    tag,
    summary: 'Show a mesh in numbers',
    answer: { description: 'Its numbers.', schema: ref('MeshInsight') },
  },
]
