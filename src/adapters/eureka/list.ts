import type { Adapter, AdapterDeps, Item, Listing, OpenAdapter, Scope, ScopeListing, Source } from '../adapter.ts'
import { JsonClient } from '../http/json-client.ts'
import { withinBudget } from '../http/within-budget.ts'
import { objectAt, textOf } from '../json.ts'
import { hashcodeOf, instancesOf, translateInstance } from './translate.ts'

/** Netflix Eureka: a server's applications are a scope. https://github.com/Netflix/eureka/wiki/Eureka-REST-operations */
export const eureka: Adapter = {
  type: 'Eureka',
  intervalMs: 30_000,
  open: async (source, deps) => new EurekaSource(source, deps, await readCredentials(source, deps)),
}

class EurekaSource implements OpenAdapter {
  readonly #source: Source
  readonly #deps: AdapterDeps
  readonly #authorization: string | undefined
  readonly #client = new JsonClient({ timeoutMs: 10_000 })

  constructor(source: Source, deps: AdapterDeps, authorization: string | undefined) {
    this.#source = source
    this.#deps = deps
    this.#authorization = authorization
  }

  async scopes(): Promise<ScopeListing> {
    return { complete: true, missing: [], scopes: [{ id: `eureka/${new URL(this.#url).host}`, locality: {} }] }
  }

  async list(_scope: Scope, signal: AbortSignal): Promise<Listing> {
    const limit = { key: `eureka/${this.#url}`, perSecond: 2, burst: 2 }
    const headers: Readonly<Record<string, string>> = this.#authorization === undefined ? {} : { authorization: this.#authorization }
    const body = await withinBudget(this.#deps.budget, limit, signal, () =>
      this.#client.call({ url: `${this.#url}/apps`, headers, signal }),
    )
    const applications = objectAt(objectAt(body, 'list of applications').applications, 'list of applications')
    const instances = instancesOf(applications)
    const items = new Map<string, Item>()
    for (const instance of instances) {
      const item = translateInstance(instance, this.#source.spec)
      items.set(item.id, item)
    }
    // The server counts its instances by state: another count says that the answer is not all of them.
    const said = textOf(applications.apps__hashcode)
    const counted = hashcodeOf(instances)
    const missing = said === undefined || said === counted ? [] : [`the server counts ${said}, the answer has ${counted || 'none'}`]
    return { complete: missing.length === 0, missing, items: [...items.values()], gone: [], pages: 1 }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]()
  }

  get #url(): string {
    return this.#source.spec.eureka!.url.replace(/\/+$/, '')
  }
}

/** `user:password`. */
async function readCredentials({ spec: { credentials } }: Source, { secret }: AdapterDeps): Promise<string | undefined> {
  if (credentials?.type !== 'Reference') return undefined
  const text = new TextDecoder().decode(await secret(credentials.reference)).trim()
  return `Basic ${Buffer.from(text).toString('base64')}`
}
