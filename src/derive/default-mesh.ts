import { computedLabels, type Origin } from '../model/compute-labels.ts'
import { envLabel, originLabel } from '../model/labels.ts'
import type { ResourceDraft } from '../model/resource.ts'

/**
 * What a first start makes, as visible resources: mesh `default`, an identity for all its proxies, a permission for those identities, of
 * whatever zone, and the names under which services are known. Everything in it can be changed or deleted, and is not made again.
 */
export function defaultMesh(origin: Origin): ResourceDraft[] {
  const drafts: ResourceDraft[] = [
    { kind: 'Mesh', mesh: '', name: 'default', labels: {}, spec: {} },
    {
      kind: 'MeshIdentity',
      mesh: 'default',
      name: 'identity',
      labels: {},
      spec: {
        selector: { dataplane: { matchLabels: {} } },
        provider: { type: 'Bundled', bundled: { meshTrustCreation: 'Enabled', autogenerate: { enabled: true } } },
      },
    },
    {
      kind: 'MeshTrafficPermission',
      mesh: 'default',
      name: 'allow-mesh',
      labels: {},
      spec: { rules: [{ default: { allow: [{ spiffeID: { type: 'Prefix', value: 'spiffe://default.' } }] } }] },
    },
  ]
  return [...labelled(drafts, origin), ...defaultHostnameGenerators(origin)]
}

/**
 * The names under which services are known where nobody says otherwise; Kuma's. Global says how zones know what it sends them; a zone,
 * also one that joins global, how it knows what is its own.
 */
export function defaultHostnameGenerators(origin: Origin): ResourceDraft[] {
  return labelled(origin.mode === 'global' ? ofGlobal : ofTheZone, origin)
}

function labelled(drafts: readonly ResourceDraft[], origin: Origin): ResourceDraft[] {
  return drafts.map(draft => ({ ...draft, labels: computedLabels(draft, origin) }))
}

const headlessLabel = 'k8s.kuma.io/is-headless-service'
const synced = { [originLabel]: 'global' }
const local = { [originLabel]: 'zone' }

const ofGlobal: readonly ResourceDraft[] = [
  aGenerator('synced-mesh-multi-zone-service', 'meshMultiZoneService', synced, '{{ .DisplayName }}.mzsvc.mesh.local'),
  aGenerator(
    'synced-kube-mesh-service',
    'meshService',
    { ...synced, [headlessLabel]: 'false', [envLabel]: 'kubernetes' },
    '{{ .DisplayName }}.{{ .Namespace }}.svc.{{ .Zone }}.mesh.local',
  ),
  aGenerator(
    'synced-headless-kube-mesh-service',
    'meshService',
    { ...synced, [headlessLabel]: 'true', [envLabel]: 'kubernetes' },
    '{{ label "statefulset.kubernetes.io/pod-name" }}.{{ label "k8s.kuma.io/service-name" }}.{{ .Namespace }}.svc.{{ .Zone }}.mesh.local',
  ),
  aGenerator(
    'synced-universal-mesh-service',
    'meshService',
    { ...synced, [envLabel]: 'universal' },
    '{{ .DisplayName }}.svc.{{ .Zone }}.mesh.local',
  ),
  aGenerator('synced-mesh-external-service', 'meshExternalService', synced, '{{ .DisplayName }}.extsvc.mesh.local'),
]

const ofTheZone: readonly ResourceDraft[] = [
  aGenerator('local-universal-mesh-service', 'meshService', local, '{{ .DisplayName }}.svc.mesh.local'),
  aGenerator('local-mesh-external-service', 'meshExternalService', local, '{{ .DisplayName }}.extsvc.mesh.local'),
  // Kuma has none: there, only global makes such services. Here a zone without global does too.
  aGenerator('local-mesh-multi-zone-service', 'meshMultiZoneService', local, '{{ .DisplayName }}.mzsvc.mesh.local'),
]

function aGenerator(name: string, selector: string, matchLabels: Readonly<Record<string, string>>, template: string): ResourceDraft {
  return { kind: 'HostnameGenerator', mesh: '', name, labels: {}, spec: { selector: { [selector]: { matchLabels } }, template } }
}
