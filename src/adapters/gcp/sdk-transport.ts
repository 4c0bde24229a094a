import type { AuthClient } from 'google-auth-library'
import type { AdapterDeps, CallLimit, Source } from '../adapter.ts'
import { readCa } from '../http/ca.ts'
import { JsonClient } from '../http/json-client.ts'
import { withinBudget } from '../http/within-budget.ts'
import { gcpCredential, gcpToken } from './credential.ts'

/**
 * What Google's own libraries call through in their REST mode, where they ask an auth client for everything: so their calls too stay within the
 * budget, end in time, trust our CA and fail with our errors.
 */
export class GcpSdkTransport implements Disposable {
  readonly credential: AuthClient
  readonly #client: JsonClient
  readonly #budget: AdapterDeps['budget']
  #within: { readonly limit: CallLimit; readonly signal: AbortSignal } | null = null

  private constructor(credential: AuthClient, client: JsonClient, budget: AdapterDeps['budget']) {
    this.credential = credential
    this.#client = client
    this.#budget = budget
  }

  static async open(source: Source, deps: AdapterDeps): Promise<GcpSdkTransport> {
    const [credential, ca] = await Promise.all([gcpCredential(source, deps), readCa(source.spec.gcp?.caCert, deps)])
    return new GcpSdkTransport(credential, new JsonClient(ca === undefined ? {} : { ca }), deps.budget)
  }

  /** The libraries hand neither through: calls from now on count to this limit, and end with this signal. One listing at a time. */
  within(limit: CallLimit, signal: AbortSignal): void {
    this.#within = { limit, signal }
  }

  async fetch(url: string | URL): Promise<Response> {
    if (!this.#within) throw new Error('called outside of a listing')
    const { limit, signal } = this.#within
    const answer = await withinBudget(this.#budget, limit, signal, async () => {
      const token = await gcpToken(this.credential)
      return this.#client.call({ url: String(url), signal, headers: { authorization: `Bearer ${token}` } })
    })
    return Response.json(answer)
  }

  /** `fetch` sets them itself. */
  getRequestHeaders(): Promise<Headers> {
    return Promise.resolve(new Headers())
  }

  getUniverseDomain(): Promise<string> {
    return Promise.resolve('googleapis.com')
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]()
  }
}
