import type { MessageInitShape } from '@bufbuild/protobuf'
import type { TransportSocketSchema } from '../gen/envoy/config/core/v3/base_pb.js'
import { ApiConfigSource_ApiType, ApiVersion, type ConfigSourceSchema } from '../gen/envoy/config/core/v3/config_source_pb.js'
import { SubjectAltNameMatcher_SanType } from '../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js'
import type { SdsSecretConfigSchema } from '../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { DownstreamTlsContextSchema, UpstreamTlsContextSchema } from '../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import type { ClientKind } from './client-kind.ts'
import { overAds, typedConfig } from './messages.ts'

/** Secret names. `identity` is the proxy's own certificate, which never passes through the control plane; `trust` holds the bundles. */
export const identitySecret = 'identity'
export const trustSecret = 'trust'

/** Envoy's static cluster to the agent beside it (in its bootstrap), which serves `identity` on a unix socket. */
export const agentCluster = 'skerry_agent'

/** In Envoy an empty list of names means that every name will do; here it means that none does. No CA signs this one. */
const nobody = 'spiffe://nobody.invalid/'

const alpnProtocols = ['http/1.1']

/** mTLS for what accepts: a peer without a certificate from a trusted domain does not get in. */
export function downstreamTls(client: ClientKind): MessageInitShape<typeof TransportSocketSchema> {
  return {
    name: 'envoy.transport_sockets.tls',
    configType: typedConfig(DownstreamTlsContextSchema, {
      requireClientCertificate: true,
      commonTlsContext: {
        alpnProtocols,
        tlsCertificateSdsSecretConfigs: [identity(client)],
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
        alpnProtocols,
        tlsCertificateSdsSecretConfigs: [identity(client)],
        validationContextType: {
          case: 'combinedValidationContext',
          value: { defaultValidationContext: { matchTypedSubjectAltNames }, validationContextSdsSecretConfig: trust },
        },
      },
    }),
  }
}

const trust: MessageInitShape<typeof SdsSecretConfigSchema> = { name: trustSecret, sdsConfig: overAds }

/** Without a source a secret is the client's own, known to it by name. Envoy asks its agent for it instead, so that it can be renewed. */
function identity(client: ClientKind): MessageInitShape<typeof SdsSecretConfigSchema> {
  return client === 'skerry' ? { name: identitySecret } : { name: identitySecret, sdsConfig: fromAgent }
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
