import Type, { type Static } from 'typebox'
import { isDnsName, isIpAddress } from '../address.ts'
import { durationMs, durationSchema } from '../duration.ts'
import { defineKind, type ResourceOf, type Violation } from '../kind.ts'
import { proxyLabel, workloadLabel } from '../labels.ts'
import { each, violation } from '../rules.ts'
import { closed, described, dnsLabel, isHttp, labelMap, nonEmpty, oneOf, portNumber, protocol } from '../schema.ts'

const positive = Type.Integer({ minimum: 1, otherwise: 'must have a positive value' })

/** How the agent asks whether the application answers. Without a probe: a TCP connect to the service port. */
const serviceProbe = closed({
  interval: Type.Optional(described(durationSchema, 'How often the application is asked.')),
  timeout: Type.Optional(described(durationSchema, 'How long its answer may take.')),
  unhealthyThreshold: Type.Optional(described(positive, 'So many failures one after the other, and it is not ready.')),
  healthyThreshold: Type.Optional(described(positive, 'So many answers one after the other, and it is ready again.')),
  tcp: Type.Optional(closed({}, { description: 'Connecting is enough.' })),
  http: Type.Optional(closed({ path: Type.Optional(Type.String({ pattern: '^/', mustBe: 'a path that begins with "/"' })) })),
  disabled: Type.Optional(Type.Boolean({ description: 'true: it is never asked, and always taken as healthy.' })),
})

/** The words of Kuma for a Dataplane's ports are not those for a policy's. */
const proxyPort = Type.Integer({ minimum: 1, maximum: 65535, otherwise: 'port must be in the range [1, 65535]' })

const inbound = closed({
  port: described(proxyPort, 'Where the proxy listens for the mesh.'),
  address: Type.Optional(Type.String({ description: 'An IP address; absent = that of the Dataplane.' })),
  servicePort: Type.Optional(described(proxyPort, 'Where the application listens; absent = `port`.')),
  serviceAddress: Type.Optional(Type.String({ description: 'An IP address; absent = 127.0.0.1.' })),
  name: Type.Optional(described(dnsLabel, 'What services and policies call it; absent = its port.')),
  protocol: Type.Optional(described(protocol, 'What the application speaks; absent = tcp.')),
  state: Type.Optional(
    Type.Enum(['Ready', 'NotReady', 'Ignored'], { description: 'May callers send to it? Ignored: it is no part of any service.' }),
  ),
  health: Type.Optional(closed({ ready: Type.Optional(Type.Boolean()) }, { description: 'Older than `state`, which says more.' })),
  serviceProbe: Type.Optional(serviceProbe),
})

const outbound = closed({
  address: Type.Optional(Type.String({ description: 'Where the proxy listens for the application: an IP address; absent = 127.0.0.1.' })),
  port: described(proxyPort, 'Where the proxy listens for the application.'),
  backendRef: closed({
    /** Ours: absent = the MeshMultiZoneService of that name if there is one, else the MeshService. */
    kind: Type.Optional(oneOf('MeshService', 'MeshMultiZoneService')),
    name: Type.Optional(nonEmpty),
    labels: Type.Optional(labelMap),
    port: Type.Optional(portNumber),
  }),
})

const listener = closed({
  type: oneOf('ZoneIngress', 'ZoneEgress'),
  address: Type.String({ description: 'An IP address.' }),
  port: proxyPort,
  name: Type.Optional(dnsLabel),
  state: Type.Optional(oneOf('Ready', 'NotReady')),
})

const transparentProxying = closed({
  redirectPortInbound: Type.Optional(proxyPort),
  redirectPortOutbound: Type.Optional(proxyPort),
  directAccessServices: Type.Optional(Type.Array(Type.String())),
  ipFamilyMode: Type.Optional(oneOf('UnSpecified', 'DualStack', 'IPv4', 'IPv6')),
  reachableBackends: Type.Optional(
    closed({
      refs: Type.Optional(
        Type.Array(
          closed({
            kind: oneOf('MeshService', 'MeshMultiZoneService', 'MeshExternalService'),
            labels: Type.Optional(labelMap),
            port: Type.Optional(portNumber),
          }),
        ),
      ),
    }),
  ),
})

/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
const lambda = closed(
  {
    arn: Type.String({
      pattern: '^arn:aws[-a-z]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:([A-Za-z0-9_-]{1,128}|[$]LATEST))?$',
      mustBe: 'the ARN of a function, of a version or of an alias',
      description: 'The function that is invoked; with an alias or a version after it, that one.',
    }),
    region: Type.String({ pattern: '^[a-z0-9-]+$', mustBe: 'the name of a region, like eu-central-1' }),
    endpoint: Type.Optional(
      Type.String({
        pattern: '^https?://[^/?#@]+/?$',
        mustBe: 'an address like https://lambda.eu-central-1.amazonaws.com, without a path',
        description: "Where the Lambda API is called; absent = the region's own endpoint.",
      }),
    ),
    roleArn: Type.Optional(
      Type.String({
        pattern: '^arn:aws[-a-z]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$',
        mustBe: 'the ARN of a role',
        description: 'The role that the zone gateway assumes to invoke it; absent = it invokes it as what it is itself.',
      }),
    ),
    payload: described(
      oneOf('http-2.0', 'passthrough'),
      'http-2.0: the function gets an event as behind a function URL or an API Gateway HTTP API, and answers as there. passthrough: it gets the body, and its answer is the body.',
    ),
  },
  {
    description: 'An AWS Lambda function: requests become invocations. Only of a workload without a proxy (label `skerry.io/proxy: none`).',
  },
)

const spec = closed({
  networking: closed({
    address: Type.String({
      minLength: 1,
      otherwise: "address can't be empty",
      description: 'Where other proxies reach this one: an IP address or a host name.',
    }),
    inbound: Type.Optional(Type.Array(inbound, { description: 'Ports of the application, as the mesh reaches them.' })),
    outbound: Type.Optional(Type.Array(outbound, { description: 'Services, as the application reaches them.' })),
    gateway: Type.Optional(
      closed(
        { type: Type.Optional(oneOf('BUILTIN', 'DELEGATED')) },
        {
          description:
            'A gateway instead of a sidecar. BUILTIN: its listeners come from MeshGateways. Absent type = DELEGATED: another gateway is behind it.',
        },
      ),
    ),
    transparentProxying: Type.Optional(transparentProxying),
    admin: Type.Optional(closed({ port: portNumber })),
    listeners: Type.Optional(
      Type.Array(listener, { description: 'Of a zone gateway: what other zones come in by, and what goes out of the mesh.' }),
    ),
    httpProxy: Type.Optional(
      closed(
        { address: Type.Optional(nonEmpty), port: portNumber },
        { description: "The port on which the application's http_proxy reaches every service by name. Absent address = 127.0.0.1." },
      ),
    ),
    lambda: Type.Optional(lambda),
  }),
})

/** The registry's record of one instance: a sidecar with its application, a gateway, or a zone gateway. */
export const dataplaneKind = defineKind({
  kind: 'Dataplane',
  short: 'dp',
  path: 'dataplanes',
  scope: 'mesh',
  shape: 'flat',
  sync: 'zone',
  naming: 'rfc1123',
  description: 'The record of one instance: a sidecar with its application, a gateway, or a zone gateway.',
  example: {
    name: 'web-1',
    labels: { app: 'web', 'kuma.io/workload': 'web' },
    spec: {
      networking: {
        address: '10.0.0.5',
        inbound: [{ port: 8080, name: 'http', protocol: 'http', serviceProbe: { interval: '5s', tcp: {} } }],
        outbound: [{ port: 10001, backendRef: { kind: 'MeshService', labels: { 'kuma.io/display-name': 'backend' }, port: 80 } }],
      },
    },
  },
  spec,
  check,
  columns: [
    { title: 'WORKLOAD', value: dataplane => dataplane.labels[workloadLabel] ?? '' },
    { title: 'ADDRESS', value: dataplane => dataplane.spec.networking.address },
    { title: 'PORTS', value: dataplane => portsOf(dataplane.spec) },
  ],
})
export type Dataplane = ResourceOf<typeof dataplaneKind>
export type DataplaneSpec = Static<typeof spec>
export type Inbound = Static<typeof inbound>
export type Outbound = Static<typeof outbound>
export type ProxyListener = Static<typeof listener>
export type Lambda = Static<typeof lambda>
export type ServiceProbe = Static<typeof serviceProbe>

/** What an inbound is called in services' `targetPort`, in policies' `sectionName` and in listener names. */
export function inboundName(inbound: Pick<Inbound, 'name' | 'port'>): string {
  return inbound.name ?? String(inbound.port)
}

/** What the proxy's listener for an inbound is called, in xDS and in what an agent reports. */
export function inboundListenerName(inbound: Pick<Inbound, 'name' | 'port'>): string {
  return `self_inbound_dp_${inboundName(inbound)}`
}

/** What the listener of a zone gateway is called, in xDS and in what an agent reports. */
export function zoneIngressListenerName(listener: Pick<ProxyListener, 'name' | 'port'>): string {
  return `zone_ingress_${listener.name ?? listener.port}`
}

/** Where the application behind an inbound listens. */
export function applicationPort(inbound: Inbound): number {
  return inbound.servicePort ?? inbound.port
}

/** Does whoever wrote an inbound say that callers may send to it? For a workload without a proxy nobody else can say. */
export function isDeclaredReady({ state, health }: Inbound): boolean {
  return (state ?? (health?.ready === false ? 'NotReady' : 'Ready')) === 'Ready'
}

/** Where others reach a listener of a zone gateway: one on every interface under the gateway's own address. */
export function reachableAddress(spec: DataplaneSpec, listener: ProxyListener): string {
  return listener.address === '0.0.0.0' || listener.address === '::' ? spec.networking.address : listener.address
}

/** Does a workload have no proxy beside it? */
export function isAgentless(dataplane: { readonly labels: Readonly<Record<string, string>> }): boolean {
  return dataplane.labels[proxyLabel] === 'none'
}

/** What a workload is called: services and certificates go by it. */
export function workloadOf(dataplane: { readonly name: string; readonly labels: Readonly<Record<string, string>> }): string {
  return dataplane.labels[workloadLabel] ?? dataplane.name
}

export function isZoneIngress(spec: DataplaneSpec): boolean {
  return spec.networking.listeners?.some(listener => listener.type === 'ZoneIngress') ?? false
}

export function isZoneEgress(spec: DataplaneSpec): boolean {
  return spec.networking.listeners?.some(listener => listener.type === 'ZoneEgress') ?? false
}

function portsOf(spec: DataplaneSpec): string {
  const inbounds = (spec.networking.inbound ?? []).map(inbound => `${inboundName(inbound)}:${inbound.port}`)
  const listeners = (spec.networking.listeners ?? []).map(listener => `${listener.type}:${listener.port}`)
  return [...inbounds, ...listeners].join(',')
}

function check({ networking }: Static<typeof spec>, labels: Readonly<Record<string, string>>): Violation[] {
  const { address, inbound = [], outbound = [], gateway, listeners = [], httpProxy } = networking
  const hasProxy = labels[proxyLabel] !== 'none'
  const loopback = outbound.map(it => `${it.address ?? '127.0.0.1'}:${it.port}`)
  const at = 'networking'
  return [
    // An application that carries its requests itself may have nobody to answer to.
    ...(inbound.length === 0 && gateway === undefined && listeners.length === 0 && labels[proxyLabel] !== 'grpc'
      ? violation(at, 'has to contain at least one inbound interface or gateway; or a listener')
      : []),
    ...checkAddress(address, `${at}.address`),
    ...(gateway !== undefined && inbound.length > 0
      ? violation(`${at}.inbound`, `inbound cannot be defined for ${(gateway.type ?? 'DELEGATED').toLowerCase()} gateways`)
      : []),
    ...each(inbound, `${at}.inbound`, (it, field) => checkInbound(it, address, hasProxy, field)),
    ...repeated(inbound.map(inboundName)).flatMap(index =>
      violation(
        `${at}.inbound[${index}].name`,
        `${JSON.stringify(inboundName(inbound[index]!))} is the name of an earlier inbound; an inbound without a name is called by its port`,
      ),
    ),
    ...repeated(inbound.map(it => `${it.address ?? address}:${it.port}`)).flatMap(index =>
      violation(`${at}.inbound[${index}].port`, 'an earlier inbound has this port'),
    ),
    ...each(outbound, `${at}.outbound`, checkOutbound),
    ...repeated(loopback).flatMap(index => violation(`${at}.outbound[${index}].port`, 'an earlier outbound has this port')),
    ...(httpProxy !== undefined && loopback.includes(`${httpProxy.address ?? '127.0.0.1'}:${httpProxy.port}`)
      ? violation(`${at}.httpProxy.port`, 'an outbound has this port')
      : []),
    ...(hasProxy ? [] : checkWithoutProxy(networking, at)),
    ...checkLambda(networking, hasProxy, `${at}.lambda`),
    ...each(listeners, `${at}.listeners`, (it, field) => ipAddress(it.address, `${field}.address`, 'address')),
    ...repeated(listeners.map(it => `${it.address}:${it.port}`)).flatMap(index =>
      violation(`${at}.listeners[${index}].port`, 'an earlier listener has this port'),
    ),
  ]
}

function checkAddress(address: string, field: string): Violation[] {
  if (address === '0.0.0.0' || address === '::') return violation(field, 'must not be 0.0.0.0 or ::; other proxies could not reach it')
  return isIpAddress(address) || isDnsName(address) ? [] : violation(field, 'address has to be valid IP address or domain name')
}

/** What only a proxy could act on. */
function checkWithoutProxy(networking: DataplaneSpec['networking'], at: string): Violation[] {
  return (['gateway', 'listeners', 'outbound', 'transparentProxying', 'httpProxy'] as const).flatMap(field =>
    networking[field] === undefined
      ? []
      : violation(`${at}.${field}`, `must not be set with the label ${proxyLabel}: none, a workload without a proxy: drop one of them`),
  )
}

function checkLambda({ lambda, inbound = [] }: DataplaneSpec['networking'], hasProxy: boolean, at: string): Violation[] {
  if (lambda === undefined) return []
  return [
    ...(hasProxy ? violation(at, `only for a workload without a proxy: set the label ${proxyLabel} to none`) : []),
    ...(inbound.length === 1 && isHttp(inbound[0]!.protocol)
      ? []
      : violation(at, 'a function has exactly one inbound, of protocol http, http2 or grpc')),
    ...(lambda.arn.split(':')[3] === lambda.region
      ? []
      : violation(`${at}.region`, `has to be that of the ARN, ${JSON.stringify(lambda.arn.split(':')[3])}`)),
  ]
}

function checkInbound(inbound: Inbound, dataplaneAddress: string, hasProxy: boolean, at: string): Violation[] {
  const { address, port, serviceAddress, servicePort = port, serviceProbe } = inbound
  // Without a proxy, what the mesh calls is the application itself.
  const reachesItself = hasProxy && serviceAddress !== undefined && serviceAddress === (address ?? dataplaneAddress) && servicePort === port
  return [
    ...ipAddress(address, `${at}.address`, 'address'),
    ...ipAddress(serviceAddress, `${at}.serviceAddress`, 'serviceAddress'),
    ...(reachesItself ? violation(`${at}.serviceAddress`, 'serviceAddress and servicePort has to differ from address and port') : []),
    ...(['interval', 'timeout'] as const).flatMap(field => {
      const text = serviceProbe?.[field]
      return text === undefined || durationMs(text) > 0 ? [] : violation(`${at}.serviceProbe.${field}`, 'must have a positive value')
    }),
  ]
}

function checkOutbound({ address, backendRef }: Outbound, at: string): Violation[] {
  return [
    ...ipAddress(address, `${at}.address`, 'address'),
    ...((backendRef.name === undefined) === (backendRef.labels === undefined)
      ? violation(`${at}.backendRef`, 'must have either a name or labels')
      : []),
  ]
}

function ipAddress(address: string | undefined, field: string, name: string): Violation[] {
  return address === undefined || isIpAddress(address) ? [] : violation(field, `${name} has to be valid IP address`)
}

/** Indexes of values that an earlier one equals. */
function repeated(values: readonly string[]): number[] {
  return values.flatMap((value, index) => (values.indexOf(value) < index ? [index] : []))
}
