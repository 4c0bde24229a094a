import type { MessageInitShape } from '@bufbuild/protobuf'
import type { TransportSocketSchema } from '../../gen/envoy/config/core/v3/base_pb.js'
import type { CommonTlsContextSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import { DownstreamTlsContextSchema, UpstreamTlsContextSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import { typedConfig } from '../messages.ts'
import { nobody } from '../tls.ts'

/** The provider in the bootstrap: files that whoever stands beside the application keeps fresh. */
export const certificateProvider = 'default'

/**
 * mTLS to exactly these SPIFFE IDs. gRPC heeds the names that Envoy has deprecated, and passes over the typed ones that Envoy wants: with those
 * alone it would talk to anybody. https://github.com/grpc/proposal/blob/master/A29-xds-tls-security.md
 */
export function grpcUpstreamTls(sni: string, allowedIds: readonly string[]): MessageInitShape<typeof TransportSocketSchema> {
  const ids = allowedIds.length === 0 ? [nobody] : [...allowedIds].sort()
  const matchSubjectAltNames = ids.map(value => ({ matchPattern: { case: 'exact' as const, value } }))
  return {
    name: 'envoy.transport_sockets.tls',
    // https://github.com/grpc/proposal/blob/master/A101-SNI-setting-and-SNI-SAN-validation.md; older clients send the name that they dialled.
    configType: typedConfig(UpstreamTlsContextSchema, { sni, commonTlsContext: common({ matchSubjectAltNames }) }),
  }
}

/** mTLS for a server: which of its peers may enter is for its RBAC filters to say. */
export function grpcDownstreamTls(): MessageInitShape<typeof TransportSocketSchema> {
  return {
    name: 'envoy.transport_sockets.tls',
    configType: typedConfig(DownstreamTlsContextSchema, { requireClientCertificate: true, commonTlsContext: common({}) }),
  }
}

function common(names: {
  readonly matchSubjectAltNames?: { matchPattern: { case: 'exact'; value: string } }[]
}): MessageInitShape<typeof CommonTlsContextSchema> {
  const instance = { instanceName: certificateProvider }
  return {
    tlsCertificateProviderInstance: instance,
    validationContextType: { case: 'validationContext', value: { ...names, caCertificateProviderInstance: instance } },
  }
}
