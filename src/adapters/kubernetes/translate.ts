import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import { exportedLabel } from '../../model/labels.ts'
import type { Item, Locality } from '../adapter.ts'
import { itemOf, leftOut } from '../found.ts'
import type { NativePort } from '../mapping.ts'
import type { NodeFacts, PodFacts, SlicePort } from './cluster-objects.ts'
import type { Instance, Member, View } from './cluster-state.ts'
import { translateImport } from './mcs/translate-import.ts'
import { meshServiceNameOf, protocolOf } from './service-names.ts'

/** What one id of a cluster comes to, under the rules of the source. */
export function translate(view: View, cluster: Locality, spec: DiscoverySourceSpec): Item {
  switch (view.kind) {
    case 'alias': {
      const { id, service } = view
      const facts = { service: service.key, externalName: service.externalName }
      return leftOut({ id }, `it is an alias of ${service.externalName}, which is to be called by that name`, facts)
    }
    case 'unselected': {
      const { id, pod } = view
      return leftOut({ id }, 'no Service selects it', { name: pod.name, namespace: pod.namespace, phase: pod.phase, node: pod.node })
    }
    case 'import':
      return translateImport(view, cluster, spec)
    case 'instance':
      return itemOfInstance(view.instance, cluster, spec)
  }
}

function itemOfInstance(instance: Instance, cluster: Locality, spec: DiscoverySourceSpec): Item {
  const { id, service, serviceKey, isExported, members, pod, node } = instance
  if (service?.standsForImport)
    return leftOut({ id }, `its Service stands for ServiceImport ${service.standsForImport}, which is found by itself`, {
      service: serviceKey,
    })
  const [namespace = '', serviceName = ''] = serviceKey.split('/')
  const address = addressOf(members, pod)
  const { state, reason } = stateOf(instance)
  const labels = { ...service?.labels, ...pod?.labels, ...service?.annotations }
  return itemOf(
    { id },
    {
      name: pod?.name ?? address ?? '',
      namespace,
      labels,
      services: [meshServiceNameOf(namespace, serviceName)],
      version: pod?.labels['app.kubernetes.io/version'],
      address,
      ports: portsOf(members, service?.ports ?? []),
      state,
      ...(reason === '' ? {} : { reason }),
      locality: localityOf(cluster, members, node),
      ...(isExported ? { ownLabels: { [exportedLabel]: 'true' } } : {}),
      ...(pod?.hasSidecar ? { hasSidecar: true } : {}),
      facts: {
        service: serviceName,
        ...(pod ? { pod: pod.name, phase: pod.phase } : {}),
        node: pod?.node || undefined,
        slices: members.map(({ slice }) => slice.key.split('/')[1]).join(', '),
        ...(service?.isHeadless ? { headless: 'true' } : {}),
      },
    },
    spec,
  )
}

/** The pod's first address if the slices have it: of two families that is the one which its cluster prefers. */
function addressOf(members: readonly Member[], pod: PodFacts | undefined): string | undefined {
  const listed = members.flatMap(({ endpoint }) => endpoint.addresses)
  return pod?.addresses.find(address => listed.includes(address)) ?? listed[0]
}

/**
 * Where both may speak, the pod's end comes first: slices follow it by a moment.
 * https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
 */
function stateOf({ members, pod, service }: Instance): { state: 'starting' | 'ready' | 'unhealthy' | 'draining'; reason: string } {
  const isTerminating = pod?.isDeleting === true || members.every(({ endpoint }) => endpoint.isTerminating)
  if (isTerminating) return { state: 'draining', reason: 'it is being terminated' }
  // Published before it is ready: that says nothing of whether it is.
  const isReady = service?.publishesNotReady && pod ? pod.isReady : members.some(({ endpoint }) => endpoint.isReady)
  if (isReady) return { state: 'ready', reason: '' }
  return { state: pod?.isStarting ? 'starting' : 'unhealthy', reason: pod?.reason || 'it is not ready' }
}

/** By the names that the Service gives: the same name can be another number in another pod. */
function portsOf(members: readonly Member[], ofService: readonly SlicePort[]): NativePort[] {
  const ports = new Map<string, NativePort>()
  for (const { slice } of members)
    for (const port of slice.ports) {
      if (ports.has(port.name)) continue
      const service = ofService.find(it => it.name === port.name)
      // One port without a name is called by the number under which the Service is called: the pods' own numbers may differ.
      const name = port.name !== '' ? port.name : service && String(service.port)
      ports.set(port.name, { port: port.port, name, protocol: protocolOf(port.appProtocol || service?.appProtocol || '', port.name) })
    }
  return [...ports.values()]
}

function localityOf(cluster: Locality, members: readonly Member[], node: NodeFacts | undefined): Locality {
  const zone = members.map(({ endpoint }) => endpoint.zone).find(it => it !== '') || node?.zone
  const region = node?.region || cluster.region
  const cloud = cluster.cloud ?? cloudOf(node?.providerId ?? '')
  return {
    ...cluster,
    ...(cloud === undefined ? {} : { cloud }),
    ...(region === undefined || region === '' ? {} : { region }),
    ...(zone === undefined || zone === '' ? {} : { zone }),
  }
}

/** Whose machine a node is, by the scheme of its provider id. */
export function cloudOf(providerId: string): string | undefined {
  switch (providerId.split(':')[0]) {
    case 'aws':
      return 'aws'
    case 'azure':
      return 'azure'
    case 'gce':
      return 'gcp'
    default:
      return undefined
  }
}
