import Type, { type Static } from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import {
  closed,
  condition,
  defaulting,
  described,
  dnsLabel,
  hostnameGeneratorStatus,
  labelMap,
  portNumber,
  protocol,
  serviceAddress,
} from '../schema.ts'
import { repeatedPorts, servicePorts } from './mesh-service.ts'

const port = closed({
  name: Type.Optional(described(dnsLabel, 'Binds to the port of this name in each MeshService; where there is none, by number.')),
  port: described(portNumber, 'The port that callers use.'),
  appProtocol: Type.Optional(described(defaulting(protocol, 'tcp'), 'What is spoken on it.')),
})

const status = closed({
  addresses: Type.Optional(Type.Array(serviceAddress)),
  vips: Type.Optional(Type.Array(closed({ ip: Type.String() }))),
  meshServices: Type.Optional(
    Type.Array(
      closed({
        name: Type.String(),
        namespace: Type.Optional(Type.String()),
        zone: Type.Optional(Type.String()),
        mesh: Type.Optional(Type.String()),
      }),
    ),
  ),
  hostnameGenerators: Type.Optional(Type.Array(hostnameGeneratorStatus)),
  conditions: Type.Optional(Type.Array(condition)),
})

/** One service out of the MeshServices of all zones that it selects; this is what fails over between zones. */
export const meshMultiZoneServiceKind = defineKind({
  kind: 'MeshMultiZoneService',
  short: 'mzsvc',
  path: 'meshmultizoneservices',
  scope: 'mesh',
  shape: 'spec',
  sync: 'global',
  naming: 'rfc1035',
  description: 'One service out of the MeshServices of all zones that it selects; this is what fails over between zones.',
  example: {
    name: 'backend',
    spec: {
      selector: { meshService: { matchLabels: { 'kuma.io/display-name': 'backend' } } },
      ports: [{ name: 'http', port: 80, appProtocol: 'http' }],
    },
  },
  spec: closed({
    selector: closed({
      meshService: closed({
        matchLabels: defaulting(described(labelMap, 'Labels that the MeshServices must have, of whatever zone.'), {}),
      }),
    }),
    ports: Type.Array(port, { minItems: 1 }),
  }),
  status,
  check: spec => repeatedPorts(spec.ports),
  ports: spec => spec.ports,
  columns: [
    { title: 'PORTS', value: service => servicePorts(service.spec.ports) },
    { title: 'ZONES', value: service => (service.status?.meshServices ?? []).map(it => it.zone ?? '').join(',') },
  ],
})
export type MeshMultiZoneService = ResourceOf<typeof meshMultiZoneServiceKind>
export type MeshMultiZoneServiceSpec = MeshMultiZoneService['spec']
export type MeshMultiZoneServicePort = Static<typeof port>
