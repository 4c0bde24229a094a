import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import type { FoundWorkload, Item } from '../adapter.ts'
import { itemOf, leftOut } from '../found.ts'

/** As much of a machine as is read. https://learn.microsoft.com/rest/api/compute/virtual-machines/list-all */
export interface AzureVm {
  readonly id: string
  readonly name: string
  readonly location: string
  readonly zones?: readonly string[]
  readonly tags?: Readonly<Record<string, string>>
  readonly properties?: {
    readonly provisioningState?: string
    readonly hardwareProfile?: { readonly vmSize?: string }
    readonly instanceView?: { readonly statuses?: readonly { readonly code?: string }[] }
    readonly networkProfile?: {
      readonly networkInterfaces?: readonly { readonly id?: string; readonly properties?: { readonly primary?: boolean } }[]
    }
  }
}

/** https://learn.microsoft.com/rest/api/virtualnetwork/network-interfaces/list-all */
export interface AzureNic {
  readonly id: string
  readonly properties?: {
    readonly ipConfigurations?: readonly {
      readonly properties?: { readonly primary?: boolean; readonly privateIPAddress?: string }
    }[]
  }
}

export interface AzureScaleSet {
  readonly id: string
  readonly name: string
  readonly tags?: Readonly<Record<string, string>>
  readonly properties?: { readonly orchestrationMode?: string }
}

/** A machine with what is told of it elsewhere. */
export interface KnownVm {
  readonly vm: AzureVm
  /** Of its power, as `running`; undefined: nobody said. */
  readonly power: string | undefined
  readonly address: string | undefined
  /** The uniform scale set that it is one of. */
  readonly scaleSet?: AzureScaleSet
}

/** https://learn.microsoft.com/azure/virtual-machines/states-billing */
const states: Readonly<Record<string, FoundWorkload['state']>> = {
  starting: 'starting',
  running: 'ready',
  stopping: 'draining',
  deallocating: 'draining',
}

/** Azure spells the same id in several ways. */
export function azureId(id: string): string {
  return id.toLowerCase()
}

export function powerOf({ properties }: AzureVm): string | undefined {
  const code = properties?.instanceView?.statuses?.map(status => status.code ?? '').find(code => code.startsWith('PowerState/'))
  return code?.slice('PowerState/'.length)
}

/** The id of the network interface that a machine is reached by. */
export function primaryNicOf({ properties }: AzureVm): string | undefined {
  const nics = properties?.networkProfile?.networkInterfaces ?? []
  const id = (nics.find(nic => nic.properties?.primary) ?? nics[0])?.id
  return id === undefined ? undefined : azureId(id)
}

export function addressOf({ properties }: AzureNic): string | undefined {
  const configurations = properties?.ipConfigurations ?? []
  return (configurations.find(it => it.properties?.primary) ?? configurations[0])?.properties?.privateIPAddress
}

/** Does a cluster own this scale set? What runs there is found in the cluster. */
export function isOfCluster({ tags = {} }: Pick<AzureScaleSet, 'tags'>): boolean {
  return Object.keys(tags).some(tag => tag.startsWith('aks-managed-'))
}

/** What a machine comes to under a source's rules. */
export function translateAzureVm({ vm, power, address, scaleSet }: KnownVm, subscription: string, spec: DiscoverySourceSpec): Item {
  const id = { id: azureId(vm.id) }
  const { name, location, zones, properties } = vm
  const provisioning = properties?.provisioningState
  const facts = {
    name,
    location,
    power: power ?? 'unknown',
    ...(provisioning === undefined ? {} : { provisioning }),
    ...(properties?.hardwareProfile?.vmSize === undefined ? {} : { size: properties.hardwareProfile.vmSize }),
    ...(scaleSet === undefined ? {} : { scaleSet: scaleSet.name }),
  }
  const isDeleting = provisioning === 'Deleting'
  const state = isDeleting ? 'draining' : power === undefined ? 'starting' : states[power]
  if (state === undefined) return leftOut(id, `it does not run: ${power}`, facts)
  const reason = isDeleting ? 'it is being deleted' : power === undefined ? 'its power state is not known yet' : power
  return itemOf(
    id,
    {
      name,
      labels: { ...scaleSet?.tags, ...vm.tags },
      services: [scaleSet?.name],
      address,
      ports: [],
      state,
      ...(state === 'ready' ? {} : { reason }),
      locality: {
        cloud: 'azure',
        account: subscription,
        region: location,
        // As nodes of AKS spell it, so that both are in the same zone.
        ...(zones?.[0] === undefined ? {} : { zone: `${location}-${zones[0]}` }),
      },
      facts,
    },
    spec,
  )
}
