import { computedLabels, type Origin } from '../model/compute-labels.ts'
import type { ResourceDraft } from '../model/resource.ts'

/**
 * What a first start makes, as visible resources: mesh `default`, an identity for all its proxies, and a permission for those identities,
 * of whatever zone. Everything in it can be changed or deleted, and is not made again.
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
  return drafts.map(draft => ({ ...draft, labels: computedLabels(draft, origin) }))
}
