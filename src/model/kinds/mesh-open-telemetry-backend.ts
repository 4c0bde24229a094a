import Type, { type Static } from 'typebox'
import { isDnsName, isIpAddress } from '../address.ts'
import { defineKind, type ResourceOf, type Violation } from '../kind.ts'
import { violation } from '../rules.ts'
import { closed, condition, described, portNumber } from '../schema.ts'

const spec = closed({
  endpoint: Type.Optional(
    closed(
      {
        address: Type.Optional(Type.String({ description: 'An IP address or a host name.' })),
        port: Type.Optional(described(portNumber, 'Absent = 4317 for grpc, 4318 for http.')),
        path: Type.Optional(Type.String({ description: 'With http: what stands before /v1/traces and the like.' })),
      },
      { description: 'Absent = the collector of the machine that the proxy runs on.' },
    ),
  ),
  protocol: Type.Optional(Type.Enum(['grpc', 'http'], { otherwise: 'must be one of: grpc, http' })),
  env: Type.Optional(
    closed(
      {
        mode: Type.Optional(
          Type.Enum(['Disabled', 'Optional', 'Required'], {
            default: 'Optional',
            otherwise: 'must be one of: Disabled, Optional, Required',
          }),
        ),
        precedence: Type.Optional(
          Type.Enum(['ExplicitFirst', 'EnvFirst'], { default: 'EnvFirst', otherwise: 'must be one of: ExplicitFirst, EnvFirst' }),
        ),
        allowSignalOverrides: Type.Optional(Type.Boolean({ description: 'Variables for one signal alone, too.' })),
      },
      { description: "What OTEL_* variables in the proxy's environment may say." },
    ),
  ),
})

/** A collector that policies send traces, metrics and access logs to. */
export const meshOpenTelemetryBackendKind = defineKind({
  kind: 'MeshOpenTelemetryBackend',
  short: 'motb',
  path: 'meshopentelemetrybackends',
  scope: 'mesh',
  shape: 'spec',
  sync: 'both',
  naming: 'rfc1123',
  displayName: 'Mesh OpenTelemetry Backend',
  description: 'A collector that policies send traces, metrics and access logs to.',
  example: { name: 'collector', spec: { endpoint: { address: 'collector.observability', port: 4317 }, protocol: 'grpc' } },
  spec,
  check,
  status: closed({ conditions: Type.Optional(Type.Array(condition)) }),
  columns: [
    {
      title: 'ENDPOINT',
      value: ({ spec }) => `${spec.endpoint?.address ?? 'node'}:${spec.endpoint?.port ?? (spec.protocol === 'http' ? 4318 : 4317)}`,
    },
  ],
})
export type MeshOpenTelemetryBackend = ResourceOf<typeof meshOpenTelemetryBackendKind>
export type MeshOpenTelemetryBackendSpec = Static<typeof spec>

function check({ endpoint: { address, path } = {}, protocol }: MeshOpenTelemetryBackendSpec): Violation[] {
  return [
    ...(address === undefined || isIpAddress(address) || isDnsName(address)
      ? []
      : violation('endpoint.address', address === '' ? 'must not be empty' : 'address has to be a valid IP or hostname')),
    ...(path ? checkPath(path, protocol) : []),
  ]
}

function checkPath(path: string, protocol: 'grpc' | 'http' | undefined): Violation[] {
  const field = 'endpoint.path'
  if (protocol !== 'http') return violation(field, 'must not be set when protocol is grpc')
  return [
    ...(path.startsWith('/') ? [] : violation(field, 'must start with /')),
    ...(/[?#]/.test(path) ? violation(field, 'must not contain query or fragment') : []),
  ]
}
