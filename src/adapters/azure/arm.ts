import type { TokenCredential } from '@azure/identity'
import { type AdapterDeps, type CallLimit, type Source, SourceCallError } from '../adapter.ts'
import { readCa } from '../http/ca.ts'
import { JsonClient } from '../http/json-client.ts'
import { withinBudget } from '../http/within-budget.ts'
import { type AzureCloud, azureCloud } from './cloud.ts'
import { azureCredential, azureToken } from './credential.ts'

export interface ArmPage {
  readonly items: readonly unknown[]
  /** The address of the next page; absent = this was the last. */
  readonly next?: string
}

/** Azure's resource manager over plain REST. https://learn.microsoft.com/rest/api/azure/ */
export class Arm implements Disposable {
  readonly #client: JsonClient
  readonly #credential: TokenCredential
  readonly #cloud: AzureCloud
  readonly #budget: AdapterDeps['budget']

  private constructor(client: JsonClient, credential: TokenCredential, cloud: AzureCloud, budget: AdapterDeps['budget']) {
    this.#client = client
    this.#credential = credential
    this.#cloud = cloud
    this.#budget = budget
  }

  /** Throws SourceConfigError for credentials or a CA that cannot be used. */
  static async open(source: Source, deps: AdapterDeps): Promise<Arm> {
    const cloud = azureCloud(source.spec.azure?.endpoint)
    const ca = await readCa(source.spec.azure?.caCert, deps)
    return new Arm(new JsonClient(ca === undefined ? {} : { ca }), await azureCredential(source, deps, cloud), cloud, deps.budget)
  }

  get(path: string, limit: CallLimit, signal: AbortSignal): Promise<unknown> {
    return this.#call('GET', this.#address(path), undefined, limit, signal)
  }

  post(path: string, body: unknown, limit: CallLimit, signal: AbortSignal): Promise<unknown> {
    return this.#call('POST', this.#address(path), body, limit, signal)
  }

  /** One page of a list: `from` is a path, or the address that the page before gave. */
  async page(from: string, limit: CallLimit, signal: AbortSignal): Promise<ArmPage> {
    const url = this.#address(from)
    const { value, nextLink } = (await this.#call('GET', url, undefined, limit, signal)) as { value?: unknown; nextLink?: unknown }
    if (!Array.isArray(value)) throw new SourceCallError('garbled', `GET ${url.split('?')[0]} answered no list`)
    return { items: value, ...(typeof nextLink === 'string' && nextLink !== '' ? { next: nextLink } : {}) }
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]()
  }

  #call(method: 'GET' | 'POST', url: string, body: unknown, limit: CallLimit, signal: AbortSignal): Promise<unknown> {
    return withinBudget(this.#budget, limit, signal, async () => {
      const token = await azureToken(this.#credential, this.#cloud.scope, signal)
      return this.#client.call({ method, url, body, signal, headers: { authorization: `Bearer ${token}` } })
    })
  }

  /** A page's next address is followed on the endpoint that was asked: nothing that an answer says sends the token elsewhere. */
  #address(from: string): string {
    const { pathname, search } = new URL(from, this.#cloud.endpoint)
    return `${this.#cloud.endpoint}${pathname}${search}`
  }
}
