import { computedLabels } from '../model/compute-labels.ts'
import { type Dataplane, reachableAddress, zoneIngressListenerName } from '../model/kinds/dataplane.ts'
import type { MeshZoneAddress, MeshZoneAddressSpec } from '../model/kinds/mesh-zone-address.ts'
import { managedByLabel, managedBySkerry, originLabel } from '../model/labels.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { isManaged } from './mesh-service.ts'
import { sameContent } from './same-content.ts'

export type MeshZoneAddressDraft = ResourceDraft<MeshZoneAddressSpec>

export interface ZoneAddressInput {
  readonly mesh: string
  readonly zone: string
  /** Of this mesh and zone. */
  readonly dataplanes: readonly Dataplane[]
  /** Of this mesh; those of other zones and those that a user wrote are not touched. */
  readonly existing: readonly MeshZoneAddress[]
  /** May other zones send to this listener of a zone gateway? `listener` is its name in xDS. */
  readonly isServing: (dataplane: Dataplane, listener: string) => boolean
}

export interface DerivedZoneAddresses {
  readonly addresses: readonly MeshZoneAddressDraft[]
  /** The ones of them that have to be written. */
  readonly changed: readonly MeshZoneAddressDraft[]
  /** Names of those that have to be deleted. */
  readonly removed: readonly string[]
}

/** One MeshZoneAddress for each ZoneIngress listener that serves, named as the zone gateway's Dataplane (and the listener, if it has several). */
export function deriveZoneAddresses(input: ZoneAddressInput): DerivedZoneAddresses {
  const isOurs = (address: MeshZoneAddress) => isManaged(address) && address.labels[originLabel] !== 'global'
  const mine = input.existing.filter(isOurs)
  const byName = new Map(mine.map(address => [address.name, address]))
  const taken = new Set(input.existing.filter(address => !isOurs(address)).map(address => address.name))
  const addresses = input.dataplanes.flatMap(dataplane => addressesOf(input, dataplane)).filter(address => !taken.has(address.name))
  const names = new Set(addresses.map(address => address.name))
  return {
    addresses,
    changed: addresses.filter(draft => !sameContent(byName.get(draft.name), draft)),
    removed: mine.filter(address => !names.has(address.name)).map(address => address.name),
  }
}

function addressesOf({ mesh, zone, isServing }: ZoneAddressInput, dataplane: Dataplane): MeshZoneAddressDraft[] {
  const ingresses = (dataplane.spec.networking.listeners ?? []).filter(listener => listener.type === 'ZoneIngress')
  return ingresses
    .filter(listener => isServing(dataplane, zoneIngressListenerName(listener)))
    .map(listener => {
      const name = ingresses.length === 1 ? dataplane.name : `${dataplane.name}-${listener.name ?? listener.port}`
      const spec = { address: reachableAddress(dataplane.spec, listener), port: listener.port }
      const draft: MeshZoneAddressDraft = { kind: 'MeshZoneAddress', mesh, name, labels: { [managedByLabel]: managedBySkerry }, spec }
      return { ...draft, labels: { ...draft.labels, ...computedLabels(draft, { mode: 'zone', zone }) } }
    })
}
