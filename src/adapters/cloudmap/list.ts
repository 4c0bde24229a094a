import {
  DiscoverInstancesCommand,
  DiscoverInstancesRevisionCommand,
  ListNamespacesCommand,
  ListServicesCommand,
  type NamespaceSummary,
  ServiceDiscoveryClient,
  type ServiceSummary,
} from '@aws-sdk/client-servicediscovery'
import type { Adapter, Item, Listing, OpenAdapter, Scope, ScopeListing, Source } from '../adapter.ts'
import { AwsAccess } from '../aws/access.ts'
import { requireAnswer } from '../aws/answer.ts'
import { placeOf, placeScopes } from '../aws/place-scopes.ts'
import { drainPages, type Page } from '../paging.ts'
import { translateInstance } from './translate.ts'

/** AWS Cloud Map: an account's namespaces in a region are a scope. */
export const cloudMap: Adapter = {
  type: 'CloudMap',
  intervalMs: 60_000,
  open: async (source, deps) => new CloudMapSource(source, await AwsAccess.open(source, deps)),
}

/** DiscoverInstances has no pages: an answer that is full may lack some. https://docs.aws.amazon.com/cloud-map/latest/api/API_DiscoverInstances.html */
const mostInstances = 1000

interface Known {
  readonly revision: number
  readonly items: readonly Item[]
}

class CloudMapSource implements OpenAdapter {
  readonly #source: Source
  readonly #access: AwsAccess
  /** By ARN of the service: while its revision is the same, its instances are. */
  readonly #known = new Map<string, Known>()

  constructor(source: Source, access: AwsAccess) {
    this.#source = source
    this.#access = access
  }

  scopes(signal: AbortSignal): Promise<ScopeListing> {
    return placeScopes(this.#access, 'cloudmap', signal)
  }

  async list(scope: Scope, signal: AbortSignal): Promise<Listing> {
    const wanted = this.#source.spec.aws?.namespaces
    const read = (NextToken: string | undefined) => this.#namespaces(scope, NextToken, signal)
    const namespaces = await drainPages(read, { what: `namespaces of ${scope.id}`, idOf: ({ Id = '' }) => Id })
    const missing = [...namespaces.missing]
    const items = new Map<string, Item>()
    let { pages } = namespaces
    for (const namespace of namespaces.items.filter(({ Name = '' }) => wanted === undefined || wanted.includes(Name))) {
      const readServices = (NextToken: string | undefined) => this.#services(scope, namespace, NextToken, signal)
      const services = await drainPages(readServices, { what: `services of ${namespace.Name}`, idOf: ({ Id = '' }) => Id })
      missing.push(...services.missing)
      pages += services.pages
      for (const service of services.items) {
        const found = await this.#instances(scope, namespace, service, signal)
        pages++
        for (const item of found) items.set(item.id, item)
        if (found.length >= mostInstances)
          missing.push(`${namespace.Name}/${service.Name} has more instances than Cloud Map tells of (${mostInstances})`)
      }
    }
    return { complete: missing.length === 0, missing, items: [...items.values()], gone: [], pages }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#access[Symbol.asyncDispose]()
  }

  async #namespaces(scope: Scope, NextToken: string | undefined, signal: AbortSignal): Promise<Page<NamespaceSummary>> {
    const answer = await this.#call(scope, 'servicediscovery:ListNamespaces', signal, (client, abortSignal) =>
      client.send(new ListNamespacesCommand({ MaxResults: 100, ...(NextToken === undefined ? {} : { NextToken }) }), { abortSignal }),
    )
    return { items: requireAnswer(answer.Namespaces, 'Namespaces', 'servicediscovery:ListNamespaces'), next: answer.NextToken }
  }

  async #services(
    scope: Scope,
    { Id = '' }: NamespaceSummary,
    NextToken: string | undefined,
    signal: AbortSignal,
  ): Promise<Page<ServiceSummary>> {
    const Filters = [{ Name: 'NAMESPACE_ID' as const, Values: [Id], Condition: 'EQ' as const }]
    const answer = await this.#call(scope, 'servicediscovery:ListServices', signal, (client, abortSignal) =>
      client.send(new ListServicesCommand({ Filters, MaxResults: 100, ...(NextToken === undefined ? {} : { NextToken }) }), {
        abortSignal,
      }),
    )
    return { items: requireAnswer(answer.Services, 'Services', 'servicediscovery:ListServices'), next: answer.NextToken }
  }

  /** The revision is asked for first: it costs next to nothing, and what comes after it is at least as new. */
  async #instances(scope: Scope, namespace: NamespaceSummary, service: ServiceSummary, signal: AbortSignal): Promise<readonly Item[]> {
    const { Name: NamespaceName = '' } = namespace
    const { Name: ServiceName = '', Arn = `${NamespaceName}/${ServiceName}` } = service
    const name = { NamespaceName, ServiceName }
    const { InstancesRevision = 0 } = await this.#call(scope, 'servicediscovery:DiscoverInstancesRevision', signal, (client, abortSignal) =>
      client.send(new DiscoverInstancesRevisionCommand(name), { abortSignal }),
    )
    const known = this.#known.get(Arn)
    if (known !== undefined && InstancesRevision > 0 && known.revision === InstancesRevision) return known.items
    const answer = await this.#call(scope, 'servicediscovery:DiscoverInstances', signal, (client, abortSignal) =>
      client.send(new DiscoverInstancesCommand({ ...name, HealthStatus: 'ALL', MaxResults: mostInstances }), { abortSignal }),
    )
    const instances = requireAnswer(answer.Instances, 'Instances', 'servicediscovery:DiscoverInstances')
    const items = instances.map(instance => translateInstance(instance, scope.locality, this.#source.spec))
    this.#known.set(Arn, { revision: InstancesRevision, items })
    return items
  }

  #call<T>(
    scope: Scope,
    action: string,
    signal: AbortSignal,
    send: (client: ServiceDiscoveryClient, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const place = placeOf(scope)
    const client = this.#access.client(place, ServiceDiscoveryClient)
    return this.#access.call(place, 'cloud-map-read', action, limited => send(client, limited), signal)
  }
}
