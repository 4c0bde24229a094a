import Type, { type Static } from 'typebox'
import { durationMs, durationSchema } from '../duration.ts'
import { defineKind, type ResourceOf, type Violation } from '../kind.ts'
import { closed, described, labelMap, nonEmpty, oneOf, portNumber, protocol, secretReference } from '../schema.ts'

/** Which block says where a source of that type looks. */
const blockOf = {
  Kubernetes: 'kubernetes',
  EKS: 'aws',
  ECS: 'aws',
  Lambda: 'aws',
  EC2: 'aws',
  CloudMap: 'aws',
  AKS: 'azure',
  AzureVM: 'azure',
  GKE: 'gcp',
  GCE: 'gcp',
  Consul: 'consul',
  Eureka: 'eureka',
  DNS: 'dns',
  HTTP: 'http',
  File: 'file',
} as const
export type DiscoverySourceType = keyof typeof blockOf

const types = Object.keys(blockOf) as DiscoverySourceType[]
const blocks = [...new Set(Object.values(blockOf))]

/** Of a private endpoint, whose certificate no public CA signed. */
const endpointCa = Type.Optional(described(secretReference, 'PEM of the CA of `endpoint`, where it is not a public one.'))

const names = (description: string) => Type.Optional(Type.Array(nonEmpty, { description }))

const aws = closed({
  regions: Type.Array(nonEmpty, { minItems: 1, description: 'As `eu-central-1`.' }),
  accounts: Type.Optional(
    Type.Array(
      closed({
        id: Type.String({ pattern: '^[0-9]{12}$', mustBe: 'an account of 12 digits' }),
        roleArn: Type.Optional(Type.String({ pattern: '^arn:[^:]+:iam::[0-9]{12}:role/', mustBe: 'the ARN of a role' })),
        externalId: Type.Optional(secretReference),
      }),
      { description: "Accounts, and the role that is assumed in each; absent = the account of the control plane's own credentials." },
    ),
  ),
  clusters: names('EKS, ECS: names of clusters; absent = all.'),
  namespaces: names('CloudMap: names of namespaces; absent = all.'),
  endpoint: Type.Optional(Type.String({ description: 'Instead of the usual address of the service: for private endpoints.' })),
  caCert: endpointCa,
  events: Type.Optional(
    closed(
      { queueUrl: Type.String({ pattern: '^https?://', mustBe: 'the URL of a queue' }) },
      { description: 'ECS: the SQS queue to which an EventBridge rule sends the state changes of tasks; without it only listings tell.' },
    ),
  ),
})
const azure = closed({
  subscriptions: Type.Array(nonEmpty, { minItems: 1 }),
  tenant: Type.Optional(nonEmpty),
  clientId: Type.Optional(Type.String({ description: 'The managed or workload identity that is meant, of several.' })),
  resourceGroups: names('Absent = all.'),
  clusters: names('AKS: names of clusters; absent = all.'),
  endpoint: Type.Optional(Type.String({ description: 'Instead of the usual address of the resource manager.' })),
  caCert: endpointCa,
})
const gcp = closed({
  projects: Type.Array(nonEmpty, { minItems: 1 }),
  locations: names('Regions or zones; absent = all.'),
  clusters: names('GKE: names of clusters; absent = all.'),
  endpoint: Type.Optional(Type.String({ description: 'Instead of the usual address of the service.' })),
  caCert: endpointCa,
})
const kubernetes = closed({
  server: Type.Optional(
    Type.String({
      description: 'Address of the API server; absent = of the kubeconfig, or of the cluster that the control plane runs in.',
    }),
  ),
  context: Type.Optional(Type.String({ description: 'The context of the kubeconfig; absent = its current one.' })),
  caCert: Type.Optional(secretReference),
  namespaces: names('Absent = all.'),
})
const consul = closed({
  address: Type.String({ minLength: 1, description: 'Of an agent or server: `127.0.0.1:8500`, or a URL.' }),
  datacenters: names('Absent = that of the agent.'),
  namespace: Type.Optional(nonEmpty),
  caCert: Type.Optional(secretReference),
})
const eureka = closed({ url: Type.String({ pattern: '^https?://', mustBe: 'a URL' }) })
const dns = closed({
  names: Type.Array(
    closed({
      name: nonEmpty,
      type: oneOf('A', 'AAAA', 'SRV'),
      port: Type.Optional(described(portNumber, 'Of A and AAAA: SRV records bring their own.')),
      service: Type.Optional(described(nonEmpty, 'The name in the mesh; absent = the first label of the name.')),
    }),
    { minItems: 1 },
  ),
  resolvers: names("Addresses of DNS servers; absent = the system's."),
})
const http = closed({
  url: Type.String({
    pattern: '^https?://',
    mustBe: 'a URL',
    description: "Answers lists of targets in the format of Prometheus' HTTP service discovery.",
  }),
})

const file = closed({
  path: Type.String({
    minLength: 1,
    description:
      "On the control plane's machine, YAML or JSON: a list of endpoints with `name`, `address` and `port`. Read again when it changes.",
  }),
})

const credentials = Type.Union(
  [closed({ type: Type.Literal('Ambient') }), closed({ type: Type.Literal('Reference'), reference: secretReference })],
  {
    description:
      'Ambient: what the machine or the pod of the control plane has (a role, a managed identity, a service account). Reference: a key, a token or a kubeconfig that is kept elsewhere; never in here.',
  },
)

const selection = closed(
  {
    matchLabels: Type.Optional(described(labelMap, 'Labels or tags that it must have.')),
    names: names('Names, `*` for any characters.'),
    namespaces: names('Namespaces, `*` for any characters.'),
  },
  { description: 'What fits all that is said here.' },
)

const labelNames = (what: string) => names(`Labels or tags that may say ${what}; the first one that is there counts.`)

const mapping = closed(
  {
    workload: labelNames('the workload'),
    version: labelNames('the version'),
    protocol: labelNames('the protocol of the port'),
    port: labelNames('the port'),
    labels: Type.Optional(
      Type.Array(closed({ from: nonEmpty, to: nonEmpty }), { description: 'Labels or tags that are taken over, and as what.' }),
    ),
    copyLabels: names('Labels or tags that are taken over as they are, `*` for any characters.'),
  },
  { description: 'What becomes of labels and tags.' },
)

const defaults = closed(
  {
    labels: Type.Optional(labelMap),
    protocol: Type.Optional(protocol),
    port: Type.Optional(portNumber),
    weight: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65535,
        description: '0 = it gets no requests; any other number counts as 1, as all instances of a service get the same share.',
      }),
    ),
  },
  { description: 'What holds where the source says nothing.' },
)

const limits = closed(
  {
    interval: Type.Optional(described(durationSchema, 'From one full listing to the next; absent = as fits the source.')),
    requestsPerSecond: Type.Optional(Type.Number({ minimum: 0.01, description: "Share of the cloud's own limit that may be used." })),
    holdFor: Type.Optional(
      described(
        durationSchema,
        'How long a removal that looks like a mistake of the platform is held when nothing confirms it and nobody releases it; absent = 15m.',
      ),
    ),
    maxShrinkPercent: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        description: 'What vanishes within a minute is held when it is this share of a scope, and 5 or more; absent = 20.',
      }),
    ),
  },
  { description: 'How often it is asked, and how fast it is believed.' },
)

const spec = closed({
  type: Type.Enum(types),
  enabled: Type.Optional(Type.Boolean({ default: true, description: 'false: what was found is kept, and nothing is asked.' })),
  zones: names('Written at global: the zones that ask this source. Absent = the zone in which it is written; at global, every zone.'),
  kubernetes: Type.Optional(kubernetes),
  aws: Type.Optional(aws),
  azure: Type.Optional(azure),
  gcp: Type.Optional(gcp),
  consul: Type.Optional(consul),
  eureka: Type.Optional(eureka),
  dns: Type.Optional(dns),
  http: Type.Optional(http),
  file: Type.Optional(file),
  credentials: Type.Optional(credentials),
  include: Type.Optional(Type.Array(selection, { description: 'Only what fits one of these; absent = everything that is in scope.' })),
  exclude: Type.Optional(Type.Array(selection, { description: 'Not what fits one of these.' })),
  mapping: Type.Optional(mapping),
  defaults: Type.Optional(defaults),
  limits: Type.Optional(limits),
})

const status = closed({
  scopes: Type.Optional(
    Type.Array(
      closed({
        /** Account and region, cluster, subscription, …: what is listed as one. */
        scope: Type.String(),
        /** The zone that asks. */
        zone: Type.Optional(Type.String()),
        state: oneOf('Connecting', 'Synced', 'Stale', 'Failing', 'Held', 'Suspended'),
        lastSync: Type.Optional(Type.String()),
        workloads: Type.Optional(Type.Integer({ minimum: 0 })),
        endpoints: Type.Optional(Type.Integer({ minimum: 0 })),
        /** What was found and not taken. */
        leftOut: Type.Optional(Type.Integer({ minimum: 0 })),
        /** Removals that wait. */
        held: Type.Optional(Type.Integer({ minimum: 0 })),
        /** What the platform says this scope is: under another one nothing is removed. */
        identity: Type.Optional(Type.String()),
        reason: Type.Optional(Type.String()),
      }),
    ),
  ),
})

/** Ours: where a zone looks for workloads that have no agent beside them. */
export const discoverySourceKind = defineKind({
  kind: 'DiscoverySource',
  short: 'ds',
  path: 'discoverysources',
  scope: 'mesh',
  shape: 'spec',
  sync: 'both',
  naming: 'rfc1123',
  description: 'Where a zone looks for workloads that do not register themselves: clusters, clouds, other registries.',
  example: {
    name: 'shop-ecs',
    spec: {
      type: 'ECS',
      aws: { regions: ['eu-central-1'], accounts: [{ id: '123456789012', roleArn: 'arn:aws:iam::123456789012:role/skerry-discovery' }] },
      credentials: { type: 'Ambient' },
      include: [{ matchLabels: { mesh: 'shop' } }],
      mapping: { workload: ['service'], labels: [{ from: 'Team', to: 'team' }] },
      defaults: { protocol: 'http' },
    },
  },
  spec,
  status,
  check,
  columns: [
    { title: 'TYPE', value: source => source.spec.type },
    { title: 'STATE', value: ({ status }) => [...new Set((status?.scopes ?? []).map(scope => scope.state))].join(',') || '-' },
    { title: 'WORKLOADS', value: ({ status }) => String((status?.scopes ?? []).reduce((sum, scope) => sum + (scope.workloads ?? 0), 0)) },
  ],
})
export type DiscoverySource = ResourceOf<typeof discoverySourceKind>
export type DiscoverySourceSpec = DiscoverySource['spec']
export type DiscoverySourceStatus = NonNullable<DiscoverySource['status']>
export type DiscoveryCredentials = Static<typeof credentials>
export type DiscoverySelection = Static<typeof selection>
export type DiscoveryMapping = Static<typeof mapping>

/** Shorter, and a source spends its whole share on listings that say the same. */
const SHORTEST_INTERVAL_MS = 1000

/** What only some of the types that share a block have: nothing that is written is passed over in silence. */
const partsOfSome: readonly { block: (typeof blocks)[number]; name: string; types: readonly DiscoverySourceType[] }[] = [
  { block: 'aws', name: 'clusters', types: ['EKS', 'ECS'] },
  { block: 'aws', name: 'namespaces', types: ['CloudMap'] },
  { block: 'aws', name: 'events', types: ['ECS'] },
  { block: 'azure', name: 'clusters', types: ['AKS'] },
  { block: 'gcp', name: 'clusters', types: ['GKE'] },
]

function check(source: Static<typeof spec>): Violation[] {
  const violations: Violation[] = []
  const mine = blockOf[source.type]
  for (const block of blocks) {
    // In a pod or with a kubeconfig there is nothing to say about a Kubernetes cluster.
    if (block === mine && source[block] === undefined && block !== 'kubernetes')
      violations.push({ field: block, reason: `must be defined when type is ${source.type}` })
    if (block !== mine && source[block] !== undefined)
      violations.push({ field: block, reason: `must not be set when type is ${source.type}` })
  }
  for (const { block, name, types } of partsOfSome) {
    const part = (source[block] as Readonly<Record<string, unknown>> | undefined)?.[name]
    if (block === mine && part !== undefined && !types.includes(source.type))
      violations.push({
        field: `${block}.${name}`,
        reason: `must not be set when type is ${source.type}: it is for ${types.join(' and ')}`,
      })
  }
  source.dns?.names.forEach(({ type, port }, index) => {
    if (type !== 'SRV' && port === undefined && source.defaults?.port === undefined)
      violations.push({ field: `dns.names[${index}].port`, reason: `must be defined: ${type} records have no port` })
  })
  const interval = source.limits?.interval
  if (interval !== undefined && durationMs(interval) < SHORTEST_INTERVAL_MS)
    violations.push({ field: 'limits.interval', reason: 'must be at least 1s' })
  return violations
}
