import { displayNameOf, syncedName } from '../../src/model/names.ts'
import type { Resource } from '../../src/model/resource.ts'

/** A resource as Kuma's Go tests hold it: on Kubernetes its name has a part that is no label. */
export interface Held {
  readonly resource: Resource
  readonly nameExtensions: Readonly<Record<string, string>> | null
}

type Rewrite = (resource: Resource) => Held

const namespaceLabel = 'k8s.kuma.io/namespace'

/** Kuma's tests run one input as if it were created on one sort of control plane and looked at on another
 *  (`resourcerules_test.go`, `pkg/test/resources`). The labels of the input stay in force. */
function createdOn(labels: Readonly<Record<string, string>>, namespace?: string): Rewrite {
  return resource => {
    const known = {
      ...labels,
      'kuma.io/display-name': resource.name,
      ...(namespace ? { [namespaceLabel]: namespace, 'kuma.io/mesh': resource.mesh } : {}),
      ...resource.labels,
    }
    return named({ ...resource, labels: known }, resource.name, namespace)
  }
}

function syncedTo(namespace: string | undefined, from: Rewrite): Rewrite {
  return input => {
    const { resource } = from(input)
    const { labels } = resource
    return named(resource, syncedName(displayNameOf(resource), resource.mesh, labels['kuma.io/zone'], labels[namespaceLabel]), namespace)
  }
}

function named(resource: Resource, name: string, namespace: string | undefined): Held {
  if (namespace === undefined) return { resource: { ...resource, name }, nameExtensions: null }
  const nameExtensions = { 'k8s.kuma.io/name': name, [namespaceLabel]: namespace }
  return { resource: { ...resource, name: `${name}.${namespace}` }, nameExtensions }
}

/** With a label set in any case. */
export function labelled(from: Rewrite, labels: Readonly<Record<string, string>>): Rewrite {
  return input => {
    const { resource, nameExtensions } = from(input)
    return { resource: { ...resource, labels: { ...resource.labels, ...labels } }, nameExtensions }
  }
}

export const globalUni = createdOn({ 'kuma.io/origin': 'global' })
export const globalK8s = createdOn({ 'kuma.io/origin': 'global' }, 'ns-k8s')
export const zoneUni = createdOn({ 'kuma.io/origin': 'zone', 'kuma.io/zone': 'zone-uni' })
export const zoneK8s = createdOn({ 'kuma.io/origin': 'zone', 'kuma.io/zone': 'zone-k8s' }, 'ns-k8s')
export const toUni = (from: Rewrite): Rewrite => syncedTo(undefined, from)
export const toK8s = (from: Rewrite): Rewrite => syncedTo('kuma-system', from)

/** As global's policies are on the way to zones: of the system, in its namespace. The name is hashed before. */
const systems = (from: Rewrite) => labelled(from, { 'kuma.io/policy-role': 'system', [namespaceLabel]: 'kuma-system' })
const producers = (from: Rewrite) => labelled(from, { 'kuma.io/policy-role': 'producer' })

/** The sixteen goldens of each of `resourcerules`. */
export const resourceRuleForms: Readonly<Record<string, Rewrite>> = {
  'global-uni': globalUni,
  'global-k8s': globalK8s,
  'zone-uni': zoneUni,
  'zone-k8s': zoneK8s,
  'zone-k8s-2-global-uni': toUni(zoneK8s),
  'zone-uni-2-global-uni': toUni(zoneUni),
  'zone-k8s-2-global-k8s': toK8s(zoneK8s),
  'zone-uni-2-global-k8s': toK8s(zoneUni),
  'global-k8s-2-zone-uni': toUni(globalK8s),
  'global-uni-2-zone-uni': toUni(globalUni),
  'global-uni-2-zone-k8s': toK8s(globalUni),
  'global-k8s-2-zone-k8s': toK8s(globalK8s),
  'zone-uni-2-zone-uni': toUni(toUni(zoneUni)),
  'zone-uni-2-zone-k8s': toK8s(toUni(zoneUni)),
  'zone-k8s-2-zone-uni': toUni(toUni(zoneK8s)),
  'zone-k8s-2-zone-k8s': toK8s(toUni(zoneK8s)),
}

/** The fourteen of each of `dataplane-kind`. */
export const dataplaneKindForms: Readonly<Record<string, { readonly dataplane: Rewrite; readonly policy: Rewrite }>> = {
  'uni-zone': { dataplane: zoneUni, policy: zoneUni },
  'k8s-zone': { dataplane: zoneK8s, policy: zoneK8s },
  'policy-from-global-uni-zone-uni-on-global': { dataplane: toUni(zoneUni), policy: systems(globalUni) },
  'policy-from-global-uni-zone-uni-on-zone': { dataplane: zoneUni, policy: systems(toUni(globalUni)) },
  'policy-from-global-uni-zone-k8s-on-zone': { dataplane: zoneK8s, policy: systems(toK8s(globalUni)) },
  'policy-from-global-uni-zone-k8s-on-global': { dataplane: toUni(zoneK8s), policy: systems(globalUni) },
  'policy-from-global-k8s-zone-uni-on-zone': { dataplane: zoneUni, policy: systems(toUni(globalK8s)) },
  'policy-from-global-k8s-zone-uni-on-global': { dataplane: toK8s(zoneUni), policy: systems(globalK8s) },
  'policy-from-global-k8s-zone-k8s-on-zone': { dataplane: zoneK8s, policy: systems(toK8s(globalK8s)) },
  'policy-from-global-k8s-zone-k8s-on-global': { dataplane: toK8s(zoneK8s), policy: systems(globalK8s) },
  'policy-global-uni-dpp-k8s-on-zone': { dataplane: zoneUni, policy: systems(toUni(globalUni)) },
  'policy-global-uni-dpp-k8s-on-global': { dataplane: toUni(zoneUni), policy: systems(globalUni) },
  'policy-from-k8s-to-uni': { dataplane: zoneUni, policy: producers(toUni(zoneK8s)) },
  'policy-from-k8s-to-k8s': { dataplane: zoneK8s, policy: producers(toK8s(zoneK8s)) },
}
