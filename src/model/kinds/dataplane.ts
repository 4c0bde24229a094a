import Type, { type Static } from 'typebox'
import { durationSchema } from '../duration.ts'
import { defineKind, type ResourceOf, type Violation } from '../kind.ts'
import { workloadLabel } from '../labels.ts'
import { closed, dnsLabel, labelMap, nonEmpty, oneOf, portNumber, protocol } from '../schema.ts'

/** How the agent asks whether the application answers. Without a probe: a TCP connect to the service port. */
const serviceProbe = closed({
  interval: Type.Optional(durationSchema),
  timeout: Type.Optional(durationSchema),
  unhealthyThreshold: Type.Optional(Type.Integer({ minimum: 1 })),
  healthyThreshold: Type.Optional(Type.Integer({ minimum: 1 })),
  tcp: Type.Optional(closed({})),
  /** Ours: a GET that must be answered with 2xx or 3xx. */
  http: Type.Optional(closed({ path: Type.Optional(Type.String({ pattern: '^/', description: 'a path that begins with "/"' })) })),
  /** Ours: never asked, always taken as healthy. */
  disabled: Type.Optional(Type.Boolean()),
})

const inbound = closed({
  /** Where the proxy listens for the mesh. */
  port: portNumber,
  address: Type.Optional(nonEmpty),
  /** Where the application listens; absent = `port`. */
  servicePort: Type.Optional(portNumber),
  /** Absent = 127.0.0.1. */
  serviceAddress: Type.Optional(nonEmpty),
  name: Type.Optional(dnsLabel),
  protocol: Type.Optional(protocol),
  state: Type.Optional(oneOf('Ready', 'NotReady', 'Ignored')),
  health: Type.Optional(closed({ ready: Type.Optional(Type.Boolean()) })),
  serviceProbe: Type.Optional(serviceProbe),
})

const outbound = closed({
  /** Where the proxy listens for the application; absent = 127.0.0.1. */
  address: Type.Optional(nonEmpty),
  port: portNumber,
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
  address: nonEmpty,
  port: portNumber,
  name: Type.Optional(dnsLabel),
  state: Type.Optional(oneOf('Ready', 'NotReady', 'Ignored')),
})

const transparentProxying = closed({
  redirectPortInbound: Type.Optional(portNumber),
  redirectPortOutbound: Type.Optional(portNumber),
  directAccessServices: Type.Optional(Type.Array(Type.String())),
  ipFamilyMode: Type.Optional(oneOf('UnSpecified', 'DualStack', 'IPv4', 'IPv6')),
  reachableBackends: Type.Optional(
    closed({
      refs: Type.Optional(
        Type.Array(
          closed({ kind: oneOf('MeshService', 'MeshMultiZoneService'), labels: Type.Optional(labelMap), port: Type.Optional(portNumber) }),
        ),
      ),
    }),
  ),
})

const spec = closed({
  networking: closed({
    /** Where other proxies reach this one. */
    address: nonEmpty,
    inbound: Type.Optional(Type.Array(inbound)),
    outbound: Type.Optional(Type.Array(outbound)),
    /** A gateway instead of a sidecar. `BUILTIN` (ours): its listeners come from MeshGateways. Absent type = DELEGATED. */
    gateway: Type.Optional(closed({ type: Type.Optional(oneOf('BUILTIN', 'DELEGATED')) })),
    transparentProxying: Type.Optional(transparentProxying),
    admin: Type.Optional(closed({ port: portNumber })),
    listeners: Type.Optional(Type.Array(listener)),
    /** Ours: the port on which the application's `http_proxy` reaches every service by name. Absent address = 127.0.0.1. */
    httpProxy: Type.Optional(closed({ address: Type.Optional(nonEmpty), port: portNumber })),
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
export type ServiceProbe = Static<typeof serviceProbe>

/** What an inbound is called in services' `targetPort`, in policies' `sectionName` and in listener names. */
export function inboundName(inbound: Pick<Inbound, 'name'>): string {
  return inbound.name ?? 'main'
}

/** What the proxy's listener for an inbound is called, in xDS and in what an agent reports. */
export function inboundListenerName(inbound: Pick<Inbound, 'name'>): string {
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

export function isZoneIngress(spec: DataplaneSpec): boolean {
  return spec.networking.listeners?.some(listener => listener.type === 'ZoneIngress') ?? false
}

function portsOf(spec: DataplaneSpec): string {
  const inbounds = (spec.networking.inbound ?? []).map(inbound => `${inboundName(inbound)}:${inbound.port}`)
  const listeners = (spec.networking.listeners ?? []).map(listener => `${listener.type}:${listener.port}`)
  return [...inbounds, ...listeners].join(',')
}

function check({ networking }: Static<typeof spec>): Violation[] {
  const violations: Violation[] = []
  const { inbound = [], outbound = [], gateway, listeners = [], httpProxy } = networking
  if (inbound.length === 0 && gateway === undefined && listeners.length === 0) {
    violations.push({ field: 'networking', reason: 'must have at least one inbound, a gateway or a listener' })
  }
  if (gateway !== undefined && inbound.length > 0) {
    violations.push({ field: 'networking.inbound', reason: 'a gateway takes its listeners from MeshGateway resources, not from inbounds' })
  }
  repeated(inbound.map(inboundName)).forEach(index => {
    violations.push({
      field: `networking.inbound[${index}].name`,
      reason: `${JSON.stringify(inboundName(inbound[index]!))} is the name of an earlier inbound; inbounds without a name are called "main"`,
    })
  })
  repeated(inbound.map(it => `${it.address ?? networking.address}:${it.port}`)).forEach(index => {
    violations.push({ field: `networking.inbound[${index}].port`, reason: 'an earlier inbound has this port' })
  })
  const loopback = outbound.map(it => `${it.address ?? '127.0.0.1'}:${it.port}`)
  repeated(loopback).forEach(index => {
    violations.push({ field: `networking.outbound[${index}].port`, reason: 'an earlier outbound has this port' })
  })
  if (httpProxy !== undefined && loopback.includes(`${httpProxy.address ?? '127.0.0.1'}:${httpProxy.port}`)) {
    violations.push({ field: 'networking.httpProxy.port', reason: 'an outbound has this port' })
  }
  outbound.forEach(({ backendRef }, index) => {
    if ((backendRef.name === undefined) === (backendRef.labels === undefined)) {
      violations.push({ field: `networking.outbound[${index}].backendRef`, reason: 'must have either a name or labels' })
    }
  })
  return violations
}

/** Indexes of values that an earlier one equals. */
function repeated(values: readonly string[]): number[] {
  return values.flatMap((value, index) => (values.indexOf(value) < index ? [index] : []))
}
