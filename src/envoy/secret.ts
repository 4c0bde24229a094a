import { create, toBinary } from '@bufbuild/protobuf'
import { SecretSchema } from '../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { SPIFFECertValidatorConfigSchema } from '../gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js'
import type { TrustPlan } from '../policy/plan.ts'
import { inline, packed } from './messages.ts'
import { trustSecret } from './tls.ts'

/** The bundles, each for its own trust domain only: a CA cannot vouch for another zone's identities.
 *  https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config.proto */
export function encodeTrust(trust: readonly TrustPlan[]): Uint8Array {
  const trustDomains = [...trust]
    .sort((a, b) => (a.trustDomain < b.trustDomain ? -1 : 1))
    .map(({ trustDomain, bundles }) => ({ name: trustDomain, trustBundle: inline(bundles.map(pem => `${pem.trim()}\n`).join('')) }))
  const secret = create(SecretSchema, {
    name: trustSecret,
    type: {
      case: 'validationContext',
      value: {
        customValidatorConfig: {
          name: 'envoy.tls.cert_validator.spiffe',
          typedConfig: packed(SPIFFECertValidatorConfigSchema, { trustDomains }),
        },
      },
    },
  })
  return toBinary(SecretSchema, secret)
}
