import type { HostnameGenerator, HostnameGeneratorSpec } from '../model/kinds/hostname-generator.ts'
import type { MeshExternalService } from '../model/kinds/mesh-external-service.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { originLabel } from '../model/labels.ts'
import type { Resource } from '../model/resource.ts'
import { matchesLabels } from '../model/target-ref.ts'
import { evaluateHostnameTemplate } from './hostname-template.ts'

/** What may be given names. */
export type NameableService = MeshService | MeshMultiZoneService | MeshExternalService

/** The name that one generator makes for one service. */
export type GeneratedHostname =
  | { readonly kind: 'none' }
  | { readonly kind: 'name'; readonly hostname: string }
  | { readonly kind: 'failed'; readonly reason: string }

const selectors = {
  MeshService: 'meshService',
  MeshMultiZoneService: 'meshMultiZoneService',
  MeshExternalService: 'meshExternalService',
} as const satisfies Readonly<Record<string, keyof NonNullable<HostnameGeneratorSpec['selector']>>>

/** The kinds of which resources are given names. */
export const nameableKinds: readonly string[] = Object.keys(selectors)

export function isNameable(resource: Resource): resource is NameableService {
  return Object.hasOwn(selectors, resource.kind)
}

/** `localZone` stands for the zone of a service that says none; '' at global. */
export function generateHostname(generator: HostnameGenerator, service: NameableService, localZone: string): GeneratedHostname {
  const { selector, template } = generator.spec
  const chosen = selector?.[selectors[service.kind as keyof typeof selectors]]
  if (chosen === undefined || template === undefined || !matchesLabels(service, chosen.matchLabels)) return { kind: 'none' }
  return evaluateHostnameTemplate(template, service, localZone)
}

/** As a service looks in a zone: its own zone knows it as its own, every other as one that global sent. */
export function seenFrom<R extends Pick<Resource, 'labels'>>(service: R, origin: 'zone' | 'global'): R {
  return { ...service, labels: { ...service.labels, [originLabel]: origin } }
}

/** In which generators take names: those of the zone before global's, then the older one, then by name. */
export function compareGenerators(a: HostnameGenerator, b: HostnameGenerator): number {
  const rank = ({ labels }: HostnameGenerator) => (labels[originLabel] === 'zone' ? 0 : 1)
  return rank(a) - rank(b) || compareAge(a, b)
}

/** In which services take names and addresses: the older one first, then by name, then by kind and mesh, so that no two are equal. */
export function compareAge(a: ServiceAge, b: ServiceAge): number {
  return compare(a.creationTime, b.creationTime) || compare(a.name, b.name) || compare(a.kind, b.kind) || compare(a.mesh, b.mesh)
}

type ServiceAge = Pick<Resource, 'creationTime' | 'name' | 'kind' | 'mesh'>

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
