import type { TransportSocket } from '../../gen/envoy/config/core/v3/base_pb.js'
import { SubjectAltNameMatcher_SanType } from '../../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js'
import type { SdsSecretConfig } from '../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import {
  type CommonTlsContext,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import type { Reasons } from './compiled.ts'
import type { ClusterTable, ListenerTable } from './table.ts'
import { extension, needAds } from './values.ts'

/** The proxy's own certificate, which its agent holds; the control plane can only name it. Another's goes by its SPIFFE ID. */
const identitySecret = 'identity'
/** The bundles, by SDS. One set for the whole proxy. */
export const trustSecret = 'trust'

export function compileDownstreamTls(
  socket: TransportSocket,
  path: string,
  reasons: Reasons,
): Extract<ListenerTable['accept'], { kind: 'mtls' }> {
  const at = `${path}.typed_config`
  const context = extension(socket.configType, DownstreamTlsContextSchema)
  if (context === undefined) reasons.add(at, 'must be a DownstreamTlsContext')
  else if (!context.requireClientCertificate)
    reasons.add(`${at}.require_client_certificate`, 'must be true: this proxy ends TLS only from peers that it knows')
  const common = context?.commonTlsContext
  const [secret] = common?.tlsCertificateSdsSecretConfigs ?? []
  const spiffeId = secret?.name.startsWith('spiffe://') ? secret.name : undefined
  needIdentity(common, at, reasons, spiffeId ?? identitySecret)
  if (common?.validationContextType.case === 'validationContextSdsSecretConfig') needTrust(common.validationContextType.value, at, reasons)
  else if (context) reasons.add(`${at}.common_tls_context`, `needs a validation_context_sds_secret_config named ${trustSecret}`)
  return { kind: 'mtls', alpn: common?.alpnProtocols ?? [], ...(spiffeId === undefined ? {} : { spiffeId }) }
}

export function compileUpstreamTls(socket: TransportSocket, path: string, reasons: Reasons): NonNullable<ClusterTable['tls']> {
  const at = `${path}.typed_config`
  const context = extension(socket.configType, UpstreamTlsContextSchema)
  if (context === undefined) reasons.add(at, 'must be an UpstreamTlsContext')
  const common = context?.commonTlsContext
  needIdentity(common, at, reasons)
  return {
    sni: context?.sni ?? '',
    allowedIds: new Set(allowedIds(common, `${at}.common_tls_context`, reasons)),
    alpn: common?.alpnProtocols ?? [],
  }
}

function allowedIds(common: CommonTlsContext | undefined, path: string, reasons: Reasons): string[] {
  if (common?.validationContextType.case !== 'combinedValidationContext') {
    reasons.add(path, 'needs a combined_validation_context')
    return []
  }
  const { defaultValidationContext, validationContextSdsSecretConfig } = common.validationContextType.value
  needTrust(validationContextSdsSecretConfig, `${path}.combined_validation_context`, reasons)
  const at = `${path}.combined_validation_context.default_validation_context`
  if (defaultValidationContext?.customValidatorConfig)
    reasons.add(`${at}.custom_validator_config`, `belongs into the secret ${trustSecret}`)
  const names = defaultValidationContext?.matchTypedSubjectAltNames ?? []
  // Envoy would take any server with a certificate from a trusted domain.
  if (names.length === 0) reasons.add(`${at}.match_typed_subject_alt_names`, 'must name at least one SPIFFE ID')
  return names.flatMap(({ sanType, matcher }, index) => {
    if (sanType === SubjectAltNameMatcher_SanType.URI && matcher?.matchPattern.case === 'exact' && !matcher.ignoreCase)
      return [matcher.matchPattern.value]
    reasons.add(`${at}.match_typed_subject_alt_names[${index}]`, 'must be an exact URI')
    return []
  })
}

function needIdentity(common: CommonTlsContext | undefined, path: string, reasons: Reasons, name = identitySecret): void {
  const [secret, ...more] = common?.tlsCertificateSdsSecretConfigs ?? []
  if (secret?.name === name && secret.sdsConfig === undefined && more.length === 0) return
  reasons.add(
    `${path}.common_tls_context.tls_certificate_sds_secret_configs`,
    `must be one, named ${identitySecret}, without sds_config: the agent provides it`,
  )
}

function needTrust(secret: SdsSecretConfig | undefined, path: string, reasons: Reasons): void {
  const at = `${path}.validation_context_sds_secret_config`
  if (secret?.name !== trustSecret) reasons.add(`${at}.name`, `must be ${trustSecret}`)
  needAds(secret?.sdsConfig, `${at}.sds_config`, reasons)
}
