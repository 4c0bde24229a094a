import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import type { FoundWorkload, Item } from '../adapter.ts'
import { itemOf, leftOut } from '../found.ts'

/** As much of an instance as is read. https://cloud.google.com/compute/docs/reference/rest/v1/instances */
export interface GceInstance {
  readonly id: string
  readonly name: string
  /** A URL that ends in the zone's name. */
  readonly zone: string
  readonly status: string
  readonly labels?: Readonly<Record<string, string>>
  readonly machineType?: string
  readonly networkInterfaces?: readonly { readonly networkIP?: string; readonly ipv6Address?: string }[]
}

/** https://cloud.google.com/compute/docs/instances/instance-lifecycle */
const states: Readonly<Record<string, FoundWorkload['state']>> = {
  PROVISIONING: 'starting',
  STAGING: 'starting',
  RUNNING: 'ready',
  REPAIRING: 'unhealthy',
  PENDING_STOP: 'draining',
  STOPPING: 'draining',
  SUSPENDING: 'draining',
}

/** The id of an instance within its project: what a person may have created again under the same name is another one. */
export function gceId({ zone, id }: Pick<GceInstance, 'zone' | 'id'>): string {
  return `${lastPart(zone)}/${id}`
}

/** What an instance comes to under a source's rules. */
export function translateGce(instance: GceInstance, project: string, spec: DiscoverySourceSpec): Item {
  const id = { id: gceId(instance) }
  const zone = lastPart(instance.zone)
  const { name, status, labels = {} } = instance
  const facts = { name, zone, status, ...(instance.machineType === undefined ? {} : { machineType: lastPart(instance.machineType) }) }
  // Each is in a cluster, which is found as such.
  if (labels['goog-gke-node'] !== undefined) return leftOut(id, 'a node of a cluster: a source of type GKE finds what runs on it', facts)
  const state = states[status]
  if (state === undefined) return leftOut(id, `it does not run: ${status}`, facts)
  const nic = instance.networkInterfaces?.[0]
  return itemOf(
    id,
    {
      name,
      labels,
      address: nic?.networkIP || nic?.ipv6Address,
      ports: [],
      state,
      ...(state === 'ready' ? {} : { reason: status }),
      locality: { cloud: 'gcp', account: project, region: regionOf(zone), zone },
      facts,
    },
    spec,
  )
}

/** `europe-west3` of `europe-west3-a`. */
export function regionOf(zone: string): string {
  return zone.replace(/-[a-z]$/, '')
}

function lastPart(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1)
}
