import type { AuthClient } from 'google-auth-library'
import type { AdapterDeps, CallLimit, Source } from '../adapter.ts'
import { readCa } from '../http/ca.ts'
import { JsonClient } from '../http/json-client.ts'
import { withinBudget } from '../http/within-budget.ts'
import { gcpCredential, gcpToken } from './credential.ts'

/** A Google Cloud API over plain REST. */
export class GcpRest implements Disposable {
  readonly #client: JsonClient
  readonly #credential: AuthClient
  readonly #endpoint: string
  readonly #budget: AdapterDeps['budget']

  private constructor(client: JsonClient, credential: AuthClient, endpoint: string, budget: AdapterDeps['budget']) {
    this.#client = client
    this.#credential = credential
    this.#endpoint = endpoint
    this.#budget = budget
  }

  /** `usual`: the address of the API where the source names no other. Throws SourceConfigError for credentials or a CA that cannot be used. */
  static async open(source: Source, deps: AdapterDeps, usual: string): Promise<GcpRest> {
    const ca = await readCa(source.spec.gcp?.caCert, deps)
    const endpoint = (source.spec.gcp?.endpoint ?? usual).replace(/\/+$/, '')
    return new GcpRest(new JsonClient(ca === undefined ? {} : { ca }), await gcpCredential(source, deps), endpoint, deps.budget)
  }

  get(path: string, limit: CallLimit, signal: AbortSignal): Promise<unknown> {
    return withinBudget(this.#budget, limit, signal, async () => {
      const token = await gcpToken(this.#credential)
      return this.#client.call({ url: `${this.#endpoint}${path}`, signal, headers: { authorization: `Bearer ${token}` } })
    })
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]()
  }
}
