import type { FoundWorkload, Item } from '../../adapters/adapter.ts'
import { validLabelValue } from '../../adapters/valid-label.ts'
import { computedLabels } from '../../model/compute-labels.ts'
import type { Dataplane, DataplaneSpec } from '../../model/kinds/dataplane.ts'
import {
  accountLabel,
  availabilityZoneLabel,
  cloudLabel,
  clusterLabel,
  discoveryScopeLabel,
  discoverySourceLabel,
  exportedLabel,
  foundNamespaceLabel,
  managedByDiscovery,
  managedByLabel,
  proxyLabel,
  regionLabel,
  workloadLabel,
} from '../../model/labels.ts'
import type { ResourceDraft } from '../../model/resource.ts'
import { dataplaneName, fingerprintOf } from './names.ts'

export interface FoundBy {
  readonly mesh: string
  readonly zone: string
  readonly source: string
  readonly scopeKey: string
}

const localityLabels = {
  cloud: cloudLabel,
  account: accountLabel,
  region: regionLabel,
  zone: availabilityZoneLabel,
  cluster: clusterLabel,
} as const

/** The Dataplane of a workload without a proxy. Pure. */
export function foundDataplane(found: FoundWorkload, fingerprint: string, by: FoundBy): ResourceDraft<DataplaneSpec> {
  const { address, lambda, ports, state, weight } = found
  const takesRequests = state === 'ready' && weight !== 0
  const draft: ResourceDraft<DataplaneSpec> = {
    kind: 'Dataplane',
    mesh: by.mesh,
    name: dataplaneName(found.workload, fingerprint),
    labels: {
      ...foundLabels(found, by),
      [workloadLabel]: found.workload,
      [proxyLabel]: 'none',
      [managedByLabel]: managedByDiscovery,
    },
    spec: {
      networking: {
        address,
        inbound: ports.map(({ name, port, protocol }) => ({ port, name, protocol, state: takesRequests ? 'Ready' : 'NotReady' })),
        ...(lambda === undefined ? {} : { lambda: { ...lambda, region: lambda.arn.split(':')[3] ?? '' } }),
      },
    },
  }
  return { ...draft, labels: { ...draft.labels, ...computedLabels(draft, { mode: 'zone', zone: by.zone }) } }
}

/** What a source knows of a workload, as labels: also of one that has a proxy, which registers itself. */
export function foundLabels({ labels, locality, namespace }: FoundWorkload, { source, scopeKey }: FoundBy): Record<string, string> {
  const known = Object.entries(localityLabels).flatMap(([field, label]) => {
    const value = validLabelValue(locality[field as keyof typeof localityLabels] ?? '')
    return value === '' ? [] : [[label, value] as const]
  })
  return {
    ...labels,
    ...Object.fromEntries(known),
    ...(namespace === undefined ? {} : { [foundNamespaceLabel]: validLabelValue(namespace) }),
    [discoverySourceLabel]: source,
    [discoveryScopeLabel]: scopeKey,
  }
}

/** What a Dataplane of discovery's tells of the thing that it was made of: all but its id, of which its name has the fingerprint. */
export function rememberedItem({ name, labels, spec: { networking } }: Dataplane): Item {
  const ours = new Set<string>([...Object.values(localityLabels), discoverySourceLabel, discoveryScopeLabel, foundNamespaceLabel])
  const isReady = networking.inbound?.[0]?.state !== 'NotReady'
  const locality = Object.fromEntries(
    Object.entries(localityLabels).flatMap(([field, label]) => (labels[label] === undefined ? [] : [[field, labels[label]]])),
  )
  return {
    id: fingerprintOf(name),
    facts: { remembered: name },
    outcome: {
      kind: 'workload',
      workload: {
        workload: labels[workloadLabel] ?? name,
        ...(labels[foundNamespaceLabel] === undefined ? {} : { namespace: labels[foundNamespaceLabel] }),
        address: networking.address,
        ports: (networking.inbound ?? []).map(({ name, port, protocol }) => ({
          name: name ?? String(port),
          port,
          protocol: protocol === undefined || protocol === 'tls' ? 'tcp' : protocol,
        })),
        state: isReady ? 'ready' : 'starting',
        labels: Object.fromEntries(
          Object.entries(labels).filter(
            ([label]) => !ours.has(label) && (label === exportedLabel || !/(^|[./])(kuma|skerry)[.]io[/]/.test(label)),
          ),
        ),
        locality,
        ...(networking.lambda === undefined ? {} : { lambda: networking.lambda }),
      },
    },
  }
}

/** Was it made by discovery, and so its to change and delete? */
export function isFound({ labels }: { readonly labels: Readonly<Record<string, string>> }): boolean {
  return labels[managedByLabel] === managedByDiscovery
}
