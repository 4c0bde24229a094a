import { type CollectionShape, type ObjectShape, objectShape } from '../../../src/convert/terraform/shape.ts'
import { isObject } from '../../../src/model/is-object.ts'
import type { Keywords } from '../../../src/model/keywords.ts'
import type { KindDefinition } from '../../../src/model/kind.ts'
import { dataplaneKind } from '../../../src/model/kinds/dataplane.ts'
import {
  accountLabel,
  availabilityZoneLabel,
  cloudLabel,
  clusterLabel,
  managedByLabel,
  managedByTerraform,
  proxyLabel,
  regionLabel,
  workloadLabel,
} from '../../../src/model/labels.ts'
import { sameValue } from '../../sdk/cty/compare.ts'
import { hasUnknown, isListValue, isObjectValue, type ObjectValue, UNKNOWN, type Value } from '../../sdk/cty/value.ts'
import type { Problem } from '../../sdk/provider/problem.ts'
import { type Attributes, isGiven, typeOf } from '../../sdk/provider/schema.ts'
import { attributesOf } from '../shape/attributes.ts'
import { attributePath } from '../shape/field-path.ts'
import { fromApi } from '../shape/from-api.ts'
import { toApi } from '../shape/to-api.ts'
import type { Codec, ShownResource } from './codec.ts'
import { labelsAttribute, labelTexts, meshAttribute, ownLabels } from './envelope.ts'
import { parseId } from './resource-key.ts'
import { validateKind } from './validate-kind.ts'

const kind = dataplaneKind as unknown as KindDefinition

const locality: Readonly<Record<string, readonly [label: string, description: string]>> = {
  cloud: [cloudLabel, 'The cloud that it runs in, such as `aws`.'],
  account: [accountLabel, 'The account, subscription or project.'],
  region: [regionLabel, 'The region.'],
  availability_zone: [availabilityZoneLabel, 'The availability zone.'],
  cluster: [clusterLabel, 'The cluster.'],
}
const taken: ReadonlySet<string> = new Set([workloadLabel, managedByLabel, proxyLabel, ...Object.values(locality).map(([label]) => label)])

const networking = objectShape((kind.spec as Keywords).properties!.networking!)
const inbound = (networking.members.get('inbound')!.shape as CollectionShape).of as ObjectShape
const port: ObjectShape = { is: 'object', members: chosen(inbound, ['port', 'name', 'protocol', 'state']) }
const lambda = networking.members.get('lambda')!.shape as ObjectShape

/** The Lambda service's own port. */
const HTTPS = 443

const attributes: Attributes = {
  mesh: meshAttribute,
  name: { type: 'string', required: true, replaces: true, description: 'Its name, unique among the Dataplanes of the mesh.' },
  workload: {
    type: 'string',
    required: true,
    description: 'What is deployed there, and so the name of the service that it becomes an instance of.',
  },
  address: {
    type: 'string',
    optional: true,
    description: 'Where it is reached from its zone: an IP address or a host name. Not for a Lambda function.',
  },
  ports: {
    optional: true,
    nested: { nesting: 'list', attributes: attributesOf(port) },
    description: 'Its ports. Not for a Lambda function.',
  },
  lambda: {
    optional: true,
    nested: { nesting: 'single', attributes: attributesOf(lambda) },
    description: 'The AWS Lambda function that it is: requests become invocations, by the zone gateway.',
  },
  ...Object.fromEntries(
    Object.entries(locality).map(([name, [, description]]) => [name, { type: 'string' as const, optional: true, description }]),
  ),
  labels: labelsAttribute,
}

/** `skerry_workload`: a machine, a function or anything else without a proxy, that Terraform made and so is responsible for. */
export const workload: Codec = {
  description:
    "A virtual machine, a Lambda function or an external instance without a proxy beside it, as an instance of a service: callers reach it through its zone's gateway. It belongs to Terraform: discovery, heartbeats and agents leave it alone, and `labels`, health and address are what the configuration says. What has a proxy registers by itself (`skerry_workload_token`).\n\nIt belongs to a zone: `endpoint` must be that of the zone's control plane.",
  attributes,
  kindOf: () => kind,
  toBody: planned => ({
    type: kind.kind,
    mesh: planned.mesh,
    name: planned.name,
    labels: bodyLabels(planned),
    ...specOf(planned),
  }),
  toState,
  validate: config => [
    ...either(config),
    ...validateKind({
      kind,
      config: { ...config, labels: hasUnknown(config) ? null : bodyLabels(config) },
      spec: specOf(config),
      isPartial: hasUnknown(config),
      isUnknown: () => hasUnknown(config),
      find: attributeOf,
    }),
  ],
  attributeOf,
  fromId: id => ({ ...parseId(kind, id) }),
}

function specOf(values: ObjectValue): Readonly<Record<string, unknown>> {
  if (isGiven(values.lambda)) {
    const made = toApi(lambda, values.lambda) as { readonly region?: string; readonly endpoint?: string }
    return { networking: { address: lambdaHost(made), inbound: [{ port: HTTPS, name: 'main', protocol: 'http' }], lambda: made } }
  }
  const ports = toApi({ is: 'list', of: port }, values.ports ?? null)
  return {
    networking: {
      ...(typeof values.address === 'string' ? { address: values.address } : {}),
      ...(ports === undefined ? {} : { inbound: ports }),
    },
  }
}

/** https://docs.aws.amazon.com/general/latest/gr/lambda-service.html */
function lambdaHost({ region = '', endpoint }: { readonly region?: string; readonly endpoint?: string }): string {
  if (endpoint !== undefined && URL.canParse(endpoint)) return new URL(endpoint).hostname
  return `lambda.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

function bodyLabels(values: ObjectValue): Record<string, string> {
  const places = Object.entries(locality).flatMap(([name, [label]]) =>
    isGiven(values[name]) ? [[label, String(values[name])] as const] : [],
  )
  return {
    ...labelTexts(values.labels),
    ...Object.fromEntries(places),
    [workloadLabel]: String(values.workload),
    [managedByLabel]: managedByTerraform,
    [proxyLabel]: 'none',
  }
}

function toState(shown: ShownResource, was: ObjectValue): ObjectValue {
  const { mesh, name, networking: net } = shown as ShownResource & { readonly networking: Readonly<Record<string, unknown>> }
  const shownLabels = isObject(shown.labels) ? shown.labels : {}
  const isLambda = net.lambda !== undefined
  const text = (label: string): Value => (typeof shownLabels[label] === 'string' ? shownLabels[label] : null)
  const now: ObjectValue = {
    mesh: String(mesh),
    name,
    workload: text(workloadLabel),
    address: isLambda ? null : String(net.address),
    ports: isLambda ? null : fromApi({ is: 'list', of: port }, net.inbound, net.inbound, was.ports ?? null),
    lambda: isLambda ? fromApi(lambda, net.lambda, net.lambda, was.lambda ?? null) : null,
    ...Object.fromEntries(Object.entries(locality).map(([attribute, [label]]) => [attribute, text(label)])),
    labels: ownLabels(shownLabels, was.labels ?? null, label => taken.has(label)),
  }
  return Object.fromEntries(
    Object.entries(now).map(([key, value]) => [key, sameValue(typeOf(attributes[key]!), value, was[key]) ? (was[key] ?? null) : value]),
  )
}

function attributeOf(field: readonly (string | number)[]): readonly (string | number)[] {
  const [first, second, ...rest] = field
  if (first !== 'networking') return first === undefined ? [] : [first]
  if (second === 'lambda') return ['lambda', ...attributePath(lambda, rest)]
  if (second === 'inbound') return ['ports', ...attributePath({ is: 'list', of: port }, rest)]
  return [second === undefined ? 'ports' : String(second)]
}

function either({ address, ports, lambda: fn, labels }: ObjectValue): readonly Problem[] {
  const reserved = Object.keys(labelTexts(labels)).find(label => taken.has(label))
  const isHost = address !== null || ports !== null
  return [
    ...(fn !== null && fn !== UNKNOWN && isHost
      ? [problem('Either a host or a Lambda function', 'Set address and ports, or lambda.', 'lambda')]
      : []),
    ...(fn === null && (address === null || ports === null || (isListValue(ports) && ports.length === 0))
      ? [problem('Where it is', 'Set address and at least one port, or lambda.', address === null ? 'address' : 'ports')]
      : []),
    ...(isObjectValue(labels) && reserved !== undefined
      ? [problem('A label that the provider sets', `${reserved} follows from the other attributes.`, 'labels')]
      : []),
  ]
}

function problem(summary: string, detail: string, attribute: string): Problem {
  return { summary, detail, path: [attribute] }
}

function chosen({ members }: ObjectShape, names: readonly string[]) {
  return new Map([...members].filter(([name]) => names.includes(name)))
}
