import type { MessageInitShape } from '@bufbuild/protobuf'
import type { TransportSocketSchema } from '../gen/envoy/config/core/v3/base_pb.js'
import { ApiConfigSource_ApiType, ApiVersion, type ConfigSourceSchema } from '../gen/envoy/config/core/v3/config_source_pb.js'
import {
  SubjectAltNameMatcher_SanType,
  type TlsParametersSchema,
  TlsParameters_TlsProtocol as TlsProtocol,
} from '../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js'
import type { SdsSecretConfigSchema } from '../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { DownstreamTlsContextSchema, UpstreamTlsContextSchema } from '../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import type { TlsVersion, TlsVersionsPlan } from '../policy/mesh-tls.ts'
import type { ClientKind } from './client-kind.ts'
import { overAds, typedConfig } from './messages.ts'

/** Secret names. `identity` is the proxy's own certificate, which never passes through the control plane; `trust` holds the bundles. That of
 *  a workload in whose name a zone gateway answers goes by its SPIFFE ID. */
export const identitySecret = 'identity'
export const trustSecret = 'trust'

/** The certificate authorities that everybody trusts, which the agent beside an Envoy knows wherever it runs. */
export const publicRootsSecret = 'public_roots'

/** Envoy's static cluster to the agent beside it (in its bootstrap), which serves `identity` on a unix socket. */
export const agentCluster = 'skerry_agent'

/** In Envoy an empty list of names means that every name will do; here it means that none does. No CA signs this one. */
export const nobody = 'spiffe://nobody.invalid/'

/** What a listener takes, the better one first. */
const acceptedAlpn = ['h2', 'http/1.1']

/** mTLS for what accepts: a peer without a certificate from a trusted domain does not get in. `secret`: whose certificate is shown. */
export function downstreamTls(
  client: ClientKind,
  versions: TlsVersionsPlan,
  secret = identitySecret,
): MessageInitShape<typeof TransportSocketSchema> {
  return {
    name: 'envoy.transport_sockets.tls',
    configType: typedConfig(DownstreamTlsContextSchema, {
      requireClientCertificate: true,
      commonTlsContext: {
        ...tlsParams(client, versions),
        alpnProtocols: acceptedAlpn,
        tlsCertificateSdsSecretConfigs: [identity(client, secret)],
        validationContextType: { case: 'validationContextSdsSecretConfig', value: trust },
      },
    }),
  }
}

/** mTLS for what connects: to exactly these SPIFFE IDs. */
export function upstreamTls(
  sni: string,
  allowedIds: readonly string[],
  client: ClientKind,
  { versions, http2 }: { readonly versions: TlsVersionsPlan; readonly http2: boolean },
): MessageInitShape<typeof TransportSocketSchema> {
  const ids = allowedIds.length === 0 ? [nobody] : [...allowedIds].sort()
  const matchTypedSubjectAltNames = ids.map(value => ({
    sanType: SubjectAltNameMatcher_SanType.URI,
    matcher: { matchPattern: { case: 'exact' as const, value } },
  }))
  return {
    name: 'envoy.transport_sockets.tls',
    configType: typedConfig(UpstreamTlsContextSchema, {
      sni,
      commonTlsContext: {
        ...tlsParams(client, versions),
        alpnProtocols: http2 ? ['h2'] : ['http/1.1'],
        tlsCertificateSdsSecretConfigs: [identity(client)],
        validationContextType: {
          case: 'combinedValidationContext',
          value: { defaultValidationContext: { matchTypedSubjectAltNames }, validationContextSdsSecretConfig: trust },
        },
      },
    }),
  }
}

/** TLS to a server of the internet, as its certificate says. For Envoy. */
export function publicTls(host: string): MessageInitShape<typeof TransportSocketSchema> {
  const matcher = { matchPattern: { case: 'exact' as const, value: host } }
  return {
    name: 'envoy.transport_sockets.tls',
    configType: typedConfig(UpstreamTlsContextSchema, {
      sni: host,
      commonTlsContext: {
        validationContextType: {
          case: 'combinedValidationContext',
          value: {
            defaultValidationContext: { matchTypedSubjectAltNames: [{ sanType: SubjectAltNameMatcher_SanType.DNS, matcher }] },
            validationContextSdsSecretConfig: { name: publicRootsSecret, sdsConfig: fromAgent },
          },
        },
      },
    }),
  }
}

const protocols: Readonly<Record<TlsVersion, TlsProtocol>> = {
  TLS10: TlsProtocol.TLSv1_0,
  TLS11: TlsProtocol.TLSv1_1,
  TLS12: TlsProtocol.TLSv1_2,
  TLS13: TlsProtocol.TLSv1_3,
}

/** The built-in proxy speaks TLS 1.2 and 1.3, whatever is asked for. */
function tlsParams(
  client: ClientKind,
  { min, max, ciphers }: TlsVersionsPlan,
): { tlsParams?: MessageInitShape<typeof TlsParametersSchema> } {
  if (client === 'skerry' || (min === null && max === null && ciphers.length === 0)) return {}
  return {
    tlsParams: {
      ...(min === null ? {} : { tlsMinimumProtocolVersion: protocols[min] }),
      ...(max === null ? {} : { tlsMaximumProtocolVersion: protocols[max] }),
      cipherSuites: [...ciphers],
    },
  }
}

const trust: MessageInitShape<typeof SdsSecretConfigSchema> = { name: trustSecret, sdsConfig: overAds }

/** Without a source a secret is the client's own, known to it by name. Envoy asks its agent for it instead, so that it can be renewed. */
function identity(client: ClientKind, name = identitySecret): MessageInitShape<typeof SdsSecretConfigSchema> {
  return client === 'skerry' ? { name } : { name, sdsConfig: fromAgent }
}

const fromAgent: MessageInitShape<typeof ConfigSourceSchema> = {
  resourceApiVersion: ApiVersion.V3,
  configSourceSpecifier: {
    case: 'apiConfigSource',
    value: {
      apiType: ApiConfigSource_ApiType.GRPC,
      transportApiVersion: ApiVersion.V3,
      grpcServices: [{ targetSpecifier: { case: 'envoyGrpc', value: { clusterName: agentCluster } } }],
    },
  },
}
