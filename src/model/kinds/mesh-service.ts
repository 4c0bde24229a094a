import Type, { type Static } from 'typebox'
import { defineKind, type ResourceOf, type Violation } from '../kind.ts'
import { closed, dnsLabel, hostnameGeneratorStatus, matchLabels, nonEmpty, oneOf, portNumber, protocol, serviceAddress } from '../schema.ts'

const port = closed({
  name: Type.Optional(dnsLabel),
  port: portNumber,
  /** Name or port of an inbound; absent = the inbound that listens on `port`. */
  targetPort: Type.Optional(Type.Union([portNumber, nonEmpty])),
  appProtocol: Type.Optional(protocol),
})

const spec = closed({
  /** Has it an instance that is ready? Written by the zone that owns it. */
  state: Type.Optional(oneOf('Available', 'Unavailable')),
  selector: Type.Optional(closed({ dataplaneLabels: Type.Optional(matchLabels), dataplaneRef: Type.Optional(closed({ name: nonEmpty })) })),
  ports: Type.Optional(Type.Array(port)),
  /** Who answers for this service: callers accept no other SPIFFE ID. */
  identities: Type.Optional(Type.Array(closed({ type: oneOf('SpiffeID'), value: nonEmpty }))),
})

const status = closed({
  addresses: Type.Optional(Type.Array(serviceAddress)),
  vips: Type.Optional(Type.Array(closed({ ip: Type.String() }))),
  tls: Type.Optional(closed({ status: Type.Optional(oneOf('Ready', 'NotReady')) })),
  hostnameGenerators: Type.Optional(Type.Array(hostnameGeneratorStatus)),
  dataplaneProxies: Type.Optional(
    closed({ connected: Type.Optional(Type.Integer()), healthy: Type.Optional(Type.Integer()), total: Type.Optional(Type.Integer()) }),
  ),
})

/** A service of one zone: a name for some Dataplanes' inbounds. */
export const meshServiceKind = defineKind({
  kind: 'MeshService',
  short: 'msvc',
  path: 'meshservices',
  scope: 'mesh',
  shape: 'spec',
  sync: 'forwarded',
  naming: 'rfc1035',
  spec,
  status,
  check,
  columns: [
    { title: 'STATE', value: service => service.spec.state ?? 'Unavailable' },
    { title: 'PORTS', value: service => servicePorts(service.spec.ports) },
    {
      title: 'HEALTHY',
      value: service => `${service.status?.dataplaneProxies?.healthy ?? 0}/${service.status?.dataplaneProxies?.total ?? 0}`,
    },
  ],
})
export type MeshService = ResourceOf<typeof meshServiceKind>
export type MeshServiceSpec = MeshService['spec']
export type MeshServiceStatus = NonNullable<MeshService['status']>
export type MeshServicePort = Static<typeof port>

/** What a service's port is called in a `sectionName`, a KRI and an SNI. */
export function portName(port: { readonly name?: string; readonly port: number }): string {
  return port.name ?? String(port.port)
}

export function servicePorts(
  ports: readonly { readonly name?: string; readonly port: number; readonly appProtocol?: string }[] = [],
): string {
  return ports.map(port => `${port.port}/${port.appProtocol ?? 'tcp'}`).join(',')
}

export function repeatedPorts(ports: readonly { readonly name?: string; readonly port: number }[]): Violation[] {
  return ports.flatMap((port, index) => {
    const earlier = ports.slice(0, index)
    const violations: Violation[] = []
    if (earlier.some(other => other.port === port.port))
      violations.push({ field: `ports[${index}].port`, reason: 'an earlier port has this number' })
    if (earlier.some(other => portName(other) === portName(port)))
      violations.push({ field: `ports[${index}].name`, reason: 'an earlier port has this name' })
    return violations
  })
}

function check({ selector, ports = [] }: Static<typeof spec>): Violation[] {
  const violations = repeatedPorts(ports)
  if (selector?.dataplaneLabels !== undefined && selector.dataplaneRef !== undefined) {
    violations.push({ field: 'selector', reason: 'must have either dataplaneLabels or dataplaneRef, not both' })
  }
  return violations
}
