import { type JsonSchema, toJsonSchema } from '../../model/json-schema.ts'
import { dataplaneRequest, userRequest, zoneRequest } from '../token-requests.ts'
import { anything, flag, integer, listOf, type Operation, oneOfTexts, open, pageOf, pageParameters, query, text } from './operation.ts'

const strict = (properties: Readonly<Record<string, JsonSchema>>, required: readonly string[]): JsonSchema => ({
  ...open(properties, required),
  additionalProperties: false,
})
const jwt = { description: 'The bare token (a JWT). It is not kept and cannot be shown again.', schema: text, contentType: 'text/plain' }
const tokenType = oneOfTexts('dataplane', 'zone', 'user')

/** Everything that is about no resource in particular. */
export const controlPlaneOperations: readonly Operation[] = [
  ...about(),
  ...tokens(),
  ...bulkAndWatch(),
  ...audit(),
  ...dashboard(),
  ...description(),
  ...terraform(),
]

function about(): Operation[] {
  const tag = 'Control plane'
  const status = open({ status: text, reason: text }, ['status'])
  const index = open(
    {
      product: text,
      version: text,
      hostname: text,
      instanceId: text,
      clusterId: text,
      mode: oneOfTexts('zone', 'global'),
      zone: text,
      federated: flag,
    },
    ['product', 'version', 'instanceId', 'clusterId', 'mode'],
  )
  const policy = open({ isTargetRef: flag, hasToTargetRef: flag, hasRulesTargetRef: flag, hasFromTargetRef: flag, isFromAsRules: flag })
  const resource = open(
    {
      name: text,
      path: text,
      shortName: text,
      scope: oneOfTexts('Mesh', 'Global'),
      readOnly: flag,
      includeInFederation: flag,
      singularDisplayName: text,
      pluralDisplayName: text,
      policy,
    },
    ['name', 'path', 'scope', 'readOnly'],
  )
  const get = (path: string, id: string, summary: string, schema: JsonSchema, isOpen = false): Operation => ({
    method: 'get',
    path,
    id,
    tag,
    summary,
    ...(isOpen ? { open: true } : {}),
    answer: { description: 'The answer.', schema },
  })
  return [
    get('/', 'getIndex', 'Show what this is', index, true),
    get('/healthz', 'getHealth', 'Say that the process answers', status, true),
    {
      ...get('/readyz', 'getReadiness', 'Say whether it can serve', status, true),
      otherAnswers: [{ status: 503, description: 'It cannot; `reason` says why.', schema: status }],
    },
    get('/_resources', 'listKinds', 'List the kinds that there are', open({ resources: listOf(resource) })),
    get('/policies', 'listPolicyKinds', 'List the kinds that are policies', open({ policies: listOf(anything) })),
    get('/config', 'getConfig', "Show the control plane's settings, without secrets", anything),
    get('/who-am-i', 'getPrincipal', 'Show whose token this is', open({ name: text, groups: listOf(text) }, [])),
    get('/global-insight', 'getGlobalInsight', 'Show everything in numbers', anything),
    get('/global-insights', 'getGlobalInsights', 'Show how many resources of global scope there are', anything),
  ]
}

function tokens(): Operation[] {
  const tag = 'Tokens'
  const make = (path: string, id: string, summary: string, body: JsonSchema): Operation => ({
    method: 'post',
    path,
    id,
    tag,
    summary,
    body,
    answer: jwt,
  })
  const revocation = open({ type: tokenType, mesh: text, id: text, issuedBefore: text }, ['type'])
  return [
    make('/tokens/dataplane', 'makeDataplaneToken', 'Make a token with which a proxy may join', toJsonSchema(dataplaneRequest)),
    make('/tokens/zone', 'makeZoneToken', 'Make a token with which a zone may connect', toJsonSchema(zoneRequest)),
    make('/tokens/user', 'makeUserToken', 'Make a token for a person or a program', {
      ...toJsonSchema(userRequest),
      required: ['name', 'validFor'],
    }),
    {
      method: 'get',
      path: '/tokens',
      id: 'listTokens',
      tag,
      summary: 'List the tokens that were made here',
      answer: { description: 'All of them, as far as the audit log goes back.', schema: pageOf(anything) },
    },
    {
      method: 'get',
      path: '/tokens/in-use',
      id: 'listTokensInUse',
      tag,
      summary: 'List the tokens that were shown here of late',
      answer: { description: 'All of them.', schema: pageOf(anything) },
    },
    {
      method: 'get',
      path: '/tokens/revocations',
      id: 'listRevocations',
      tag,
      summary: 'List what is revoked',
      answer: {
        description: 'All of it.',
        schema: pageOf(open({ type: tokenType, mesh: text, ids: listOf(text), issuedBefore: text }, ['type', 'ids'])),
      },
    },
    {
      method: 'post',
      path: '/tokens/revocations',
      id: 'revokeToken',
      tag,
      summary: 'Revoke a token, or all that were made before a time',
      body: strict({ token: text, id: text, type: tokenType, mesh: text, issuedBefore: { type: 'string', format: 'date-time' } }, []),
      answer: { description: 'What is revoked now.', schema: revocation },
    },
    {
      method: 'get',
      path: '/tokens/keys',
      id: 'listSigningKeys',
      tag,
      summary: 'List the keys that sign tokens',
      answer: { description: 'All of them.', schema: pageOf(open({ kid: text, type: tokenType, signs: flag })) },
    },
    {
      method: 'post',
      path: '/tokens/keys/{type}',
      id: 'rotateSigningKey',
      tag,
      summary: 'Sign with a new key from now on',
      answer: { description: 'The new key.', schema: open({ type: tokenType, kid: text }) },
    },
    {
      method: 'delete',
      path: '/tokens/keys/{type}/{kid}',
      id: 'retireSigningKey',
      tag,
      summary: 'Accept nothing any more that a key has signed',
      answer: { description: 'It is gone.', schema: anything },
    },
  ]
}

function bulkAndWatch(): Operation[] {
  const put = strict({ resource: open({ type: text, mesh: text, name: text }, ['type', 'name']), ifMatch: text, ifNoneMatch: text }, [
    'resource',
  ])
  const remove = strict({ delete: open({ type: text, mesh: text, name: text }, ['type', 'name']), ifMatch: text, ignoreNotFound: flag }, [
    'delete',
  ])
  const done = open(
    {
      type: text,
      mesh: text,
      name: text,
      result: oneOfTexts('created', 'updated', 'unchanged', 'deleted', 'absent'),
      warnings: listOf(text),
    },
    ['type', 'name', 'result'],
  )
  return [
    {
      method: 'post',
      path: '/bulk',
      id: 'writeBulk',
      tag: 'Bulk',
      summary: 'Write many resources in one transaction: all of them, or none',
      parameters: [query('dryRun', 'Check everything and write nothing.', { ...flag, default: false })],
      body: strict({ items: listOf({ oneOf: [put, remove] }) }, ['items']),
      answer: {
        description: 'What became of each, in the order of the request.',
        schema: open({ revision: integer, dryRun: flag, items: listOf(done) }, ['revision', 'items']),
        headers: ['X-Skerry-Revision'],
      },
    },
    {
      method: 'get',
      path: '/watch',
      id: 'watch',
      tag: 'Watch',
      summary: 'Follow changes as server-sent events',
      description: 'Events: list, ready, change, bookmark, resync. Each has the revision as its id, so that EventSource resumes by itself.',
      parameters: [
        query('kind', 'A kind; may be given several times.'),
        query('mesh', 'Only of this mesh.'),
        query('name', 'Only the one of this name.'),
        ...pageParameters.filter(({ name }) => name === 'filter'),
        query('from', 'The revision after which changes are told; absent = from now on.'),
        query('initial', 'Everything that is there first.', { ...flag, default: false }),
      ],
      answer: { description: 'Until the caller hangs up.', schema: text, contentType: 'text/event-stream' },
    },
  ]
}

function audit(): Operation[] {
  const words = ['who', 'verb', 'area', 'kind', 'mesh', 'name', 'decision']
  const numbers = { from: 'The sequence from which on.', before: 'The sequence before which.', limit: 'Entries of a page, at most 1000.' }
  return [
    {
      method: 'get',
      path: '/audit',
      id: 'listAuditEntries',
      tag: 'Audit',
      summary: 'Read the log of what people did',
      parameters: [
        ...words.map(word => query(word, `Only entries with this ${word}.`)),
        ...Object.entries(numbers).map(([name, meaning]) => query(name, meaning, integer)),
        query('since', 'Only what happened after this time.', { type: 'string', format: 'date-time' }),
      ],
      answer: {
        description: 'A page, the newest first.',
        schema: open({ items: listOf(anything), next: { type: ['string', 'null'] }, head: anything, broken: anything }, ['items', 'next']),
      },
    },
    {
      method: 'get',
      path: '/audit/verification',
      id: 'verifyAudit',
      tag: 'Audit',
      summary: 'Check that the log is whole',
      answer: { description: 'Whether it is, and where not.', schema: anything },
    },
  ]
}

function dashboard(): Operation[] {
  return [
    {
      method: 'get',
      path: '/dashboard',
      id: 'getDashboard',
      tag: 'Dashboard',
      summary: 'The dashboard for browsers; what its screens are made of is described at /dashboard/v1/openapi.json',
      open: true,
      answer: { description: 'A page.', schema: text, contentType: 'text/html' },
    },
  ]
}

function description(): Operation[] {
  const tag = 'Description'
  return [
    {
      method: 'get',
      path: '/openapi.json',
      id: 'getOpenApi',
      tag,
      summary: 'This document',
      answer: { description: 'OpenAPI 3.1.', schema: anything },
    },
    {
      method: 'get',
      path: '/openapi.yaml',
      id: 'getOpenApiYaml',
      tag,
      summary: 'This document as YAML',
      answer: { description: 'OpenAPI 3.1.', schema: text, contentType: 'application/yaml' },
    },
    {
      method: 'get',
      path: '/schemas/{kind}.json',
      id: 'getKindSchema',
      tag,
      summary: 'The JSON Schema of a kind, e.g. /schemas/MeshTimeout.json',
      answer: { description: 'JSON Schema, draft 2020-12.', schema: anything, contentType: 'application/schema+json' },
    },
  ]
}

function terraform(): Operation[] {
  return [
    {
      method: 'get',
      path: '/terraform/providers/{host}/{namespace}/{type}/{file}',
      id: 'getTerraformProvider',
      tag: 'Terraform',
      summary: "Fetch the Terraform provider, as Terraform's network mirror protocol has it",
      open: true,
      answer: { description: 'An index, the archives of a version, or an archive.', schema: anything },
    },
  ]
}
