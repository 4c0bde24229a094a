import Type, { type Static } from 'typebox'
import { isDnsName, isIpAddress } from '../address.ts'
import { defineKind, type ResourceOf, type Violation } from '../kind.ts'
import { each, violation } from '../rules.ts'
import { closed, condition, described, hostnameGeneratorStatus, portNumber, secureDataSource, serviceAddress } from '../schema.ts'
import { tlsVersionProblems, tlsVersions } from '../tls-version.ts'

const notAnAddress = 'address has to be a valid IP or hostname'

const endpoint = closed({
  address: Type.String({ minLength: 1, otherwise: notAnAddress, description: 'An IP address or a name in DNS.' }),
  port: portNumber,
  priority: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 128, description: 'Endpoints of a higher one are used when those below fail; absent = 0.' }),
  ),
})

const verification = closed(
  {
    mode: Type.Optional(
      Type.Enum(['SkipSAN', 'SkipCA', 'SkipAll', 'Secured'], {
        default: 'Secured',
        description: 'What is not checked of its certificate.',
      }),
    ),
    serverName: Type.Optional(Type.String({ description: 'The server name that is asked for; absent = the address of the endpoint.' })),
    subjectAltNames: Type.Optional(
      Type.Array(closed({ type: Type.Optional(Type.Enum(['Prefix', 'Exact'], { default: 'Exact' })), value: Type.String() }), {
        description: 'Names that its certificate may have; absent = the server name.',
      }),
    ),
    caCert: Type.Optional(described(secureDataSource, 'Who may have signed its certificate; absent = whom the system trusts.')),
    clientCert: Type.Optional(described(secureDataSource, 'The certificate that is shown to it.')),
    clientKey: Type.Optional(described(secureDataSource, 'The key of clientCert.')),
  },
  { description: 'How the other end proves who it is.' },
)

const spec = closed({
  match: closed(
    {
      type: Type.Optional(
        Type.Enum(['HostnameGenerator'], {
          default: 'HostnameGenerator',
          otherwise: "unrecognized type '{value}' - only 'HostnameGenerator' is supported",
        }),
      ),
      port: described(portNumber, 'The port that callers use.'),
      protocol: Type.Optional(Type.Enum(['tcp', 'grpc', 'http', 'http2'], { default: 'tcp' })),
    },
    { description: 'What callers in the mesh see.' },
  ),
  endpoints: Type.Optional(Type.Array(endpoint, { description: 'Where it is.' })),
  tls: Type.Optional(
    closed(
      {
        enabled: Type.Optional(Type.Boolean({ default: false })),
        version: Type.Optional(tlsVersions),
        allowRenegotiation: Type.Optional(Type.Boolean({ default: false })),
        verification: Type.Optional(verification),
      },
      { description: 'TLS from the mesh to the service, so that callers speak plainly.' },
    ),
  ),
  extension: Type.Optional(
    closed({ type: Type.String({ minLength: 1, otherwise: 'must not be empty' }), config: Type.Optional(Type.Unknown()) }),
  ),
})

const status = closed({
  addresses: Type.Optional(Type.Array(serviceAddress)),
  vip: Type.Optional(closed({ ip: Type.Optional(Type.String()) })),
  hostnameGenerators: Type.Optional(Type.Array(hostnameGeneratorStatus)),
  conditions: Type.Optional(Type.Array(condition)),
})

/** A service outside of the mesh, reached by a name within it, through the zone's egress. */
export const meshExternalServiceKind = defineKind({
  kind: 'MeshExternalService',
  short: 'extsvc',
  path: 'meshexternalservices',
  scope: 'mesh',
  shape: 'spec',
  sync: 'both',
  naming: 'rfc1035',
  description: 'A service outside of the mesh that callers reach by a name within it.',
  example: {
    name: 'payments',
    spec: {
      match: { type: 'HostnameGenerator', port: 80, protocol: 'http' },
      endpoints: [{ address: 'api.payments.example.com', port: 443 }],
      tls: { enabled: true, verification: { serverName: 'api.payments.example.com' } },
    },
  },
  spec,
  status,
  check,
  emptyStatus: { vip: {} },
  ports: ({ match }) => [{ port: match.port }],
  columns: [
    { title: 'PORT', value: ({ spec }) => `${spec.match.port}/${spec.match.protocol ?? 'tcp'}` },
    { title: 'ENDPOINTS', value: ({ spec }) => (spec.endpoints ?? []).map(it => `${it.address}:${it.port}`).join(',') },
  ],
})
export type MeshExternalService = ResourceOf<typeof meshExternalServiceKind>
export type MeshExternalServiceSpec = Static<typeof spec>
export type MeshExternalServiceStatus = NonNullable<MeshExternalService['status']>
export type ExternalEndpoint = Static<typeof endpoint>
export type ExternalTlsVerification = Static<typeof verification>

// An extension knows itself what its endpoints and its TLS are.
function check({ endpoints, tls, extension }: MeshExternalServiceSpec): Violation[] {
  if (extension !== undefined) return []
  return [
    ...each(endpoints, 'endpoints', ({ address }, at) =>
      isIpAddress(address) || isDnsName(address) ? [] : violation(`${at}.address`, notAnAddress),
    ),
    ...(tls?.version === undefined ? [] : tlsVersionProblems('tls.version', tls.version)),
    ...(tls?.verification === undefined ? [] : checkVerification(tls.verification, 'tls.verification')),
  ]
}

function checkVerification(verification: ExternalTlsVerification, at: string): Violation[] {
  const { serverName, clientCert, clientKey } = verification
  return [
    ...(serverName !== undefined && !isDnsName(serverName) ? violation(`${at}.serverName`, 'must be a valid DNS name') : []),
    ...(clientCert !== undefined && clientKey === undefined
      ? violation(`${at}.clientKey`, 'must be defined when clientCert is defined')
      : []),
    ...(clientKey !== undefined && clientCert === undefined
      ? violation(`${at}.clientCert`, 'must be defined when clientKey is defined')
      : []),
    // The zone gateway that speaks TLS is not the machine on which a user could put a file.
    ...(['caCert', 'clientCert', 'clientKey'] as const).flatMap(field => {
      const type = verification[field]?.type
      return type === 'File' || type === 'EnvVar' ? violation(`${at}.${field}.type`, `${type} must be one of: Secret, InsecureInline`) : []
    }),
  ]
}
