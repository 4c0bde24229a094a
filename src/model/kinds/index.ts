import type { TSchema } from 'typebox'
import { nearest } from '../../std/did-you-mean.ts'
import type { KindDefinition } from '../kind.ts'
import { accessRoleKind } from './access-role.ts'
import { accessRoleBindingKind } from './access-role-binding.ts'
import { configKind } from './config.ts'
import { dataplaneKind } from './dataplane.ts'
import { dataplaneInsightKind } from './dataplane-insight.ts'
import { discoverySourceKind } from './discovery-source.ts'
import { hostnameGeneratorKind } from './hostname-generator.ts'
import { meshKind } from './mesh.ts'
import { meshAccessLogKind } from './mesh-access-log.ts'
import { meshCircuitBreakerKind } from './mesh-circuit-breaker.ts'
import { meshExternalServiceKind } from './mesh-external-service.ts'
import { meshFaultInjectionKind } from './mesh-fault-injection.ts'
import { meshGatewayKind } from './mesh-gateway.ts'
import { meshHealthCheckKind } from './mesh-health-check.ts'
import { meshHTTPRouteKind } from './mesh-http-route.ts'
import { meshIdentityKind } from './mesh-identity.ts'
import { meshInsightKind } from './mesh-insight.ts'
import { meshLoadBalancingStrategyKind } from './mesh-load-balancing-strategy.ts'
import { meshMetricKind } from './mesh-metric.ts'
import { meshMultiZoneServiceKind } from './mesh-multi-zone-service.ts'
import { meshOpenTelemetryBackendKind } from './mesh-open-telemetry-backend.ts'
import { meshPassthroughKind } from './mesh-passthrough.ts'
import { meshProxyPatchKind } from './mesh-proxy-patch.ts'
import { meshRateLimitKind } from './mesh-rate-limit.ts'
import { meshRetryKind } from './mesh-retry.ts'
import { meshServiceKind } from './mesh-service.ts'
import { meshTCPRouteKind } from './mesh-tcp-route.ts'
import { meshTimeoutKind } from './mesh-timeout.ts'
import { meshTLSKind } from './mesh-tls.ts'
import { meshTraceKind } from './mesh-trace.ts'
import { meshTrafficPermissionKind } from './mesh-traffic-permission.ts'
import { meshTrustKind } from './mesh-trust.ts'
import { meshZoneAddressKind } from './mesh-zone-address.ts'
import { globalSecretKind, secretKind } from './secret.ts'
import { serviceCapacityKind } from './service-capacity.ts'
import { serviceInsightKind } from './service-insight.ts'
import { trustAcknowledgementKind } from './trust-acknowledgement.ts'
import { workloadKind } from './workload.ts'
import { zoneKind } from './zone.ts'
import { zoneInsightKind } from './zone-insight.ts'

/** Every kind there is, in the order in which a file of many should be applied: what others rest on comes first. */
export const kinds: readonly KindDefinition[] = [
  erased(meshKind),
  erased(zoneKind),
  erased(zoneInsightKind),
  erased(meshInsightKind),
  erased(configKind),
  erased(accessRoleKind),
  erased(accessRoleBindingKind),
  erased(globalSecretKind),
  erased(secretKind),
  erased(meshIdentityKind),
  // Before MeshTrust: that a root signs no more must be known before it leaves the bundle.
  erased(trustAcknowledgementKind),
  erased(meshTrustKind),
  erased(hostnameGeneratorKind),
  erased(discoverySourceKind),
  erased(workloadKind),
  erased(dataplaneKind),
  erased(dataplaneInsightKind),
  erased(meshServiceKind),
  erased(meshMultiZoneServiceKind),
  erased(meshExternalServiceKind),
  erased(serviceInsightKind),
  erased(meshZoneAddressKind),
  erased(serviceCapacityKind),
  erased(meshGatewayKind),
  erased(meshOpenTelemetryBackendKind),
  erased(meshHTTPRouteKind),
  erased(meshTCPRouteKind),
  erased(meshTLSKind),
  erased(meshLoadBalancingStrategyKind),
  erased(meshPassthroughKind),
  erased(meshAccessLogKind),
  erased(meshTraceKind),
  erased(meshFaultInjectionKind),
  erased(meshRateLimitKind),
  erased(meshTimeoutKind),
  erased(meshTrafficPermissionKind),
  erased(meshHealthCheckKind),
  erased(meshCircuitBreakerKind),
  erased(meshRetryKind),
  erased(meshMetricKind),
  erased(meshProxyPatchKind),
]

const byName = new Map(kinds.map(kind => [kind.kind, kind]))
const byPath = new Map(kinds.map(kind => [kind.path, kind]))
/** Kuma's REST API has a second spelling of one path. */
byPath.set('global-secrets', erased(globalSecretKind))

/** By the `type` in YAML. */
export function kindByName(name: string): KindDefinition | undefined {
  return byName.get(name)
}

/** By the segment in REST paths. */
export function kindByPath(path: string): KindDefinition | undefined {
  return byPath.get(path)
}

const byShort = new Map(kinds.map(kind => [kind.short, kind]))

/** By the short name in a KRI. */
export function kindByShort(short: string): KindDefinition | undefined {
  return byShort.get(short)
}

const byWord = new Map(kinds.flatMap(kind => wordsOf(kind).map(word => [word, kind] as const)))

/** What a person may call a kind: `MeshService`, `mesh-service`, `meshservices`, `msvc`; case does not count. */
export function findKind(word: string): KindDefinition | undefined {
  return byWord.get(word.toLowerCase())
}

/** Plurals of the kinds that a mistyped word may have meant, nearest first. */
export function suggestKinds(word: string): string[] {
  return [...new Set(nearest(word, byWord.keys()).map(near => byWord.get(near)!.path))]
}

function wordsOf(kind: KindDefinition): string[] {
  const singular = kind.kind.toLowerCase()
  const dashed = kind.kind
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()
  const plural = kind.path.replaceAll('-', '')
  const dashedPlural = plural.startsWith(singular) ? dashed + plural.slice(singular.length) : dashed.replace(/y$/, 'ies')
  return [...new Set([singular, dashed, kind.path, plural, dashedPlural, kind.short])]
}

/** Forgets the spec's type: a table holds kinds of all sorts, and whoever reads it has checked the value against `kind.spec`. */
function erased<S extends TSchema, T extends TSchema>(kind: KindDefinition<S, T>): KindDefinition {
  return kind as unknown as KindDefinition
}
