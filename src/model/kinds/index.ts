import type { TSchema } from 'typebox'
import { nearest } from '../../std/did-you-mean.ts'
import type { KindDefinition } from '../kind.ts'
import { dataplaneKind } from './dataplane.ts'
import { dataplaneInsightKind } from './dataplane-insight.ts'
import { meshKind } from './mesh.ts'
import { meshGatewayKind } from './mesh-gateway.ts'
import { meshHTTPRouteKind } from './mesh-http-route.ts'
import { meshIdentityKind } from './mesh-identity.ts'
import { meshLoadBalancingStrategyKind } from './mesh-load-balancing-strategy.ts'
import { meshMultiZoneServiceKind } from './mesh-multi-zone-service.ts'
import { meshServiceKind } from './mesh-service.ts'
import { meshTrafficPermissionKind } from './mesh-traffic-permission.ts'
import { meshTrustKind } from './mesh-trust.ts'
import { meshZoneAddressKind } from './mesh-zone-address.ts'
import { globalSecretKind, secretKind } from './secret.ts'
import { serviceCapacityKind } from './service-capacity.ts'
import { zoneKind } from './zone.ts'
import { zoneInsightKind } from './zone-insight.ts'

/** Every kind there is, in the order in which a file of many should be applied: what others rest on comes first. */
export const kinds: readonly KindDefinition[] = [
  erased(meshKind),
  erased(zoneKind),
  erased(zoneInsightKind),
  erased(globalSecretKind),
  erased(secretKind),
  erased(meshIdentityKind),
  erased(meshTrustKind),
  erased(dataplaneKind),
  erased(dataplaneInsightKind),
  erased(meshServiceKind),
  erased(meshMultiZoneServiceKind),
  erased(meshZoneAddressKind),
  erased(serviceCapacityKind),
  erased(meshGatewayKind),
  erased(meshHTTPRouteKind),
  erased(meshLoadBalancingStrategyKind),
  erased(meshTrafficPermissionKind),
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
