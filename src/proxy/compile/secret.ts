import { SecretSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { SPIFFECertValidatorConfigSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js'
import { certificatesOf } from '../../identity/fingerprint.ts'
import { type Compiled, compileResource, type Reasons } from './compiled.ts'
import type { TrustTable } from './table.ts'
import { trustSecret } from './tls.ts'
import { textOf, unpacked } from './values.ts'

/** The secret `trust`: a bundle for every trust domain whose identities are believed. */
export function compileTrust(bytes: Uint8Array): Compiled<TrustTable> {
  return compileResource(SecretSchema, bytes, (secret, reasons) => {
    if (secret.name !== trustSecret) reasons.add('name', `must be ${trustSecret}: this proxy asks for no other secret`)
    const context = secret.type.case === 'validationContext' ? secret.type.value : undefined
    if (context && context.matchTypedSubjectAltNames.length > 0)
      reasons.add('validation_context.match_typed_subject_alt_names', 'belongs into the cluster')
    const validator = unpacked(context?.customValidatorConfig?.typedConfig, SPIFFECertValidatorConfigSchema)
    if (validator === undefined) reasons.add('validation_context.custom_validator_config', 'must be a SPIFFECertValidatorConfig')

    const trust = new Map<string, readonly string[]>()
    for (const [index, { name, trustBundle }] of (validator?.trustDomains ?? []).entries()) {
      const path = `validation_context.custom_validator_config.typed_config.trust_domains[${index}]`
      const domain = name.toLowerCase()
      if (domain === '') reasons.add(`${path}.name`, 'must not be empty')
      if (trust.has(domain)) reasons.add(`${path}.name`, `${domain} is there twice`)
      trust.set(domain, certificates(textOf(trustBundle), `${path}.trust_bundle`, reasons))
    }
    return trust
  })
}

function certificates(pem: string, path: string, reasons: Reasons): string[] {
  try {
    const found = certificatesOf(pem).map(certificate => certificate.toString())
    if (found.length === 0) reasons.add(path, 'has no certificate')
    return found
  } catch (error) {
    reasons.add(path, `is not PEM certificates (${(error as Error).message})`)
    return []
  }
}
