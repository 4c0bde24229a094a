import type { DiscoverySourceSpec } from '../../../model/kinds/discovery-source.ts'
import type { Item, Locality } from '../../adapter.ts'
import { itemOf, leftOut } from '../../found.ts'
import { firstLabel, skerryTag } from '../../mapping.ts'
import { meshServiceNameOf, protocolOf } from '../service-names.ts'
import type { ImportFacts } from './mcs-objects.ts'

/** A ServiceImport that stands for what the mesh itself brings here says so in this label, and is not taken back into the mesh. */
const managedBy = 'app.kubernetes.io/managed-by'

export interface ImportView {
  readonly id: string
  readonly imported: ImportFacts
  /** A Service of the same name and namespace is here. */
  readonly hasService: boolean
}

/**
 * What an imported service comes to: one workload at its cluster set IP, behind which the cluster's own controller does the rest. It is in the
 * cluster, and in no zone of it.
 */
export function translateImport({ id, imported: it, hasService }: ImportView, cluster: Locality, spec: DiscoverySourceSpec): Item {
  const labels = { ...it.labels, ...it.annotations }
  const facts = { serviceImport: it.key, ...(it.clusters.length === 0 ? {} : { clusters: it.clusters.join(', ') }) }
  const out = (reason: string) => leftOut({ id }, reason, { name: it.name, namespace: it.namespace, ...facts })
  if (it.labels[managedBy] === 'skerry') return out(`it was made of the mesh: its label ${managedBy} is skerry`)
  if (it.isHeadless) return out('it is headless: it has no cluster set IP to be called at')
  if (it.ips.length === 0) return out('it has no cluster set IP (yet): its controller gives it one')
  const isNamed = (firstLabel(labels, spec.mapping?.workload) ?? skerryTag(labels, 'service') ?? '') !== ''
  // Instances of the one would be called as those of the other, and behind the cluster set IP some of them a second time.
  if (hasService && !isNamed)
    return out(
      'a Service of its name is in this cluster, and is what the mesh calls: set annotation skerry.io/service to have it beside that',
    )
  return itemOf(
    { id },
    {
      name: it.name,
      namespace: it.namespace,
      labels,
      services: [meshServiceNameOf(it.namespace, it.name)],
      address: it.ips[0],
      ports: it.ports.map(({ name, port, appProtocol }) => ({
        port,
        ...(name === '' ? {} : { name }),
        protocol: protocolOf(appProtocol, name),
      })),
      state: 'ready',
      locality: cluster,
      facts,
    },
    spec,
  )
}
