import {
  type Adapter,
  type AdapterDeps,
  ListAgainError,
  type Listing,
  type OpenAdapter,
  type Scope,
  type ScopeListing,
  type Source,
  SourceCallError,
  SourceConfigError,
} from '../adapter.ts'
import { readCa } from '../http/ca.ts'
import { JsonClient } from '../http/json-client.ts'
import { withinBudget } from '../http/within-budget.ts'
import { listAt, numberOf, objectAt, textOf } from '../json.ts'
import { translateInstance } from './translate.ts'

/** The catalog of HashiCorp Consul: a datacenter is a scope. https://developer.hashicorp.com/consul/api-docs/health */
export const consul: Adapter = {
  type: 'Consul',
  intervalMs: 60_000,
  open: async (source, deps) =>
    new ConsulSource(source, deps, await readCa(source.spec.consul?.caCert, deps), await readToken(source, deps)),
}

/** A server that has not heard from its leader for longer answers with what was. ms */
const freshWithinMs = 30_000
/** How long Consul keeps a question for news open, of which it adds up to a sixteenth. */
const waitMs = 120_000

class ConsulSource implements OpenAdapter {
  readonly #source: Source
  readonly #deps: AdapterDeps
  readonly #client: JsonClient
  readonly #base: string
  readonly #token: string | undefined

  constructor(source: Source, deps: AdapterDeps, ca: string | undefined, token: string | undefined) {
    const address = source.spec.consul?.address ?? ''
    this.#base = (/^https?:\/\//.test(address) ? address : `http://${address}`).replace(/\/+$/, '')
    if (!URL.canParse(this.#base))
      throw new SourceConfigError('consul.address', `${address} is no address: write it as 127.0.0.1:8500 or as a URL`)
    this.#source = source
    this.#deps = deps
    this.#token = token
    this.#client = new JsonClient(ca === undefined ? {} : { ca })
  }

  async scopes(signal: AbortSignal): Promise<ScopeListing> {
    const { datacenters } = this.#source.spec.consul!
    const named = datacenters ?? [await this.#ownDatacenter(signal)]
    return { complete: true, missing: [], scopes: named.map(name => ({ id: `consul/${name}`, locality: { region: name } })) }
  }

  async list(scope: Scope, signal: AbortSignal): Promise<Listing> {
    const missing = new Set<string>()
    const { body, index } = await this.#get('/v1/catalog/services', scope, signal, missing)
    const health = await this.#get('/v1/health/state/any', scope, signal, missing, { filter: 'CheckID == ""' })
    const items = []
    let pages = 2
    for (const service of Object.keys(objectAt(body, 'table of services'))) {
      const answer = await this.#get(`/v1/health/service/${encodeURIComponent(service)}`, scope, signal, missing)
      pages++
      for (const entry of listAt(answer.body, 'instances')) items.push(translateInstance(entry, scope.locality, this.#source.spec))
    }
    const unique = [...new Map(items.map(item => [item.id, item])).values()]
    return { complete: missing.size === 0, missing: [...missing], items: unique, gone: [], cursor: [index, health.index], pages }
  }

  /** Waits until services or checks change: what changed, the next listing says. */
  async follow(scope: Scope, cursor: unknown, _tell: unknown, signal: AbortSignal): Promise<void> {
    const [services, checks] = cursor as [number, number]
    const either = new AbortController()
    const both = AbortSignal.any([signal, either.signal])
    try {
      await Promise.race([
        this.#untilNews('/v1/catalog/services', {}, services, scope, both),
        this.#untilNews('/v1/health/state/any', { filter: 'CheckID == ""' }, checks, scope, both),
      ])
    } finally {
      either.abort()
    }
    if (!signal.aborted) throw new ListAgainError('the catalog changed')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]()
  }

  /** An index that goes back says that the server was put back to an earlier state: that is news as well. */
  async #untilNews(path: string, parameters: Record<string, string>, from: number, scope: Scope, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { index } = await this.#get(path, scope, signal, new Set(), { ...parameters, index: String(from), wait: `${waitMs / 1000}s` })
      if (index === 0) throw new SourceCallError('garbled', `${path} answered without X-Consul-Index: is it Consul?`)
      if (index !== from) return
    }
  }

  async #ownDatacenter(signal: AbortSignal): Promise<string> {
    const { body } = await this.#get('/v1/agent/self', undefined, signal, new Set())
    const name = textOf(objectAt(objectAt(body, 'agent').Config, 'configuration').Datacenter)
    if (name === undefined) throw new SourceCallError('garbled', 'the agent does not say in which datacenter it is')
    return name
  }

  async #get(
    path: string,
    scope: Scope | undefined,
    signal: AbortSignal,
    missing: Set<string>,
    parameters: Readonly<Record<string, string>> = {},
  ) {
    const { namespace } = this.#source.spec.consul!
    const query = new URLSearchParams({
      ...(scope ? { dc: scope.locality.region! } : {}),
      ...(namespace ? { ns: namespace } : {}),
      ...parameters,
    })
    const url = `${this.#base}${path}?${query}`
    const limit = { key: `consul/${this.#base}`, perSecond: 50, burst: 100 }
    const timeoutMs = parameters.wait === undefined ? 10_000 : waitMs * 1.25
    const { body, headers } = await withinBudget(this.#deps.budget, limit, signal, () =>
      this.#client.exchange({ url, headers: this.#token === undefined ? {} : { 'x-consul-token': this.#token }, timeoutMs, signal }),
    )
    if (headers['x-consul-knownleader'] === 'false') missing.add('the servers have no leader: what they answer may be old')
    const lastContact = numberOf(headers['x-consul-lastcontact']) ?? 0
    if (lastContact > freshWithinMs) missing.add(`the server has not heard from its leader for ${Math.round(lastContact / 1000)} s`)
    return { body, index: numberOf(headers['x-consul-index']) ?? 0 }
  }
}

async function readToken({ spec: { credentials } }: Source, { secret }: AdapterDeps): Promise<string | undefined> {
  return credentials?.type === 'Reference' ? new TextDecoder().decode(await secret(credentials.reference)).trim() : undefined
}
