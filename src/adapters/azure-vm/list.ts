import {
  type Adapter,
  type CallLimit,
  type Gone,
  type Item,
  type Listing,
  type OpenAdapter,
  type Scope,
  type ScopeListing,
  type Source,
  SourceCallError,
} from '../adapter.ts'
import { Arm } from '../azure/arm.ts'
import { resourceGroupOf } from '../azure/resource-id.ts'
import { leftOut, readSafely } from '../found.ts'
import { HttpCallError } from '../http/refusal.ts'
import { type Drained, drainPages } from '../paging.ts'
import {
  type AzureNic,
  type AzureScaleSet,
  type AzureVm,
  addressOf,
  azureId,
  isOfCluster,
  type KnownVm,
  powerOf,
  primaryNicOf,
  translateAzureVm,
} from './translate.ts'

const COMPUTE = 'api-version=2024-07-01'
const NETWORK = 'api-version=2024-05-01'
/** The newest that lists network interfaces of scale sets. */
const SCALE_SET_NETWORK = 'api-version=2018-10-01'

/** Virtual machines of Azure, and those of its scale sets. */
export const azureVm: Adapter = {
  type: 'AzureVM',
  intervalMs: 60_000,
  open: async (source, deps) => new AzureVms(source, await Arm.open(source, deps)),
}

interface Joined {
  readonly items: readonly Item[]
  readonly missing: readonly string[]
}

class AzureVms implements OpenAdapter {
  readonly #source: Source
  readonly #arm: Arm

  constructor(source: Source, arm: Arm) {
    this.#source = source
    this.#arm = arm
  }

  /** A subscription each: they are named, not found. */
  async scopes(): Promise<ScopeListing> {
    const subscriptions = this.#source.spec.azure?.subscriptions ?? []
    const scopes = subscriptions.map(account => ({ id: `azure/${account}/vm`, locality: { cloud: 'azure', account } }))
    return { complete: true, missing: [], scopes }
  }

  async list({ locality }: Scope, signal: AbortSignal): Promise<Listing> {
    const subscription = locality.account!
    const of = (provider: string, query: string) => `/subscriptions/${subscription}/providers/${provider}?${query}`
    const read = <T extends { readonly id: string }>(what: string, path: string) => this.#drain<T>(subscription, what, path, signal)
    // The list of machines does not say whether they run, nor where: three lists do, whatever their number.
    const [vms, powers, nics, scaleSets] = await Promise.all([
      read<AzureVm>('virtual machines', of('Microsoft.Compute/virtualMachines', COMPUTE)),
      read<AzureVm>('states of virtual machines', of('Microsoft.Compute/virtualMachines', `${COMPUTE}&statusOnly=true`)),
      read<AzureNic>('network interfaces', of('Microsoft.Network/networkInterfaces', NETWORK)),
      read<AzureScaleSet>('scale sets', of('Microsoft.Compute/virtualMachineScaleSets', COMPUTE)),
    ])
    const sets = await Promise.all(
      scaleSets.items.filter(set => this.#isWanted(set.id)).map(set => this.#scaleSet(subscription, set, signal)),
    )
    const missing = [vms, powers, nics, scaleSets].flatMap(part => part.missing)
    const joined = this.#join(vms, powers, nics, subscription)
    const items = [...joined.items, ...sets.flatMap(set => set.items)]
    missing.push(...joined.missing, ...sets.flatMap(set => set.missing))
    const pages = [vms, powers, nics, scaleSets, ...sets].reduce((sum, part) => sum + part.pages, 0)
    return { complete: missing.length === 0, missing, items, gone: [], pages }
  }

  async confirm({ locality }: Scope, ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, 'there' | Gone>> {
    const answers = new Map<string, 'there' | Gone>()
    for (const id of ids) {
      try {
        await this.#arm.get(`${id}?${COMPUTE}`, limitOf(locality.account!), signal)
        answers.set(id, 'there')
      } catch (error) {
        if (!(error instanceof SourceCallError)) throw error
        if (error instanceof HttpCallError && error.status === 404) answers.set(id, { id, reason: 'deleted: it does not exist any more' })
      }
    }
    return answers
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#arm[Symbol.dispose]()
  }

  #drain<T extends { readonly id: string }>(subscription: string, what: string, path: string, signal: AbortSignal): Promise<Drained<T>> {
    return drainPages(
      async next => {
        const page = await this.#arm.page(next ?? path, limitOf(subscription), signal)
        return { items: page.items.filter(isResource) as T[], next: page.next }
      },
      { what: `${what} of subscription ${subscription}`, idOf: ({ id }) => azureId(id) },
    )
  }

  /**
   * A machine that one list has and another lacks is most likely well: the lists are made one after the other, and one may have broken off.
   * Half of it would be wrong, so nothing is told of it, and the listing is not complete.
   */
  #join(vms: Drained<AzureVm>, powers: Drained<AzureVm>, nics: Drained<AzureNic>, subscription: string): Joined {
    const powerById = new Map(powers.items.map(vm => [azureId(vm.id), powerOf(vm)]))
    const addressById = new Map(nics.items.map(nic => [azureId(nic.id), addressOf(nic)]))
    const items: Item[] = []
    const missing: string[] = []
    for (const vm of vms.items.filter(vm => this.#isWanted(vm.id))) {
      const id = azureId(vm.id)
      const nic = primaryNicOf(vm)
      const isNew = vm.properties?.provisioningState === 'Creating'
      if (!isNew && !powerById.has(id)) missing.push(`nothing tells whether ${vm.name} runs`)
      else if (!isNew && nic !== undefined && !addressById.has(nic)) missing.push(`nothing tells the address of ${vm.name}`)
      else items.push(this.#translate({ vm, power: powerById.get(id), address: addressById.get(nic ?? '') }, subscription))
    }
    return { items, missing }
  }

  /** Machines of a flexible scale set are in the list of machines; those of a uniform one are only here. */
  async #scaleSet(subscription: string, scaleSet: AzureScaleSet, signal: AbortSignal) {
    const { id, name, properties } = scaleSet
    if (properties?.orchestrationMode === 'Flexible') return { items: [], missing: [], pages: 0 }
    if (isOfCluster(scaleSet)) {
      const reason = 'nodes of a cluster: a source of type AKS finds what runs on them'
      return { items: [leftOut({ id: azureId(id) }, reason, { name })], missing: [], pages: 0 }
    }
    const missing: string[] = []
    try {
      const [vms, nics] = await Promise.all([
        this.#drain<AzureVm>(
          subscription,
          `machines of scale set ${name}`,
          `${id}/virtualMachines?${COMPUTE}&$expand=instanceView`,
          signal,
        ),
        this.#drain<AzureNic>(
          subscription,
          `network interfaces of scale set ${name}`,
          `${id}/networkInterfaces?${SCALE_SET_NETWORK}`,
          signal,
        ),
      ])
      const addressById = new Map(nics.items.map(nic => [azureId(nic.id), addressOf(nic)]))
      const told = vms.items.filter(vm => addressById.has(primaryNicOf(vm) ?? ''))
      const untold = vms.items.length - told.length
      const items = told.map(vm =>
        this.#translate({ vm, power: powerOf(vm), address: addressById.get(primaryNicOf(vm) ?? ''), scaleSet }, subscription),
      )
      if (untold > 0) missing.push(`nothing tells the addresses of ${untold} machines of scale set ${name}`)
      return { items, missing: [...missing, ...vms.missing, ...nics.missing], pages: vms.pages + nics.pages }
    } catch (error) {
      if (!(error instanceof SourceCallError)) throw error
      return { items: [], missing: [`scale set ${name}: ${error.message}`], pages: 0 }
    }
  }

  #translate(known: KnownVm, subscription: string): Item {
    return readSafely({ id: azureId(known.vm.id) }, () => translateAzureVm(known, subscription, this.#source.spec))
  }

  #isWanted(id: string): boolean {
    const { resourceGroups } = this.#source.spec.azure ?? {}
    const group = resourceGroupOf(id).toLowerCase()
    return resourceGroups?.some(wanted => wanted.toLowerCase() === group) ?? true
  }
}

function isResource(item: unknown): item is { readonly id: string } {
  return typeof (item as { id?: unknown } | null)?.id === 'string'
}

/**
 * Azure lets an identity read 250 times at once in a subscription and 25 times in a second after that, of all services together.
 * https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
 */
function limitOf(subscription: string): CallLimit {
  return { key: `azure/${subscription}/arm-read`, perSecond: 5, burst: 50 }
}
