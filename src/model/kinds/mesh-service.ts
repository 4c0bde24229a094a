import Type, { type Static } from 'typebox'
import { defineKind, type NamedPort, type ResourceOf, type Violation } from '../kind.ts'
import {
  closed,
  condition,
  defaulting,
  described,
  dnsLabel,
  hostnameGeneratorStatus,
  matchLabels,
  nonEmpty,
  oneOf,
  portNumber,
  protocol,
  serviceAddress,
} from '../schema.ts'

const port = closed({
  name: Type.Optional(described(dnsLabel, 'What policies and routes call it; absent = its number.')),
  port: described(portNumber, 'The port that callers use.'),
  targetPort: Type.Optional(described(Type.Union([portNumber, nonEmpty]), 'Name or port of an inbound; absent = the same number.')),
  appProtocol: Type.Optional(described(defaulting(protocol, 'tcp'), 'What is spoken on it.')),
})

const spec = closed({
  state: Type.Optional(
    Type.Enum(['Available', 'Unavailable'], {
      default: 'Unavailable',
      description: 'Has it an instance that is ready? The zone that owns it writes it.',
    }),
  ),
  selector: Type.Optional(
    closed(
      {
        dataplaneLabels: Type.Optional(described(matchLabels, 'Those with these labels.')),
        dataplaneRef: Type.Optional(closed({ name: Type.Optional(nonEmpty) }, { description: 'The one of this name.' })),
      },
      { description: 'The Dataplanes that are its instances; absent = none.' },
    ),
  ),
  ports: Type.Optional(Type.Array(port)),
  identities: Type.Optional(
    Type.Array(closed({ type: oneOf('SpiffeID'), value: nonEmpty }), {
      description: 'Who answers for it: callers accept no other SPIFFE ID.',
    }),
  ),
})

const status = closed({
  addresses: Type.Optional(Type.Array(serviceAddress)),
  vips: Type.Optional(Type.Array(closed({ ip: Type.String() }))),
  tls: Type.Optional(closed({ status: Type.Optional(oneOf('Ready', 'NotReady')) })),
  hostnameGenerators: Type.Optional(Type.Array(hostnameGeneratorStatus)),
  conditions: Type.Optional(Type.Array(condition)),
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
  description: 'A service of one zone: a name for some inbounds of its Dataplanes.',
  example: {
    name: 'backend',
    spec: {
      selector: { dataplaneLabels: { matchLabels: { app: 'backend' } } },
      ports: [{ name: 'http', port: 80, targetPort: 8080, appProtocol: 'http' }],
    },
  },
  spec,
  status,
  emptyStatus: { tls: {}, dataplaneProxies: {} },
  check,
  complete,
  ports: ({ ports = [] }) => ports,
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
export function portName(port: NamedPort): string {
  return port.name ?? String(port.port)
}

export function servicePorts(
  ports: readonly { readonly name?: string; readonly port: number; readonly appProtocol?: string }[] = [],
): string {
  return ports.map(port => `${port.port}/${port.appProtocol ?? 'tcp'}`).join(',')
}

export function repeatedPorts(ports: readonly NamedPort[]): Violation[] {
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

/** A selector that is absent selects nothing, as an empty one; a port without target goes to the same number. */
function complete({ selector = {}, ports, ...others }: Static<typeof spec>): Static<typeof spec> {
  return {
    ...others,
    selector,
    ...(ports === undefined ? {} : { ports: ports.map(port => ({ ...port, targetPort: port.targetPort ?? port.port })) }),
  }
}

function check({ selector, ports = [] }: Static<typeof spec>): Violation[] {
  const violations = repeatedPorts(ports)
  if (selector?.dataplaneLabels !== undefined && selector.dataplaneRef !== undefined) {
    violations.push({ field: 'selector', reason: 'must specify only one of: dataplaneRef, or dataplaneLabels' })
  }
  return violations
}
