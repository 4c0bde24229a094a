import type { Adapter, AdapterDeps, Item, Listing, OpenAdapter, Scope, ScopeListing, Source } from '../adapter.ts'
import { JsonClient } from '../http/json-client.ts'
import { withinBudget } from '../http/within-budget.ts'
import { listAt } from '../json.ts'
import { translateGroup } from './translate.ts'

/** Lists in the format of Prometheus' HTTP service discovery, which anything can write. https://prometheus.io/docs/prometheus/latest/http_sd/ */
export const httpSd: Adapter = {
  type: 'HTTP',
  intervalMs: 30_000,
  open: async (source, deps) => new HttpSource(source, deps, await readToken(source, deps)),
}

class HttpSource implements OpenAdapter {
  readonly #source: Source
  readonly #deps: AdapterDeps
  readonly #token: string | undefined
  readonly #client = new JsonClient({ timeoutMs: 10_000 })

  constructor(source: Source, deps: AdapterDeps, token: string | undefined) {
    this.#source = source
    this.#deps = deps
    this.#token = token
  }

  async scopes(): Promise<ScopeListing> {
    return { complete: true, missing: [], scopes: [{ id: `http/${new URL(this.#url).host}`, locality: {} }] }
  }

  async list(_scope: Scope, signal: AbortSignal): Promise<Listing> {
    const limit = { key: `http/${this.#url}`, perSecond: 2, burst: 2 }
    const headers: Readonly<Record<string, string>> = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }
    const body = await withinBudget(this.#deps.budget, limit, signal, () => this.#client.call({ url: this.#url, headers, signal }))
    const items = new Map<string, Item>()
    for (const group of listAt(body, 'targets')) for (const item of translateGroup(group, this.#source.spec)) items.set(item.id, item)
    return { complete: true, missing: [], items: [...items.values()], gone: [], pages: 1 }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]()
  }

  get #url(): string {
    return this.#source.spec.http!.url
  }
}

async function readToken({ spec: { credentials } }: Source, { secret }: AdapterDeps): Promise<string | undefined> {
  return credentials?.type === 'Reference' ? new TextDecoder().decode(await secret(credentials.reference)).trim() : undefined
}
